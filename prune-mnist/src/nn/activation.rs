//! Pruning of activations inside the forward pass: the hook, and what it keeps for the backward pass.

use std::any::Any;
use std::sync::Arc;

use super::error::ActivationError;

/// Prunes one sample's activations in place.
///
/// It is called for each sample on its own, so that a prediction does not depend on the batch it came in, and from
/// several threads at once: what it counts must not depend on the order (sums of integers do not).
pub trait ActivationPruner<T>: Send + Sync {
    /// Writes zero over the elements of `sample` that are not kept, and says in `mask` which are: element i, in
    /// row-major order of `shape` (height, width, channels, or features), is bit i % 64 of word i / 64, lowest bit
    /// first, 1 for kept. On entry `mask` has `shape`'s elements divided by 64, rounded up, words of any content; bits
    /// past the last element are not read.
    ///
    /// `scratch` is what [`scratch`](Self::scratch) made; it is kept between calls and never shared by two threads.
    ///
    /// # Errors
    /// Whatever stops the sample from being pruned, a NaN for example. The step or evaluation ends with it.
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

/// A pruner as the network shares it.
pub type SharedActivationPruner<T> = Arc<dyn ActivationPruner<T>>;

/// Working memory of an activation pruner, of a type that only the pruner knows.
pub type Scratch = Box<dyn Any + Send + Sync>;
