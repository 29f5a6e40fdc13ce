//! How an event may open elements that earlier events have closed.

use core::fmt;

pub(crate) const RANDOM: &str = "random";
pub(crate) const GRADIENT: &str = "gradient";

/// How the elements are chosen that an event opens again (rule 9).
///
/// Events only close, unless they say otherwise with this. Elements alive stay first in rank; only what the event asks
/// beyond them is opened. Reopened weights start at zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reopen {
    /// At random: a hash of the seed, the layer's name and the logical index, the same on every platform.
    Random {
        /// The seed; 0 when nothing is written.
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
