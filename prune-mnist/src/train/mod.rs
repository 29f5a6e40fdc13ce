//! Training: the steps and epochs of a network, beside its dense twin, under a strategy or fixed masks.
//!
//! ```text
//! Settings, Dataset -> Trainer (steps, gradients, tests) -> Session (network, twin, pruner) -> History
//! ```
//!
//! - `backend`: the parameters of either backend, as training needs them.
//! - `trainer`: one step and one epoch of any program, and the evidence that events rank by.
//! - `session`, `record`: a network and its twin over epochs, and what was measured.
//! - `size`: the cost of a network, dense and pruned. `error`: the reasons why training stops.

mod backend;
mod error;
mod record;
mod session;
mod size;
#[cfg(test)]
mod tests;
mod trainer;

pub use self::backend::Backend;
pub(crate) use self::error::StepError;
pub use self::error::TrainError;
pub use self::record::{EpochRecord, EventRecord, Figures, History, Later, TwinRecord};
pub use self::session::{Begun, Role, Session, Tick, Trained};
pub use self::size::Size;
pub use self::trainer::{Part, Settings, State, Trainer};
pub(crate) use self::trainer::{hold, revivals};
