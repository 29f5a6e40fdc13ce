//! An update of sparse training: the share of each layer that moves, and the rule that fills the places.

use core::fmt;

/// A number that is not a valid fraction of moving weights.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("`fraction` is a number above 0 and at most 1, such as 0.3; found the number {found:?}")]
#[non_exhaustive]
pub struct FractionError {
    /// The number.
    pub found: f64,
}

/// The course of the moving fraction over the range of updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Decay {
    /// From the fraction at time 0 to nothing at the last update: `fraction / 2 * (1 + cos(pi * t / last))`. At the
    /// last update nothing moves, no gradient is needed, and the optimiser's step is not replaced.
    #[default]
    Cosine,
    /// The same at every update.
    Constant,
}

impl Decay {
    pub(crate) const NAMES: [&str; 2] = ["cosine", "constant"];
}

impl fmt::Display for Decay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Decay::Cosine => Self::NAMES[0],
            Decay::Constant => Self::NAMES[1],
        })
    }
}

/// The rule that fills the places of dropped weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Grow {
    /// A draw by the seed and the time of the update (SET, Mocanu et al. 2018).
    Random {
        /// The seed; 0 if none is written.
        seed: u64,
    },
    /// The largest magnitudes of the dense gradient of that batch, before it is masked (RigL, Evci et al. 2020).
    Gradient,
}

/// An update of sparse training. In each layer that has a mask, the weights of least magnitude are dropped and equally
/// many others are opened. The density stays the same to the element.
///
/// `round(fraction_t * kept)` weights are dropped in each layer. The opened weights are chosen among all that are not
/// kept then, including the dropped ones. A weight that is dropped and opened in one update keeps its value and its
/// optimiser's state; all others start at zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Regrow {
    /// The rule that fills the places.
    pub grow: Grow,
    /// The fraction of a layer's kept weights that moves at time 0, above 0 and at most 1.
    fraction: f64,
    /// The course of that fraction over the updates.
    pub decay: Decay,
}

impl Regrow {
    /// Three tenths, falling along a cosine, as in RigL.
    pub fn new(grow: Grow) -> Self {
        Regrow { grow, fraction: 0.3, decay: Decay::Cosine }
    }

    /// This update with another fraction.
    ///
    /// # Errors
    ///
    /// [`FractionError`] unless it is above 0 and at most 1.
    pub fn fraction(self, fraction: f64) -> Result<Self, FractionError> {
        if fraction > 0.0 && fraction <= 1.0 {
            return Ok(Regrow { fraction, ..self });
        }
        Err(FractionError { found: fraction })
    }

    /// This update with another decay.
    #[must_use]
    pub fn with_decay(self, decay: Decay) -> Self {
        Regrow { decay, ..self }
    }

    /// The fraction that moves at time 0.
    pub fn initial_fraction(self) -> f64 {
        self.fraction
    }

    /// The fraction that moves at time `time` of updates that end at `last`.
    pub(crate) fn fraction_at(self, time: u64, last: u64) -> f64 {
        match self.decay {
            Decay::Constant => self.fraction,
            Decay::Cosine if time >= last => 0.0,
            Decay::Cosine => self.fraction / 2.0 * (1.0 + (core::f64::consts::PI * (time as f64 / last as f64)).cos()),
        }
    }

    /// The number of weights, out of `kept`, that move then.
    pub(crate) fn moved(self, kept: usize, time: u64, last: u64) -> usize {
        ((self.fraction_at(time, last) * kept as f64).round() as usize).min(kept)
    }
}
