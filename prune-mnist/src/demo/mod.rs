//! The demo: trains a network on MNIST, prunes it by a strategy, and shows and stores the result.
//!
//! ```text
//! Arguments -> Plan (strategy, epochs) -> Session (network, twin, pruner) -> History -> tables, files, pictures
//! ```
//!
//! All input of the user is checked before training: strategy against model, data, output folder. Each epoch replaces
//! the checkpoint, from which a killed run can resume. No other file is written before the run is complete; then all
//! are written at once (`out`).
//!
//! # Layout
//! - `args`, `plan`, `presets`, `error`: the options, and the inputs that are refused.
//! - `program`, `saver`, `resume`: the run, the checkpoint in its folder, and its settings.
//! - `show`, `picture`: output for people. `results`: files. `small`: the network without the closed channels;
//!   `scratch`: the same from new weights.

mod args;
mod error;
pub mod picture;
mod plan;
mod presets;
mod program;
mod results;
mod resume;
mod saver;
mod scratch;
mod show;
mod small;

pub use self::args::Arguments;
pub use self::error::DemoError;
pub use self::plan::{DEFAULT_EPOCHS, Plan};
pub use self::program::run;
pub use self::results::FILES;
pub use self::scratch::SCRATCH_FILE;
pub use self::small::{ONNX_FILE, SMALL_FILE};
