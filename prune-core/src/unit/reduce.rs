//! One score for each unit.

use crate::error::{Error, ErrorKind};
use crate::key::RankBy;
use crate::layout::unravel;
use crate::mask::Mask;
use crate::tensor::LayerRef;
use crate::unit::geometry::Geometry;

/// What becomes of the elements of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Term {
    Mean,
    Max,
    Sum,
    /// The root of the sum of squares.
    Root,
}

/// How units are scored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reduction {
    pub(super) term: Term,
    pub(super) by: RankBy,
}

/// What has been met of a unit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// The sum of what is finite, scaled.
    sum: f64,
    /// The highest of all where that is asked for, else the greatest finite magnitude.
    top: f64,
    elements: usize,
    /// The highest of the infinities met, else 0.
    infinity: f64,
}

impl Reduction {
    /// A score for each unit.
    pub(super) fn scores(
        self,
        layer: &LayerRef<'_>,
        geometry: &Geometry,
        alive: Option<&Mask>,
    ) -> Result<Vec<f64>, Error> {
        let mut held = vec![self.nothing(); geometry.units()];
        for_each_alive(layer, geometry, alive, |unit, value| self.add(&mut held[unit], value))?;
        if self.start_again(&mut held) {
            for_each_alive(layer, geometry, alive, |unit, value| self.add_scaled(&mut held[unit], value))?;
        }
        Ok(held.iter().map(|held| self.score(held)).collect())
    }

    /// What has been met of a unit before its first element.
    pub(super) fn nothing(self) -> Held {
        let top = if self.term == Term::Max { f64::NEG_INFINITY } else { 0.0 };
        Held { sum: 0.0, top, elements: 0, infinity: 0.0 }
    }

    /// Whether some sums must be made once more, scaled, and makes ready for it.
    pub(super) fn start_again(self, held: &mut [Held]) -> bool {
        let mut again = false;
        for held in held.iter_mut().filter(|held| self.term != Term::Max && self.scale(held) != 1.0) {
            (held.sum, again) = (0.0, true);
        }
        again
    }

    /// Takes an element of a unit in the second pass.
    pub(super) fn add_scaled(self, held: &mut Held, value: f64) {
        let (value, scale) = (self.meant(value), self.scale(held));
        if scale != 1.0 && value.is_finite() {
            held.sum += self.term_of(value * scale);
        }
    }

    fn meant(self, value: f64) -> f64 {
        match self.by {
            RankBy::Magnitude => value.abs(),
            RankBy::Value => value,
        }
    }

    /// Takes an element of a unit.
    pub(super) fn add(self, held: &mut Held, value: f64) {
        let value = self.meant(value);
        held.elements += 1;
        if self.term == Term::Max {
            held.top = if value > held.top { value } else { held.top };
        } else if value.is_finite() {
            held.top = held.top.max(value.abs());
            held.sum += self.term_of(value);
        } else if held.infinity <= 0.0 {
            held.infinity = value;
        }
    }

    fn term_of(self, value: f64) -> f64 {
        if self.term == Term::Root { value * value } else { value }
    }

    /// By which power of two elements are multiplied before they are added up, so that neither sums nor squares overflow
    /// and not all of the squares vanish: 1 but for extremes.
    fn scale(self, held: &Held) -> f64 {
        let (low, high) = if self.term == Term::Root { (SMALL, LARGE) } else { (0.0, HUGE) };
        if held.top > high {
            DOWN
        } else if held.top < low && held.top > 0.0 {
            UP
        } else {
            1.0
        }
    }

    /// The score of a unit.
    pub(super) fn score(self, held: &Held) -> f64 {
        // Adding +0.0 leaves no -0.0.
        if self.term == Term::Max {
            return held.top + 0.0;
        }
        if held.infinity != 0.0 {
            return held.infinity;
        }
        let scaled = match self.term {
            Term::Mean => held.sum / held.elements as f64,
            Term::Root => held.sum.sqrt(),
            Term::Sum | Term::Max => held.sum,
        };
        // Finite elements never rank with infinite ones: what is too large is as large as can be.
        (scaled / self.scale(held)).clamp(-f64::MAX, f64::MAX) + 0.0
    }
}

const fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// Beyond these the squares of as many elements as memory holds may overflow, or lose digits.
const LARGE: f64 = power_of_two(450);
const SMALL: f64 = power_of_two(-450);

/// Beyond this the sum of as many elements as memory holds may overflow.
const HUGE: f64 = power_of_two(900);

/// Brings anything large, or small, to where its squares are safe.
const DOWN: f64 = power_of_two(-700);
const UP: f64 = power_of_two(700);

/// Visits the unit and the value of every element in logical order, dead ones as 0.
fn for_each_alive(
    layer: &LayerRef<'_>,
    geometry: &Geometry,
    alive: Option<&Mask>,
    mut visit: impl FnMut(usize, f64),
) -> Result<(), Error> {
    let mut runs = geometry.runs();
    let (mut unit, mut left) = (0, 0);
    let (mut index, mut nan) = (0, None);
    layer.for_each_logical(|value| {
        if left == 0 {
            (unit, left) = runs.next().unwrap_or((unit, 1));
        }
        left -= 1;
        let value = if alive.is_none_or(|alive| alive.is_kept(index)) { value } else { 0.0 };
        if value.is_nan() {
            nan.get_or_insert(index);
        }
        visit(unit, value);
        index += 1;
    })?;
    match nan {
        Some(index) => Err(ErrorKind::Nan { index: unravel(index, layer.shape()) }.into()),
        None => Ok(()),
    }
}
