//! The errors that stop the scan.

use prune_core::Error;
use prune_schedule::{PruneError, StrategyError};

use crate::data::DataError;
use crate::nn::NnError;
use crate::picture::PictureError;
use crate::run::checkpoint::CheckpointError;
use crate::run::{INTERRUPTED, RunError};

/// The reason why there is no scan. No file has been written then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SensitivityError {
    /// The data cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The network refused.
    #[error(transparent)]
    Network(#[from] NnError),
    /// A layer cannot be pruned in this way.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// The pruner refused.
    #[error(transparent)]
    Prune(#[from] PruneError),
    /// A layer cannot be restored.
    #[error(transparent)]
    Restore(#[from] Error),
    /// The output folder, a file, printing, or the threads.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A picture cannot be drawn.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// Training has diverged.
    #[error("epoch {epoch}: training has diverged ({what}); lower --lr (now {lr})")]
    Diverged {
        /// The epoch.
        epoch: u64,
        /// The sign of divergence.
        what: String,
        /// The learning rate of the first step.
        lr: f64,
    },
    /// The dense network's outputs are not finite.
    #[error("the dense network's test loss is {loss}, so nothing can be measured; take another checkpoint")]
    NotFinite {
        /// The loss.
        loss: f64,
    },
    /// Ctrl-C was pressed.
    #[error("stopped; nothing was written")]
    Interrupted,
}

impl SensitivityError {
    /// The exit code of a program that ends with this: 130 after Ctrl-C, otherwise 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted => INTERRUPTED,
            _ => 1,
        }
    }
}
