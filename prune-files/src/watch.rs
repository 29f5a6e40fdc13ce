//! Watches and stops a long command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;

/// Receives the progress of a command. It is called from several threads.
pub trait Progress: Send + Sync {
    /// A part of the work begins, which goes through this number of bytes.
    fn begin(&self, what: &str, bytes: u64);
    /// This number of further bytes is done.
    fn advance(&self, bytes: u64);
    /// The part is done.
    fn end(&self);
    /// A message that the user must get even if the command is killed before it ends: the names of the folders while
    /// one takes the place of the other. If this fails, the command does not go on.
    ///
    /// # Errors
    ///
    /// If the message cannot be printed.
    fn tell(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
}

/// The receiver of a command's progress, and the flag that stops the command.
pub struct Watch {
    /// The receiver of the progress.
    pub progress: Box<dyn Progress>,
    /// Once this is set, the command cleans up and ends with [`Error::Interrupted`].
    pub stop: Arc<AtomicBool>,
}

impl Default for Watch {
    fn default() -> Self {
        Watch { progress: Box::new(Silent), stop: Arc::default() }
    }
}

impl core::fmt::Debug for Watch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Watch").field("stop", &self.stop).finish_non_exhaustive()
    }
}

impl Watch {
    /// Returns an error if the user has stopped the command.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.stop.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }
}
