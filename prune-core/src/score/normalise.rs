//! Divides scores by the norm of their layer, so that layers of different scale compete as equals in one ranking.

use super::{From, Scores};
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::key::RankBy;
use crate::mask::Mask;
use crate::tensor::PlainTensor;

impl<'a> Scores<'a> {
    /// The same scores, divided by their L2 norm over alive elements. A global ranking compares these, so that layers
    /// of large weights do not crowd out the others.
    ///
    /// The order within the layer stays, except where rounding makes neighbours equal. If the norm is zero, every
    /// score is zero. If it is infinite, infinite scores stay infinite and all others become zero. Scores that rank
    /// by magnitude still do.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeMismatch`] of the mask, [`ErrorKind::Layout`].
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements; the result takes eight bytes for each.
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

/// The L2 norm of the scores of a layer's alive elements, by which the scores are divided. It does the work of
/// [`Scores::normalised`] for layers that are read in parts.
///
/// The norm is kept as two factors that never overflow: the largest score by magnitude, and the norm of the scores
/// divided by it. Squares overflow, and vanish, long before the values do. So every score must be passed twice, first
/// to [`ScoreNorm::meet`] and then, once all have been met, to [`ScoreNorm::add`].
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
    /// Takes a score in the first round.
    pub fn meet(&mut self, score: f64) {
        self.largest = self.largest.max(score.abs());
    }

    /// Takes a score in the second round, after all have been met.
    pub fn add(&mut self, score: f64) {
        if self.largest > 0.0 && self.largest.is_finite() {
            self.squares += (score / self.largest) * (score / self.largest);
        }
    }

    /// A score divided by the norm; [`Scores::normalised`] says what infinities and layers of zeros give.
    pub fn of(&self, score: f64) -> f64 {
        match () {
            () if score.is_nan() || score.is_infinite() => score,
            () if self.largest == 0.0 || self.largest.is_infinite() => 0.0,
            () => score / self.largest / self.squares.sqrt(),
        }
    }
}
