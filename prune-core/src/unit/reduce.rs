//! Reduces each unit to one score.

use std::collections::BTreeSet;

use crate::error::{Error, ErrorKind};
use crate::kernel::instructions::level;
use crate::key::RankBy;
use crate::layout::{Layout, unravel};
use crate::mask::{Mask, to_memory};
use crate::tensor::Element;
use crate::threads::Threads;
use crate::unit::place::{UnitPlace, UnitPlaces};
use crate::unit::sum::{BLOCK, Meaning, along, higher, pairs};
use crate::unit::work::{Task, UnitSums};
use crate::walk;

/// The function that makes a score from the elements of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScoreTerm {
    Mean,
    Max,
    Sum,
    /// The root of the sum of squares.
    Root,
}

/// The rule that scores units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reduction {
    pub(super) term: ScoreTerm,
    pub(super) by: RankBy,
}

impl Reduction {
    /// A score for each of `units` units, which are boxes of `sides`. The layout has been checked against `values`,
    /// and is not empty.
    ///
    /// The sums and the greatest element of every unit are found block by block. If a sum is not finite, or may have
    /// lost digits to the range of `f64`, the unit takes a second pass.
    pub(super) fn scores<E: Element>(
        self,
        (layout, values): (&Layout, &[E]),
        (sides, units): (&[usize], usize),
        alive: Option<&Mask>,
        threads: Threads,
    ) -> Result<Vec<f64>, Error> {
        let threads = threads.for_elements(values.len());
        let places = UnitPlaces::new(layout, sides);
        let in_memory = alive.map(|mask| to_memory(mask.words(), layout, threads));
        let layer = UnitSums { values, alive: in_memory, places, meaning: self.meaning(), level: level() };
        let each = layer.places.most().div_ceil(BLOCK);
        let tasks = layer.tasks(each);
        let mut scores = vec![0.0; units];
        let again = if layer.in_order(&tasks, each) {
            self.in_order(&layer, tasks, &mut scores, threads)
        } else {
            self.put_together(&layer, tasks, each, &mut scores, threads)
        };
        if !again.is_empty() {
            self.again(&layer, &again, &mut scores).ok_or_else(|| first_nan(layout, values, alive))?;
        }
        Ok(scores)
    }

    /// Scores units in tasks that each hold whole units, one after the other; returns the units that need a second
    /// pass.
    fn in_order<E: Element>(
        self,
        layer: &UnitSums<'_, E>,
        tasks: Vec<Task>,
        scores: &mut [f64],
        threads: Threads,
    ) -> Vec<usize> {
        let mut rest = scores;
        let with_scores = |task: Task| {
            let (of_task, after) = core::mem::take(&mut rest).split_at_mut(task.units());
            rest = after;
            (task, of_task)
        };
        let tasks: Vec<(Task, &mut [f64])> = tasks.into_iter().map(with_scores).collect();
        let again = threads.map(tasks, |(task, scores)| {
            let (mut rest, mut again) = (scores, Vec::new());
            layer.for_each_strip(&task, |strip| {
                let (scores, after) = core::mem::take(&mut rest).split_at_mut(strip.tops.len());
                rest = after;
                if strip.each == 1 && self.settle_all(strip.sums, strip.tops, strip.elements, scores) {
                    return;
                }
                let units = strip.sums.chunks_mut(strip.each).zip(strip.tops).zip(scores);
                for (unit, ((sums, &top), score)) in units.enumerate() {
                    match self.settle(sums, UnitFacts { top, elements: strip.elements }) {
                        Some(found) => *score = found,
                        None => again.push(strip.unit + unit * layer.places.step()),
                    }
                }
            });
            again
        });
        again.concat()
    }

