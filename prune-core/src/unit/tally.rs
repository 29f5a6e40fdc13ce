//! Scores of units whose elements come in parts.

use crate::error::{Error, ErrorKind};
use crate::key::RankBy;
use crate::layout::unravel;
use crate::mask::Mask;
use crate::select::Values;
use crate::tensor::{Element, PlainTensor};
use crate::unit::Unit;
use crate::unit::geometry::{Geometry, Runs};
use crate::unit::reduce::{Held, Reduction};

/// Makes the scores of a layer's units ([`Unit::scores`]) from its elements as they are read, part by part in logical order.
///
/// The same to the bit as with everything in memory, since sums are made in the same order.
///
/// # Examples
///
/// ```
/// use prune_core::{Channels, Norm, RankBy, Unit, UnitTally, Values};
///
/// let channels = Unit::from(Channels::new(0, Norm::L2));
/// let mut tally = UnitTally::new(&channels, &[2, 2], RankBy::Magnitude)?;
/// loop {
///     tally.push(Values::F32(&[3.0, -4.0, 0.0]), None)?;
///     tally.push(Values::F32(&[1.0]), None)?;
///     if tally.is_done() {
///         break;
///     }
/// }
/// let (scores, alive) = tally.finish()?;
/// assert_eq!((scores.values(), alive.kept_len()), (&[5.0, 1.0][..], 2));
/// # Ok::<(), prune_core::Error>(())
/// ```
#[derive(Debug)]
pub struct UnitTally {
    reduction: Reduction,
    geometry: Geometry,
    shape: Vec<usize>,
    grid: Vec<usize>,
    held: Vec<Held>,
    /// Units of which an element is alive.
    alive: Vec<bool>,
    scaled: bool,
    /// How many elements have been taken in this pass.
    index: usize,
    runs: Runs,
    /// The unit of the next element, and how many of the run are left.
    run: (usize, usize),
}

impl UnitTally {
    /// A tally of the units of a layer, before its first element; `by` as for [`Unit::scores`].
    ///
    /// # Errors
    ///
    /// As [`Unit::grid`].
    pub fn new(unit: &Unit, shape: &[usize], by: RankBy) -> Result<Self, Error> {
        let (geometry, reduction) = (unit.geometry(shape)?, unit.reduction(by));
        Ok(UnitTally {
            reduction,
            shape: shape.to_vec(),
            grid: unit.grid_of(&geometry),
            held: vec![reduction.nothing(); geometry.units()],
            alive: vec![false; geometry.units()],
            scaled: false,
            index: 0,
            runs: geometry.runs(),
            run: (0, 0),
            geometry,
        })
    }

    /// Takes the next elements, with the bits of those that are alive; all are where there are no bits.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Nan`] with the index of an element alive, [`ErrorKind::WrongLen`] where there are more elements than the
    /// layer has, or too few bits.
    pub fn push(&mut self, values: Values<'_>, alive: Option<&[u64]>) -> Result<(), Error> {
        let all: usize = self.shape.iter().product();
        let bits = alive.map_or(values.len(), |alive| alive.len() * 64);
        let got = if bits < values.len() { bits } else { self.index + values.len() };
        if bits < values.len() || got > all {
            return Err(ErrorKind::WrongLen { shape: self.shape.clone(), expected: all, got }.into());
        }
        match values {
            Values::F32(values) => self.push_each(values, alive),
            Values::F64(values) => self.push_each(values, alive),
            Values::F16(values) => self.push_each(values, alive),
            Values::Bf16(values) => self.push_each(values, alive),
        }
    }

    fn push_each<E: Element>(&mut self, values: &[E], alive: Option<&[u64]>) -> Result<(), Error> {
        for (i, value) in values.iter().enumerate() {
            if self.run.1 == 0 {
                self.run = self.runs.next().unwrap_or((0, 1));
            }
            let unit = self.run.0;
            self.run.1 -= 1;
            let is_alive = alive.is_none_or(|alive| alive[i / 64] >> (i % 64) & 1 == 1);
            let value = if is_alive { value.to_f64() } else { 0.0 };
            if value.is_nan() {
                return Err(ErrorKind::Nan { index: unravel(self.index + i, &self.shape) }.into());
            }
            self.alive[unit] |= is_alive;
            if self.scaled {
                self.reduction.add_scaled(&mut self.held[unit], value);
            } else {
                self.reduction.add(&mut self.held[unit], value);
            }
        }
        self.index += values.len();
        Ok(())
    }

