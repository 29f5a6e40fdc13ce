//! Everything around a run: its output folder and files, its checkpoint, the console, and Ctrl-C.
//!
//! - `out`: all files of a run or none. `tensors`: weights and masks as files.
//! - `checkpoint`: everything that the rest of a run depends on.
//! - `console`: lines, warnings and the progress bar. `interrupt`: the request to stop.

pub mod checkpoint;
mod console;
mod interrupt;
mod out;
pub mod tensors;

pub(crate) use self::console::Bar;
pub use self::console::Console;
pub(crate) use self::interrupt::EXIT_CODE as INTERRUPTED;
pub use self::interrupt::Interrupt;
pub use self::out::OutFolder;
