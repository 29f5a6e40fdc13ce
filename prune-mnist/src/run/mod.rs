//! Everything around a run: its output folder and files, its checkpoint, the console, and Ctrl-C.
//!
//! - `out`: all files of a run or none. `tensors`: weights and masks as files. `csv`: tables as files.
//! - `checkpoint`: everything that the rest of a run depends on.
//! - `console`: lines, warnings and the progress bar. `interrupt`: the request to stop.
//! - `choice`: options that several programs have. `threads`: the threads asked for.
//! - `start`: the beginning and the end of every program. `error`: the reasons why any of this fails.

pub mod checkpoint;
pub mod choice;
mod console;
mod csv;
mod error;
mod interrupt;
mod out;
mod start;
pub mod tensors;
mod threads;

pub use self::console::Console;
pub(crate) use self::console::{Bar, bar};
pub(crate) use self::csv::csv;
pub use self::error::RunError;
pub(crate) use self::interrupt::EXIT_CODE as INTERRUPTED;
pub use self::interrupt::Interrupt;
pub use self::out::OutFolder;
pub use self::start::start;
pub(crate) use self::threads::on_threads;
