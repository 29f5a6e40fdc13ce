//! Optimisers, one file each. Their buffers are sets of parameters like the weights themselves, so every operation on
//! the weights by name (above all holding pruned ones at zero) works on every buffer.

mod adam;
mod rate;
mod sgd;

pub use self::adam::Adam;
pub use self::rate::{cosine_rate, linear_rate};
pub use self::sgd::Sgd;
use super::error::NnError;
use super::real::Real;
use super::storage::ParamStorage;

/// Moves parameters against their gradients.
pub trait Optimiser<T: Real, P: ParamStorage<T>> {
    /// One step with learning rate `rate`.
    ///
    /// # Errors
    /// Parameters or gradients that are not of this optimiser's model; nothing is written then.
    fn step(&mut self, params: &mut P, gradients: &P, rate: T) -> Result<(), NnError>;

    /// Every buffer with its name; each has one tensor for each parameter.
    fn buffers(&self) -> Vec<(&'static str, &P)>;

    /// Every buffer with its name, to write.
    fn buffers_mut(&mut self) -> Vec<(&'static str, &mut P)>;
}

/// The number of elements that one thread updates at a time: enough to outweigh the hand-over, few enough to share a
/// layer.
const PART: usize = 1 << 15;
