//! Training: the steps and epochs of a network, beside its dense twin, under a strategy or fixed masks.
//!
//! ```text
//! Settings, Dataset -> Trainer (steps, gradients, tests) -> Session (network, twin, pruner) -> History
//! ```
//!
//! - `backend`: the parameters of either backend, as training needs them.
//! - `state`, `rates`: weights with their optimiser, and the learning rate of each step.
//! - `trainer`: the one step and the one loop over steps of all programs, and the evidence that events rank by.
//! - `session`, `record`: a network and its twin over epochs, and what was measured.
//! - `size`: the cost of a network, dense and pruned. `error`: the reasons why training stops.

mod backend;
mod error;
mod rates;
mod record;
mod session;
mod size;
mod state;
#[cfg(test)]
mod tests;
mod trainer;

pub use self::backend::Backend;
pub(crate) use self::error::StepError;
pub use self::error::TrainError;
pub use self::rates::{Course, Rates};
pub use self::record::{EpochRecord, EventRecord, Figures, History, Later, TwinRecord};
pub use self::session::{EpochProgress, Session, Tick, TwinRole};
pub use self::size::Size;
pub use self::state::{State, TrainedState};
pub use self::trainer::{EpochPart, Settings, Trainer};
