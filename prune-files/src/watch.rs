//! How a long command is watched and stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;

/// Is told how far a command has come. Called from several threads.
pub trait Progress: Send + Sync {
    /// A part of the work begins, which goes through so many bytes.
    fn begin(&self, what: &str, bytes: u64);
    /// So many bytes more are done.
    fn advance(&self, bytes: u64);
    /// The part is done.
    fn end(&self);
    /// Something that the user must know although the command may be killed before it ends: under which names folders are,
    /// while one takes the place of the other. The command does not go on where this fails.
    ///
    /// # Errors
    ///
    /// If the message cannot be printed.
    fn tell(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
}

/// Who is told how far a command has come, and the flag that stops it.
pub struct Watch {
    /// Is told.
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
    /// Refuses to go on where the user has stopped the command.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.stop.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }
}
