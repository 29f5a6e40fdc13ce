//! The way to open elements that earlier events have closed.

use core::fmt;

pub(crate) const RANDOM: &str = "random";
pub(crate) const GRADIENT: &str = "gradient";

/// The choice of the elements that an event opens again (rule 9).
///
/// Events only close, unless they carry this. Alive elements rank first; elements are opened only for the rest of the
/// event's amount. Reopened weights start at zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reopen {
    /// At random: a hash of the seed, the layer's name and the logical index, the same on every platform.
    Random {
        /// The seed; 0 if none is written.
        seed: u64,
    },
    /// By the largest magnitude of the gradient, which the pruner must be given as evidence.
    Gradient,
}

impl fmt::Display for Reopen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reopen::Random { seed } => f.pad(&format!("{RANDOM}, seed {seed}")),
            Reopen::Gradient => f.pad(GRADIENT),
        }
    }
}
