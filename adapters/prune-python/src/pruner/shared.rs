//! The pruner as calls of several threads, or one within another, share it: many read, or one writes, and none waits.

use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

use prune_schedule::Pruner as CorePruner;
use pyo3::prelude::*;

use crate::error::refused;

/// A pruner that one call writes at a time.
pub(super) struct Shared(RwLock<CorePruner>);

impl Shared {
    pub(super) fn new(pruner: CorePruner) -> Self {
        Shared(RwLock::new(pruner))
    }

    /// Lends it for reading; refuses while another call writes it.
    pub(super) fn read(&self) -> PyResult<RwLockReadGuard<'_, CorePruner>> {
        lent(self.0.try_read())
    }

    /// Lends it for writing; refuses while another call reads or writes it.
    pub(super) fn write(&self) -> PyResult<RwLockWriteGuard<'_, CorePruner>> {
        lent(self.0.try_write())
    }
}

/// Refuses what another call has. A call that has panicked while it had the pruner is over; it changes it as a whole.
fn lent<G>(lock: Result<G, TryLockError<G>>) -> PyResult<G> {
    lock.or_else(|error| match error {
        TryLockError::Poisoned(poisoned) => Ok(poisoned.into_inner()),
        TryLockError::WouldBlock => Err(refused(
            "the pruner is in use by another call: of another thread, or one that has called this function or mapping; \
             call it when that one has returned",
        )),
    })
}
