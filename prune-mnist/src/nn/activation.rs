//! Pruning of activations inside the forward pass: the hook, and the mask for the backward pass.

use std::any::Any;
use std::sync::Arc;

use super::error::ActivationError;

/// Prunes one sample's activations in place.
///
/// It is called for each sample alone, so a prediction does not depend on its batch. Several threads call it at once,
/// so its counts must not depend on the order (sums of integers do not).
pub trait ActivationPruning<T>: Send + Sync {
    /// Writes zero over the elements of `sample` that are not kept, and marks the kept ones in `mask`: element i, in
    /// row-major order of `shape` (height, width, channels, or features), is bit i % 64 of word i / 64, lowest bit
    /// first, 1 for kept. On entry `mask` has `shape`'s elements divided by 64, rounded up, words of any content;
    /// bits past the last element are not read.
    ///
    /// `scratch` comes from [`scratch`](Self::scratch). It is kept between calls and never shared by two threads.
    ///
    /// # Errors
    /// Any reason why the sample cannot be pruned, such as a NaN. The step or evaluation ends with it.
    fn prune(
        &self,
        sample: &mut [T],
        shape: &[usize],
        mask: &mut [u64],
        scratch: &mut (dyn Any + Send + Sync),
    ) -> Result<(), ActivationError>;

    /// Working memory for one thread, so that [`prune`](Self::prune) need not allocate.
    fn scratch(&self) -> Scratch {
        Box::new(())
    }
}

/// A pruner in the form that the network shares.
pub type SharedActivationPruning<T> = Arc<dyn ActivationPruning<T>>;

/// Working memory of an activation pruner; only the pruner knows its type.
pub type Scratch = Box<dyn Any + Send + Sync>;
