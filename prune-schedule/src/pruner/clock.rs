//! The progress of a training: in epochs, and in steps if the strategy counts events in steps.

use std::sync::Arc;

use super::evidence::ObservedGradients;

/// One count of a training.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Clock {
    /// The last epoch or step that has ended.
    pub(super) last: Option<u64>,
    /// Gradients observed since then.
    pub(super) observed: ObservedGradients,
}

impl Clock {
    /// The number of the epoch in training, or of the step.
    pub(super) fn next(&self) -> u64 {
        self.last.map_or(1, |last| last.saturating_add(1))
    }
}

/// Identifies one state of a pruner: every change gives the pruner a new token. Copies of a pruner share a token until
/// one of them changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Token(Arc<()>);

impl Token {
    pub(super) fn is(&self, other: &Token) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl PartialEq for Token {
    /// Two pruners of the same state are equal, however they reached it.
    fn eq(&self, _: &Token) -> bool {
        true
    }
}
