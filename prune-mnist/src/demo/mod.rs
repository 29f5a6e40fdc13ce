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
//! # How it is laid out
//! - `args`, `strategy`, `presets`, `error`: the options, and the inputs that are refused.
//! - `layers`, `activations`: the network's parameters and activations as the pruning crates see them.
//! - `trainer`, `session`, `record`: steps and epochs, run and twin, and their records.
//! - `checkpoint`, `saver`, `interrupt`: stopping, and resuming without a difference.
//! - `show`, `picture`, `size`: output for people. `save`, `out`, `results`: files. `small`: the network without the
//!   closed channels; `scratch`: the same from new weights.

pub mod activations;
mod args;
pub mod checkpoint;
mod error;
mod interrupt;
mod layers;
mod out;
pub mod picture;
mod presets;
mod record;
mod results;
mod run;
pub mod save;
mod saver;
mod scratch;
mod session;
mod show;
mod size;
mod small;
mod strategy;
#[cfg(test)]
mod tests;
mod trainer;

pub use self::args::{Arguments, BackendChoice, MOST_EPOCHS, ModelChoice};
pub use self::error::DemoError;
pub(crate) use self::interrupt::EXIT_CODE as INTERRUPTED;
pub use self::interrupt::Interrupt;
pub use self::layers::Backend;
pub use self::out::OutFolder;
pub use self::record::{EpochRecord, EventRecord, Figures, History, Later, TwinRecord};
pub use self::results::FILES;
pub use self::run::run;
pub use self::scratch::SCRATCH_FILE;
pub use self::session::{Begun, Role, Session, Tick, Trained};
pub use self::show::Console;
pub(crate) use self::show::{Bar, counted};
pub use self::size::Size;
pub use self::small::{ONNX_FILE, SMALL_FILE};
pub use self::strategy::{DEFAULT_EPOCHS, DEFAULT_STRATEGY, Plan};
pub use self::trainer::{Part, Settings, State, Trainer};
pub(crate) use self::trainer::{StepError, hold, revivals};
