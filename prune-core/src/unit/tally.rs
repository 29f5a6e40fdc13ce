//! Scores of units whose elements come in parts.

use crate::error::{Error, ErrorKind};
use crate::kernel::instructions::level;
use crate::key::RankBy;
use crate::layout::unravel;
use crate::mask::Mask;
use crate::tensor::Values;
use crate::tensor::{Element, PlainTensor};
use crate::unit::Unit;
use crate::unit::geometry::{Geometry, UnitRuns};
use crate::unit::open::OpenSums;
use crate::unit::reduce::{Reduction, ScoreTerm, UnitFacts, scale};
use crate::unit::sum::{BLOCK, higher};

/// Makes the scores of a layer's units ([`Unit::scores`]) from elements that are read part by part, in logical order.
///
/// The scores are the same to the bit as with everything in memory, since sums are made in the same order.
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
    sums: OpenSums,
    /// The highest element of each unit, or the greatest magnitude.
    tops: Vec<f64>,
    /// The infinity that decides each unit, or 0.
    infinities: Vec<f64>,
    /// Units with an alive element.
    alive: Vec<u64>,
    scaled: bool,
    /// The number of elements taken in this pass.
    index: usize,
    runs: UnitRuns,
    /// The unit of the next element, and the number of elements left in its run.
    run: (usize, usize),
    /// Elements of one unit, in `f64`.
    scratch: Vec<f64>,
}

impl UnitTally {
    /// A tally of the units of a layer, before its first element; `by` as for [`Unit::scores`].
    ///
    /// # Errors
    ///
    /// As [`Unit::grid`].
    pub fn new(unit: &Unit, shape: &[usize], by: RankBy) -> Result<Self, Error> {
        let (geometry, reduction) = (unit.geometry(shape)?, unit.reduction(by));
        let (units, meaning) = (geometry.units(), reduction.meaning());
        // Units that are scored by their highest element need no sums.
        let most = if reduction.term == ScoreTerm::Max { 0 } else { geometry.most() };
        Ok(UnitTally {
            reduction,
            shape: shape.to_vec(),
            grid: unit.grid_of(&geometry),
            sums: OpenSums::new(units, most, meaning, level()),
            tops: vec![meaning.lowest(); units],
            infinities: vec![0.0; units],
            alive: vec![0; units.div_ceil(64)],
            scaled: false,
            index: 0,
            runs: geometry.runs(),
            run: (0, 0),
            scratch: Vec::new(),
            geometry,
        })
    }

