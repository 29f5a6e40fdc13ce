//! Scores over the norm of their layer, so that layers of different scale meet in one ranking as equals.

use super::{From, Scores};
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::key::RankBy;
use crate::mask::Mask;
use crate::tensor::PlainTensor;

impl<'a> Scores<'a> {
    /// The same scores, divided by their L2 norm over what is alive: what a global ranking compares where layers of large
    /// weights are not to crowd out the others.
    ///
    /// The order within the layer stays, but where rounding makes neighbours equal. Where the norm is zero every score
    /// is; where it is infinite, so is what was, and everything else is zero. Scores that rank by magnitude rank by it
    /// still.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeMismatch`] of the mask, [`ErrorKind::Layout`].
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements, of which each takes eight bytes.
    pub fn normalised(&self, alive: Option<&Mask>) -> Result<Scores<'static>, Error> {
        let layer = self.layer();
        if let Some(alive) = alive {
            alive.fits("mask", layer.shape())?;
        }
        let mut values = layer.to_logical_f64()?;
        let living = |values: &[f64], visit: &mut dyn FnMut(f64)| {
            let each = values.iter().enumerate().filter(|(i, _)| alive.is_none_or(|alive| alive.is_kept(*i)));
            each.for_each(|(_, value)| visit(*value));
        };
        let mut norm = ScoreNorm::default();
        living(&values, &mut |value| norm.meet(value));
        living(&values, &mut |value| norm.add(value));
        for value in &mut values {
            *value = norm.of(*value);
            if self.by == RankBy::Magnitude {
                *value = value.abs();
            }
        }
        Ok(Scores { from: From::Own(PlainTensor::from_logical(layer.shape(), values)?), by: self.by })
    }
}

/// The L2 norm of the scores of what is alive in a layer, which the scores are divided by: [`Scores::normalised`] for layers
/// that are read in parts.
///
/// It is kept in two factors that are never too large: the largest score by magnitude, and the norm of what is divided by
/// that. Squares overflow, and vanish, long before the values do. So all scores are shown twice in logical order, first to
/// [`ScoreNorm::meet`] and then to [`ScoreNorm::add`].
///
/// # Examples
///
/// ```
/// let scores = [3.0, -4.0];
/// let mut norm = prune_core::ScoreNorm::default();
/// scores.iter().for_each(|score| norm.meet(*score));
/// scores.iter().for_each(|score| norm.add(*score));
/// assert_eq!(scores.map(|score| norm.of(score)), [0.6, -0.8]);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct ScoreNorm {
    largest: f64,
    squares: f64,
}

impl ScoreNorm {
    /// Sees a score for the first time.
    pub fn meet(&mut self, score: f64) {
        self.largest = self.largest.max(score.abs());
    }

    /// Sees a score for the second time, once all have been met.
    pub fn add(&mut self, score: f64) {
        if self.largest > 0.0 && self.largest.is_finite() {
            self.squares += (score / self.largest) * (score / self.largest);
        }
    }

    /// A score over the norm; see [`Scores::normalised`] for what becomes of infinities and of nothing but zeros.
    pub fn of(&self, score: f64) -> f64 {
        match () {
            () if score.is_nan() || score.is_infinite() => score,
            () if self.largest == 0.0 || self.largest.is_infinite() => 0.0,
            () => score / self.largest / self.squares.sqrt(),
        }
    }
}