    /// Does the same as [`Reduction::in_order`] for units whose blocks are found by several tasks or whose numbers do
    /// not follow each other: first all sums, then the scores.
    fn put_together<E: Element>(
        self,
        layer: &UnitSums<'_, E>,
        tasks: Vec<Task>,
        each: usize,
        scores: &mut [f64],
        threads: Threads,
    ) -> Vec<usize> {
        // The blocks of a unit lie side by side; units that are cut off by the end of an axis have fewer.
        let mut sums = vec![0.0; scores.len() * each];
        let mut held = vec![UnitFacts { top: self.meaning().lowest(), elements: 0 }; scores.len()];
        let found = threads.map(tasks, |task| {
            let (mut strips, mut sums, mut tops) = (Vec::new(), Vec::new(), Vec::new());
            layer.for_each_strip(&task, |strip| {
                strips.push((strip.unit, strip.elements, strip.first, strip.each, strip.tops.len()));
                sums.extend_from_slice(strip.sums);
                tops.extend_from_slice(strip.tops);
            });
            (strips, sums, tops)
        });
        for (strips, of_task, tops) in found {
            let (mut of_task, mut tops) = (&of_task[..], tops.into_iter());
            for (first, elements, block, blocks, count) in strips {
                for unit in (0..count).map(|unit| first + unit * layer.places.step()) {
                    let (now, later) = of_task.split_at(blocks);
                    of_task = later;
                    sums[unit * each + block..][..blocks].copy_from_slice(now);
                    let top = tops.next().unwrap_or(held[unit].top);
                    held[unit] = UnitFacts { top: higher(held[unit].top, top), elements };
                }
            }
        }
        let mut again = Vec::new();
        for (unit, (held, sums)) in held.iter().zip(sums.chunks_mut(each)).enumerate() {
            match self.settle(&mut sums[..held.elements.div_ceil(BLOCK)], *held) {
                Some(found) => scores[unit] = found,
                None => again.push(unit),
            }
        }
        again
    }

    /// Scores units of one block, many at a time, as [`Reduction::settle`] does one by one. Returns false if any of
    /// them needs a second pass.
    fn settle_all(self, sums: &[f64], tops: &[f64], elements: usize, scores: &mut [f64]) -> bool {
        let finite = sums.iter().fold(true, |all, sum| all & sum.is_finite());
        if !finite || !tops.iter().fold(true, |all, &top| all & (scale(self.term, top) == 1.0)) {
            return false;
        }
        let each = scores.iter_mut().zip(sums);
        match self.term {
            ScoreTerm::Max => scores.iter_mut().zip(tops).for_each(|(score, top)| *score = top + 0.0),
            ScoreTerm::Mean => each.for_each(|(score, sum)| *score = bounded(sum / elements as f64)),
            ScoreTerm::Root => each.for_each(|(score, sum)| *score = bounded(sum.sqrt())),
            ScoreTerm::Sum => each.for_each(|(score, &sum)| *score = bounded(sum)),
        }
        true
    }

    /// The score of a unit from the sums of its blocks; none if it needs a second pass.
    fn settle(self, sums: &mut [f64], held: UnitFacts) -> Option<f64> {
        let sum = pairs(sums);
        (sum.is_finite() && scale(self.term, held.top) == 1.0).then(|| self.score(sum, held, 1.0))
    }

    /// Scores units that have extremes; none if one of them has a NaN.
    fn again<E: Element>(self, layer: &UnitSums<'_, E>, units: &[usize], scores: &mut [f64]) -> Option<()> {
        let (mut place, mut values) = (UnitPlace::default(), Vec::new());
        let mut wanted = units.iter().copied().collect::<BTreeSet<usize>>();
        for row in 0..layer.places.rows() {
            for column in 0..layer.places.abreast() {
                let unit = layer.places.find(row, column, &mut place);
                if wanted.remove(&unit) {
                    scores[unit] = self.extreme(layer, &place, &mut values)?;
                }
            }
        }
        Some(())
    }

