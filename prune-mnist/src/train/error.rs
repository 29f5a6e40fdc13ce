//! The reasons why training stops.

use prune_core::Error;
use prune_schedule::PruneError;

use super::{Settings, TwinRole};
use crate::nn::NnError;

/// The reason why a step failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    Network(#[from] NnError),
    #[error(transparent)]
    Prune(Box<PruneError>),
    #[error("step {step} of {steps}: loss {loss}")]
    Diverged { step: u64, steps: u64, loss: f64 },
}

impl From<Error> for StepError {
    fn from(error: Error) -> Self {
        PruneError::from(error).into()
    }
}

impl From<PruneError> for StepError {
    fn from(error: PruneError) -> Self {
        Self::Prune(Box::new(error))
    }
}

/// The reason why a session stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The network refused.
    #[error(transparent)]
    Network(#[from] NnError),
    /// The pruner refused.
    #[error(transparent)]
    Prune(Box<PruneError>),
    /// The strategy does not fit the model.
    #[error("the strategy does not fit model `{model}`: {source}")]
    Unfit {
        /// The model.
        model: String,
        /// The cause.
        source: Box<PruneError>,
    },
    /// A network has diverged.
    #[error("epoch {epoch}: {role} has diverged ({what})")]
    Diverged {
        /// The epoch.
        epoch: u64,
        /// The network that diverged.
        role: TwinRole,
        /// The sign of divergence.
        what: String,
        /// The settings that may have caused it.
        settings: Settings,
    },
}

impl From<PruneError> for TrainError {
    fn from(error: PruneError) -> Self {
        Self::Prune(Box::new(error))
    }
}
