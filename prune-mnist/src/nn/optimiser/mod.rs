//! Optimisers, a file each. Their buffers are sets of parameters like the weights themselves, so that whatever is done to
//! the weights by name (holding pruned ones at zero above all) can be done to every buffer.

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
    /// Parameters or gradients that are not of the model this optimiser was made for; nothing is written then.
    fn step(&mut self, params: &mut P, gradients: &P, rate: T) -> Result<(), NnError>;

    /// Every buffer with its name; each has one tensor a parameter.
    fn buffers(&self) -> Vec<(&'static str, &P)>;

    /// Every buffer with its name, to write.
    fn buffers_mut(&mut self) -> Vec<(&'static str, &mut P)>;
}

/// Elements that one thread updates at a time: enough to outweigh handing them out, few enough to share a layer.
const PART: usize = 1 << 15;
