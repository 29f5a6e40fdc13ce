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
        let (largest, root) = norm(&values, alive);
        for value in &mut values {
            *value = match () {
                () if value.is_nan() || value.is_infinite() => *value,
                () if largest == 0.0 || largest.is_infinite() => 0.0,
                () => *value / largest / root,
            };
            if self.by == RankBy::Magnitude {
                *value = value.abs();
            }
        }
        Ok(Scores { from: From::Own(PlainTensor::from_logical(layer.shape(), values)?), by: self.by })
    }
}

/// The L2 norm of what is alive, in two factors that are never too large: the largest of it by magnitude, and the norm of what
/// is divided by that. Squares overflow, and vanish, long before the values do.
fn norm(values: &[f64], alive: Option<&Mask>) -> (f64, f64) {
    let living = || values.iter().enumerate().filter(|(i, _)| alive.is_none_or(|alive| alive.is_kept(*i)));
    let largest = living().fold(0.0f64, |largest, (_, value)| largest.max(value.abs()));
    if largest == 0.0 || largest.is_infinite() {
        return (largest, 1.0);
    }
    (largest, living().map(|(_, value)| (value / largest) * (value / largest)).sum::<f64>().sqrt())
}
