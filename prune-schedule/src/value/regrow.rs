//! An update of sparse training: how much of each layer moves, and what fills the places.

use core::fmt;

/// A number that is no fraction of what moves.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("`fraction` is a number above 0 and at most 1, such as 0.3; found the number {found:?}")]
#[non_exhaustive]
pub struct FractionError {
    /// The number.
    pub found: f64,
}

/// How the fraction that moves changes over the range of updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Decay {
    /// From the fraction at time 0 to nothing at the last update: `fraction / 2 * (1 + cos(pi * t / last))`. At that last time
    /// nothing moves, no gradient is needed, and the optimiser's step is not replaced.
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

/// What fills the places that the dropped weights leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Grow {
    /// A draw by the seed and the time of the update (SET, Mocanu et al. 2018).
    Random {
        /// The seed; 0 when nothing is written.
        seed: u64,
    },
    /// The largest magnitudes of the dense gradient of that batch, before it is masked (RigL, Evci et al. 2020).
    Gradient,
}

/// An update of sparse training: in each layer that has a mask, the weights of least magnitude are dropped and as many
/// others are opened, so that the density stays what it is, to the element.
///
/// `round(fraction_t * kept)` weights are dropped in each layer. What is opened is chosen among everything that is not
/// kept then, the dropped ones included: a weight that is dropped and opened in one update keeps its value and its
/// optimiser's state; all others start at zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Regrow {
    /// What fills the places.
    pub grow: Grow,
    /// Which part of a layer's kept weights moves at time 0, above 0 and at most 1.
    fraction: f64,
    /// How that changes over the updates.
    pub decay: Decay,
}

impl Regrow {
    /// Three tenths, falling along a cosine, as RigL has it.
    pub fn new(grow: Grow) -> Self {
        Regrow { grow, fraction: 0.3, decay: Decay::Cosine }
    }

    /// The same with another fraction.
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

    /// The same with another decay.
    #[must_use]
    pub fn with_decay(self, decay: Decay) -> Self {
        Regrow { decay, ..self }
    }

    /// The fraction that moves at time 0.
    pub fn initial_fraction(self) -> f64 {
        self.fraction
    }

    /// Which fraction moves at time `time` of updates that end at `last`.
    pub(crate) fn fraction_at(self, time: u64, last: u64) -> f64 {
        match self.decay {
            Decay::Constant => self.fraction,
            Decay::Cosine if time >= last => 0.0,
            Decay::Cosine => self.fraction / 2.0 * (1.0 + (core::f64::consts::PI * (time as f64 / last as f64)).cos()),
        }
    }

    /// How many of `kept` weights move then.
    pub(crate) fn moved(self, kept: usize, time: u64, last: u64) -> usize {
        ((self.fraction_at(time, last) * kept as f64).round() as usize).min(kept)
    }
}
