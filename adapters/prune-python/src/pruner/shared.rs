//! The pruner, shared by calls of several threads or by nested calls: many may read or one may write, and none waits.

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

/// Refuses a pruner that another call has. If a call panicked with it, that call is over, and the pruner is whole:
/// changes happen all at once.
fn lent<G>(lock: Result<G, TryLockError<G>>) -> PyResult<G> {
    lock.or_else(|error| match error {
        TryLockError::Poisoned(poisoned) => Ok(poisoned.into_inner()),
        TryLockError::WouldBlock => Err(refused(
            "the pruner is in use by another call: of another thread, or one that has called this function or mapping; \
             call it when that one has returned",
        )),
    })
}
