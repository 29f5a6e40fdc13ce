//! How far a training has come: in epochs, and in steps where events are counted in steps.

use std::sync::Arc;

use super::evidence::Observed;

/// One count of a training.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Clock {
    /// The last epoch or step that has ended.
    pub(super) last: Option<u64>,
    /// Gradients since then.
    pub(super) observed: Observed,
}

impl Clock {
    /// The epoch in training, or the step.
    pub(super) fn next(&self) -> u64 {
        self.last.map_or(1, |last| last.saturating_add(1))
    }
}

/// Tells one state of a pruner from another: whatever changes a pruner gives it a new token. Copies of a pruner share one
/// until they change.
#[derive(Debug, Clone, Default)]
pub(super) struct Token(Arc<()>);

impl Token {
    pub(super) fn is(&self, other: &Token) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl PartialEq for Token {
    /// Two pruners of the same state are equal, whichever way they came to it.
    fn eq(&self, _: &Token) -> bool {
        true
    }
}
