//! The errors that stop the published tables, each with a remedy.

use prune_core::Error;
use prune_schedule::{PruneError, StrategyError};

use crate::data::DataError;
use crate::nn::NnError;
use crate::picture::PictureError;
use crate::run::{INTERRUPTED, RunError};

/// The reason why the tables were not made. Finished runs are kept, and the same command continues from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PaperError {
    /// The data cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network refused.
    #[error(transparent)]
    Network(#[from] NnError),
    /// A strategy of a table was refused.
    #[error("a strategy of these tables: {0}; please report this")]
    Strategy(#[from] StrategyError),
    /// The pruner refused.
    #[error(transparent)]
    Prune(#[from] PruneError),
    /// A mask does not fit.
    #[error(transparent)]
    Mask(#[from] Error),
    /// The output folder or a file.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A picture cannot be drawn.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// Threads cannot be started.
    #[error("cannot start a thread: {source}; lower --jobs")]
    Threads {
        /// The cause.
        source: rayon::ThreadPoolBuildError,
    },
    /// A run has diverged.
    #[error("a run has diverged (loss {loss} in epoch {epoch}): {settings}; please report this")]
    Diverged {
        /// The run's settings.
        settings: String,
        /// The epoch.
        epoch: u64,
        /// The loss.
        loss: f64,
    },
    /// The result of a run has disappeared while other runs needed it.
    #[error("the network {key} has gone from the folder of runs while it was needed; run the same command again")]
    BaseGone {
        /// The file's name without its ending.
        key: String,
    },
    /// A result cannot be put into a file.
    #[error("cannot encode a result: {why}; please report this")]
    Encode {
        /// The cause.
        why: String,
    },
    /// Ctrl-C was pressed.
    #[error("stopped; the runs that were finished are kept, and the same command goes on with the others")]
    Interrupted,
}

impl PaperError {
    /// The exit code of a program that ends with this: 130 after Ctrl-C, otherwise 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted => INTERRUPTED,
            _ => 1,
        }
    }
}