    /// The score of a unit that may have infinities and elements that must be scaled; none if it has a NaN.
    fn extreme<E: Element>(self, layer: &UnitSums<'_, E>, place: &UnitPlace, values: &mut Vec<f64>) -> Option<f64> {
        let (term, meaning) = (self.term, self.meaning());
        let (mut top, mut infinity) = (meaning.lowest(), 0.0);
        for from in (0..place.len()).step_by(BLOCK) {
            layer.gather(place, from, place.len().min(from + BLOCK), values);
            for &value in values.iter() {
                if value.is_nan() {
                    return None;
                }
                infinity = self.infinity(infinity, value);
                top = higher(top, meaning.height(value));
            }
        }
        if infinity != 0.0 && term != ScoreTerm::Max {
            return Some(infinity);
        }
        let scale = scale(term, top);
        let mut sums = Vec::with_capacity(place.len().div_ceil(BLOCK));
        for from in (0..place.len()).step_by(BLOCK) {
            layer.gather(place, from, place.len().min(from + BLOCK), values);
            values.iter_mut().for_each(|value| *value *= scale);
            sums.push(along(layer.level, values, meaning).sum);
        }
        Some(self.score(pairs(&mut sums), UnitFacts { top, elements: place.len() }, scale))
    }

    pub(super) fn meaning(self) -> Meaning {
        match (self.term, self.by) {
            (ScoreTerm::Root, _) => Meaning::Square,
            (ScoreTerm::Max, RankBy::Magnitude) => Meaning::Greatest,
            (ScoreTerm::Max, RankBy::Value) => Meaning::Value,
            (_, RankBy::Magnitude) => Meaning::Magnitude,
            (_, RankBy::Value) => Meaning::Signed,
        }
    }

    /// The infinity that decides a mean or a norm, or 0, after one more element; `before` is the one so far.
    pub(super) fn infinity(self, before: f64, value: f64) -> f64 {
        match self.by {
            RankBy::Magnitude if value.is_infinite() => f64::INFINITY,
            RankBy::Value if value.is_infinite() && before <= 0.0 => value,
            _ => before,
        }
    }

    /// The score of a unit of finite elements; `sum` is of elements times `scale`.
    pub(super) fn score(self, sum: f64, held: UnitFacts, scale: f64) -> f64 {
        let scaled = match self.term {
            // Adding +0.0 leaves no -0.0.
            ScoreTerm::Max => return held.top + 0.0,
            ScoreTerm::Mean => sum / held.elements as f64,
            ScoreTerm::Root => sum.sqrt(),
            ScoreTerm::Sum => sum,
        };
        bounded(scaled / scale)
    }
}

/// Finite elements never rank with infinite ones: a score that is too large becomes the largest finite number.
#[inline(always)]
fn bounded(score: f64) -> f64 {
    score.clamp(-f64::MAX, f64::MAX) + 0.0
}

/// The data of a unit besides its sum.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnitFacts {
    /// The highest element if the score needs it, else the greatest magnitude.
    pub(super) top: f64,
    pub(super) elements: usize,
}

/// The power of two by which elements are multiplied before they are added up, so that neither sums nor squares
/// overflow and not all squares vanish: 1 except for extremes.
pub(super) fn scale(term: ScoreTerm, top: f64) -> f64 {
    let (low, high) = match term {
        ScoreTerm::Max => return 1.0,
        ScoreTerm::Root => (SMALL, LARGE),
        ScoreTerm::Mean | ScoreTerm::Sum => (0.0, HUGE),
    };
    if top > high {
        DOWN
    } else if top < low && top > 0.0 {
        UP
    } else {
        1.0
    }
}

const fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// Beyond these bounds the squares of all elements that memory can hold may overflow, or lose digits.
const LARGE: f64 = power_of_two(450);
const SMALL: f64 = power_of_two(-450);

/// Beyond this bound the sum of all elements that memory can hold may overflow.
const HUGE: f64 = power_of_two(900);

/// Factors that bring anything large, or small, into the range where its squares are safe.
const DOWN: f64 = power_of_two(-700);
const UP: f64 = power_of_two(700);

/// The error that names the first NaN, in logical order, among alive elements.
fn first_nan<E: Element>(layout: &Layout, values: &[E], alive: Option<&Mask>) -> Error {
    let (mut index, mut first) = (0, None);
    walk::logical(layout, |position| {
        if first.is_none() && values[position].is_nan() && alive.is_none_or(|alive| alive.is_kept(index)) {
            first = Some(index);
        }
        index += 1;
    });
    ErrorKind::Nan { index: unravel(first.unwrap_or(0), layout.shape()) }.into()
}