    /// Whether the scores can be told, once all elements have been pushed. Where sums left the range of `f64` they must be
    /// pushed once more, from the first on.
    pub fn is_done(&mut self) -> bool {
        if self.scaled || !self.reduction.start_again(&mut self.held) {
            return true;
        }
        (self.scaled, self.index, self.run) = (true, 0, (0, 0));
        self.runs = self.geometry.runs();
        false
    }

    /// The scores of the units, and the mask of those of which something is alive.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongLen`] where elements are missing.
    pub fn finish(self) -> Result<(PlainTensor<f64>, Mask), Error> {
        let expected: usize = self.shape.iter().product();
        if self.index != expected {
            return Err(ErrorKind::WrongLen { shape: self.shape, expected, got: self.index }.into());
        }
        let scores = self.held.iter().map(|held| self.reduction.score(held)).collect();
        Ok((PlainTensor::from_logical(&self.grid, scores)?, Mask::from_bools(&self.grid, &self.alive)?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::{Blocks, Channels, LayerRef, Norm, Pool};
    use proptest::prelude::*;

    fn units() -> impl Strategy<Value = Unit> {
        prop_oneof![
            (0isize..3, prop_oneof![Just(Norm::L1), Just(Norm::L2), Just(Norm::Max)])
                .prop_map(|(axis, norm)| Channels::new(axis, norm).into()),
            (prop::collection::vec(1usize..4, 3), any::<bool>()).prop_map(|(sides, max)| {
                Blocks::new(&sides, &[], if max { Pool::Max } else { Pool::Mean }).unwrap().into()
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// In parts of any length, scaled or not, under a mask or not: what the whole layer gives, to the bit.
        #[test]
        fn parts_give_the_scores_of_the_whole(
            unit in units(),
            shape in prop::collection::vec(1usize..5, 3),
            huge in any::<bool>(),
            seed in any::<u64>(),
            masked in any::<bool>(),
            part in 1usize..20,
        ) {
            let len: usize = shape.iter().product();
            let number = |i: usize| ((seed.wrapping_mul(2 * i as u64 + 1) >> 20) % 97) as f64 - 48.0;
            let values: Vec<f64> = (0..len).map(|i| number(i) * if huge { 1e300 } else { 0.125 }).collect();
            let kept: Vec<bool> = (0..len).map(|i| number(i + 7) > -20.0).collect();
            let layer = PlainTensor::from_logical(&shape, values.clone()).unwrap();
            let mask = masked.then(|| Mask::from_bools(&shape, &kept).unwrap());
            let expected = unit.scores(&LayerRef::of(&layer), RankBy::Magnitude, mask.as_ref()).unwrap();
            let mut tally = UnitTally::new(&unit, &shape, RankBy::Magnitude).unwrap();
            loop {
                for (values, kept) in values.chunks(part).zip(kept.chunks(part)) {
                    let bits = Mask::from_bools(&[kept.len()], kept).unwrap().into_words();
                    tally.push(Values::F64(values), masked.then_some(&bits[..])).unwrap();
                }
                if tally.is_done() {
                    break;
                }
            }
            let (scores, alive) = tally.finish().unwrap();
            prop_assert_eq!(scores.values(), expected.values());
            let all = Mask::all(&shape).unwrap();
            prop_assert_eq!(&alive, &unit.alive(mask.as_ref().unwrap_or(&all)).unwrap());
            // And back from units to elements, part by part.
            let chosen = Mask::from_bools(alive.shape(), &(0..alive.len()).map(|i| number(i) > 0.0).collect::<Vec<_>>()).unwrap();
            let whole: Vec<bool> = unit.spread(&chosen, &shape).unwrap().iter().collect();
            for (at, expected) in whole.chunks(part).enumerate() {
                let words = unit.spread_part(&chosen, &shape, at * part, expected.len()).unwrap();
                prop_assert_eq!(words, Mask::from_bools(&[expected.len()], expected).unwrap().into_words());
            }
        }
    }

    #[test]
    fn missing_elements_and_nan_are_refused() {
        let unit = Unit::from(Channels::new(0, Norm::L2));
        let mut tally = UnitTally::new(&unit, &[2, 2], RankBy::Magnitude).unwrap();
        tally.push(Values::F32(&[1.0, 2.0, 3.0]), None).unwrap();
        assert!(matches!(tally.push(Values::F32(&[1.0; 2]), None).unwrap_err().kind, ErrorKind::WrongLen { .. }));
        let error = tally.push(Values::F32(&[f32::NAN]), None).unwrap_err();
        assert!(matches!(&error.kind, ErrorKind::Nan { index } if index == &[1, 1]), "{error}");
        assert!(matches!(tally.finish().unwrap_err().kind, ErrorKind::WrongLen { .. }));
    }
}