    /// Takes the next elements, with the bits of those that are alive; without bits, all are alive.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Nan`] with the index of an alive element, [`ErrorKind::WrongLen`] if there are more elements than
    /// the layer has, or too few bits.
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
        let mut from = 0;
        while from < values.len() {
            if self.run.1 == 0 {
                self.run = self.runs.next().unwrap_or((0, 1));
            }
            let (unit, left) = self.run;
            // Stops at the end of a block: whole blocks are added up at once.
            let len = left.min(values.len() - from).min(BLOCK - self.sums.elements(unit) % BLOCK);
            self.scratch.clear();
            self.scratch.extend(values[from..from + len].iter().map(|value| value.to_f64()));
            self.take(unit, alive, from)?;
            self.run.1 -= len;
            self.index += len;
            from += len;
        }
        Ok(())
    }

    /// Takes the elements in `scratch`, all of one unit; their bits are those of `alive` from `from` on.
    fn take(&mut self, unit: usize, alive: Option<&[u64]>, from: usize) -> Result<(), Error> {
        let values = &mut self.scratch[..];
        let mut any = alive.is_none();
        for (value, bit) in values.iter_mut().zip(from..) {
            let is_alive = alive.is_none_or(|alive| alive[bit / 64] >> (bit % 64) & 1 == 1);
            any |= is_alive;
            *value = if is_alive { *value } else { 0.0 };
        }
        if let Some(at) = values.iter().position(|value| value.is_nan()) {
            return Err(ErrorKind::Nan { index: unravel(self.index + at, &self.shape) }.into());
        }
        let meaning = self.reduction.meaning();
        if self.scaled {
            let scale = self.scale(unit);
            if scale != 1.0 {
                self.scratch.iter_mut().for_each(|value| *value *= scale);
                self.sums.add(unit, &self.scratch);
            }
            return Ok(());
        }
        self.alive[unit / 64] |= u64::from(any) << (unit % 64);
        let (top, infinity) = (&mut self.tops[unit], &mut self.infinities[unit]);
        for &value in values.iter() {
            *top = higher(*top, meaning.height(value));
            *infinity = self.reduction.infinity(*infinity, value);
        }
        if self.reduction.term != ScoreTerm::Max {
            self.sums.add(unit, values);
        }
        Ok(())
    }

    /// The factor by which a unit's elements are multiplied; 1 if an infinity decides.
    fn scale(&self, unit: usize) -> f64 {
        if self.infinities[unit] == 0.0 { scale(self.reduction.term, self.tops[unit]) } else { 1.0 }
    }

    /// True if the scores are known, once all elements have been pushed. If sums left the range of `f64`, all
    /// elements must be pushed once more, from the first on.
    pub fn is_done(&mut self) -> bool {
        let again: Vec<usize> = (0..self.tops.len()).filter(|&unit| self.scale(unit) != 1.0).collect();
        if self.scaled || again.is_empty() {
            return true;
        }
        again.into_iter().for_each(|unit| self.sums.reset(unit));
        (self.scaled, self.index, self.run) = (true, 0, (0, 0));
        self.runs = self.geometry.runs();
        false
    }

    /// The scores of the units, and the mask of units with an alive element.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongLen`] if elements are missing, including those that [`UnitTally::is_done`] asks for once
    /// more.
    pub fn finish(mut self) -> Result<(PlainTensor<f64>, Mask), Error> {
        let expected: usize = self.shape.iter().product();
        if self.index != expected || !self.is_done() {
            return Err(ErrorKind::WrongLen { shape: self.shape, expected, got: self.index }.into());
        }
        let scores = (0..self.tops.len()).map(|unit| self.score(unit)).collect();
        Ok((PlainTensor::from_logical(&self.grid, scores)?, Mask::from_words(&self.grid, self.alive)?))
    }

    fn score(&self, unit: usize) -> f64 {
        let infinity = self.infinities[unit];
        if infinity != 0.0 && self.reduction.term != ScoreTerm::Max {
            return infinity;
        }
        let held = UnitFacts { top: self.tops[unit], elements: self.sums.elements(unit) };
        self.reduction.score(self.sums.sum(unit), held, self.scale(unit))
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
            (prop::collection::vec(prop_oneof![1usize..3, 1usize..40], 3), any::<bool>()).prop_map(|(sides, max)| {
                Blocks::new(&sides, &[], if max { Pool::Max } else { Pool::Mean }).unwrap().into()
            }),
        ]
    }

    /// Small shapes, and shapes whose units have several blocks.
    fn shapes() -> impl Strategy<Value = Vec<usize>> {
        let long = (0usize..3, 300usize..2500).prop_map(|(axis, length)| {
            let mut shape = vec![2, 2, 2];
            shape[axis] = length;
            shape
        });
        prop_oneof![prop::collection::vec(0usize..5, 3), prop::collection::vec(1usize..24, 3), long]
    }

    /// Some elements leave the range of `f64` when they are added or squared; an infinity may be among them.
    fn elements(len: usize) -> impl Strategy<Value = Vec<f64>> {
        let sizes = prop_oneof![Just(1.0), Just(1e-200), Just(1e200), Just(1.7e308), Just(5e-324)];
        let infinite = prop_oneof![3 => Just(None), 1 => (0..len.max(1), any::<bool>()).prop_map(Some)];
        (prop::collection::vec(-1.0f64..1.0, len), sizes, infinite).prop_map(|(mut values, size, infinite)| {
            values.iter_mut().step_by(3).for_each(|value| *value *= size);
            if let Some((value, (_, negative))) = infinite.and_then(|at| Some((values.get_mut(at.0)?, at))) {
                *value = if negative { f64::NEG_INFINITY } else { f64::INFINITY };
            }
            values
        })
    }

    fn bits(values: &[f64]) -> Vec<u64> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    /// The first elements, and the rest.
    fn cut<'a, T>(slice: &'a [T], cuts: &[usize]) -> Vec<&'a [T]> {
        let (mut rest, mut parts) = (slice, Vec::new());
        for &len in cuts.iter().cycle() {
            let (part, after) = rest.split_at(len.min(rest.len()));
            parts.push(part);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        parts
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// Parts of any length, scaled or not, masked or not, give the scores of the whole layer, to the bit.
        #[test]
        fn parts_give_the_scores_of_the_whole(
            unit in units(),
            (shape, values, kept) in shapes().prop_flat_map(|shape| {
                let len = shape.iter().product();
                let kept = prop::option::of(prop::collection::vec(prop::bool::weighted(0.8), len));
                (Just(shape), elements(len), kept)
            }),
            cuts in prop::collection::vec(prop_oneof![1usize..20, 1usize..2000], 1..4),
            (narrow, value) in any::<(bool, bool)>(),
            seed in any::<u64>(),
        ) {
            let by = if value { RankBy::Value } else { RankBy::Magnitude };
            let narrowed: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            let mask = kept.as_ref().map(|kept| Mask::from_bools(&shape, kept).unwrap());
            let expected = if narrow {
                let layer = PlainTensor::from_logical(&shape, narrowed.clone()).unwrap();
                unit.scores(&LayerRef::of(&layer), by, mask.as_ref()).unwrap()
            } else {
                let layer = PlainTensor::from_logical(&shape, values.clone()).unwrap();
                unit.scores(&LayerRef::of(&layer), by, mask.as_ref()).unwrap()
            };
            let mut tally = UnitTally::new(&unit, &shape, by).unwrap();
            let words = |kept: &[bool]| Mask::from_bools(&[kept.len()], kept).unwrap().into_words();
            let kept_parts: Option<Vec<Vec<u64>>> =
                kept.as_ref().map(|kept| cut(kept, &cuts).into_iter().map(words).collect());
            loop {
                for (at, (values, narrowed)) in cut(&values, &cuts).into_iter().zip(cut(&narrowed, &cuts)).enumerate() {
                    let values = if narrow { Values::F32(narrowed) } else { Values::F64(values) };
                    tally.push(values, kept_parts.as_ref().map(|parts| &parts[at][..])).unwrap();
                }
                if tally.is_done() {
                    break;
                }
            }
            let (scores, alive) = tally.finish().unwrap();
            prop_assert_eq!(bits(scores.values()), bits(expected.values()));
            let all = Mask::all(&shape).unwrap();
            prop_assert_eq!(&alive, &unit.alive(mask.as_ref().unwrap_or(&all)).unwrap());
            // The spread from units back to elements, part by part.
            let chosen: Vec<bool> = (0..alive.len()).map(|i| seed.wrapping_mul(2 * i as u64 + 1) >> 63 == 1).collect();
            let chosen = Mask::from_bools(alive.shape(), &chosen).unwrap();
            let whole: Vec<bool> = unit.spread(&chosen, &shape).unwrap().iter().collect();
            let mut first = 0;
            for expected in cut(&whole, &cuts) {
                let words = unit.spread_part(&chosen, &shape, first, expected.len()).unwrap();
                prop_assert_eq!(words, Mask::from_bools(&[expected.len()], expected).unwrap().into_words());
                first += expected.len();
            }
        }
    }

    /// If a sum overflowed, the tally asks for its elements once more.
    #[test]
    fn a_second_pass_is_not_forgotten() {
        let unit = Unit::from(Channels::new(0, Norm::L2));
        let mut tally = UnitTally::new(&unit, &[1, 2], RankBy::Magnitude).unwrap();
        tally.push(Values::F64(&[3e200, 4e200]), None).unwrap();
        assert!(matches!(tally.finish().unwrap_err().kind, ErrorKind::WrongLen { got: 0, .. }));
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
