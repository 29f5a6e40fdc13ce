//! One score for each unit.

use fearless_simd::Level;

use crate::bits::read_bits;
use crate::error::{Error, ErrorKind};
use crate::kernel::instructions::level;
use crate::key::RankBy;
use crate::layout::{Layout, unravel};
use crate::mask::{Mask, to_memory};
use crate::tensor::Element;
use crate::threads::Threads;
use crate::unit::place::{Place, Places};
use crate::unit::sum::{Abreast, BLOCK, Meaning, Sum, along, higher, pairs};
use crate::walk;

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

/// Elements that a task goes through, if a block of the units abreast is not more.
const A_TASK: usize = 1 << 16;

/// Units that are taken abreast: their lanes fit the innermost cache.
const COLUMNS: usize = 256;

/// Some blocks of some units.
#[derive(Debug, Clone)]
struct Task {
    rows: core::ops::Range<usize>,
    columns: core::ops::Range<usize>,
    blocks: core::ops::Range<usize>,
}

/// A layer whose units are scored.
struct Layer<'a, E> {
    values: &'a [E],
    /// What is alive, in memory order.
    alive: Option<Vec<u64>>,
    places: Places,
    reduction: Reduction,
    level: Level,
}

/// Memory that a task reuses.
#[derive(Debug, Default)]
struct Scratch {
    values: Vec<f64>,
    abreast: Abreast,
}

impl Reduction {
    /// A score for each of `units` units, which are boxes of `sides`; `layout` is true of `values`, and not empty.
    ///
    /// In every unit the sums and the greatest element are found block by block. Where a sum is no finite number, or may
    /// have lost digits to the range of `f64`, the unit is gone through once more.
    pub(super) fn scores<E: Element>(
        self,
        (layout, values): (&Layout, &[E]),
        (sides, units): (&[usize], usize),
        alive: Option<&Mask>,
        threads: Threads,
    ) -> Result<Vec<f64>, Error> {
        let threads = threads.for_elements(values.len());
        let places = Places::new(layout, sides);
        let in_memory = alive.map(|mask| to_memory(mask.words(), layout, threads));
        let layer = Layer { values, alive: in_memory, places, reduction: self, level: level() };
        let each = layer.places.most().div_ceil(BLOCK);
        // The blocks of a unit lie side by side; units that are cut off by the end of an axis have fewer.
        let mut sums = vec![0.0; units * each];
        let mut held = vec![Held { top: self.meaning().lowest(), elements: 0 }; units];
        let tasks = layer.tasks(each);
        let found = threads.map(tasks.clone(), |task| layer.sums(&task));
        for (task, found) in tasks.iter().zip(found) {
            let mut found = found.into_iter();
            layer.for_each_unit(task, |unit, elements, blocks| {
                held[unit].elements = elements;
                for (block, Sum { sum, top }) in blocks.zip(&mut found) {
                    sums[unit * each + block] = sum;
                    held[unit].top = higher(held[unit].top, top);
                }
            });
        }
        let mut again = Vec::new();
        let mut scores = vec![0.0; units];
        for (unit, (held, sums)) in held.iter().zip(sums.chunks_mut(each)).enumerate() {
            let blocks = held.elements.div_ceil(BLOCK);
            let sum = pairs(&mut sums[..blocks]);
            if sum.is_finite() && scale(self.term, held.top) == 1.0 {
                scores[unit] = self.score(sum, *held, 1.0);
            } else {
                again.push(unit);
            }
        }
        if !again.is_empty() {
            layer.again(&again, &mut scores).ok_or_else(|| first_nan(layout, values, alive))?;
        }
        Ok(scores)
    }

    fn meaning(self) -> Meaning {
        match (self.term, self.by) {
            (Term::Root, _) => Meaning::Square,
            (_, RankBy::Magnitude) => Meaning::Magnitude,
            (Term::Max, RankBy::Value) => Meaning::Value,
            (_, RankBy::Value) => Meaning::Signed,
        }
    }

    /// The score of a unit of finite elements, whose sum is of elements times `scale`.
    fn score(self, sum: f64, held: Held, scale: f64) -> f64 {
        let scaled = match self.term {
            // Adding +0.0 leaves no -0.0.
            Term::Max => return held.top + 0.0,
            Term::Mean => sum / held.elements as f64,
            Term::Root => sum.sqrt(),
            Term::Sum => sum,
        };
        // Finite elements never rank with infinite ones: what is too large is as large as can be.
        (scaled / scale).clamp(-f64::MAX, f64::MAX) + 0.0
    }
}

/// What is known of a unit besides its sum.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// The highest element where that is asked for, else the greatest magnitude.
    top: f64,
    elements: usize,
}

/// By which power of two elements are multiplied before they are added up, so that neither sums nor squares overflow and
/// not all of the squares vanish: 1 but for extremes.
fn scale(term: Term, top: f64) -> f64 {
    let (low, high) = match term {
        Term::Max => return 1.0,
        Term::Root => (SMALL, LARGE),
        Term::Mean | Term::Sum => (0.0, HUGE),
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

/// Beyond these the squares of as many elements as memory holds may overflow, or lose digits.
const LARGE: f64 = power_of_two(450);
const SMALL: f64 = power_of_two(-450);

/// Beyond this the sum of as many elements as memory holds may overflow.
const HUGE: f64 = power_of_two(900);

/// Brings anything large, or small, to where its squares are safe.
const DOWN: f64 = power_of_two(-700);
const UP: f64 = power_of_two(700);

impl<E: Element> Layer<'_, E> {
    /// All units, `each` blocks of them: cut where tasks would be long, put together where they would be short.
    fn tasks(&self, each: usize) -> Vec<Task> {
        let (rows, columns) = (self.places.rows(), self.places.abreast());
        let a_row = self.places.most() * columns;
        let rows_a_task = (A_TASK / a_row).max(1);
        let columns_a_task = if rows_a_task > 1 { columns } else { columns.min(COLUMNS) };
        let blocks_a_task = if rows_a_task > 1 { each } else { (A_TASK / (BLOCK * columns_a_task)).max(1) };
        let mut tasks = Vec::new();
        for row in (0..rows).step_by(rows_a_task) {
            for column in (0..columns).step_by(columns_a_task) {
                for block in (0..each).step_by(blocks_a_task) {
                    tasks.push(Task {
                        rows: row..rows.min(row + rows_a_task),
                        columns: column..columns.min(column + columns_a_task),
                        blocks: block..each.min(block + blocks_a_task),
                    });
                }
            }
        }
        tasks
    }

    /// The sums of a task, in the order in which [`Layer::for_each_unit`] goes through it.
    fn sums(&self, task: &Task) -> Vec<Sum> {
        let mut found = Vec::new();
        let (mut place, mut scratch) = (Place::default(), Scratch::default());
        for row in task.rows.clone() {
            for first in task.columns.clone().step_by(COLUMNS) {
                let columns = COLUMNS.min(task.columns.end - first);
                self.places.find(row, first, &mut place);
                let blocks = task.blocks.start..task.blocks.end.min(place.len().div_ceil(BLOCK));
                let (at, each) = (found.len(), blocks.len());
                found.resize(at + columns * each, Sum { sum: 0.0, top: 0.0 });
                for (index, block) in blocks.enumerate() {
                    let (from, to) = (block * BLOCK, place.len().min(block * BLOCK + BLOCK));
                    if self.places.abreast() > 1 {
                        let sums = self.abreast(&place, from, to, columns, &mut scratch);
                        sums.enumerate().for_each(|(column, sum)| found[at + column * each + index] = sum);
                    } else {
                        self.gather(&place, from, to, &mut scratch.values);
                        found[at + index] = along(self.level, &scratch.values, self.reduction.meaning());
                    }
                }
            }
        }
        found
    }

    /// Calls `visit` with the number of each unit of a task, how many elements it has, and which of its blocks are done.
    fn for_each_unit(&self, task: &Task, mut visit: impl FnMut(usize, usize, core::ops::Range<usize>)) {
        let mut place = Place::default();
        for row in task.rows.clone() {
            let first = self.places.find(row, task.columns.start, &mut place);
            let end = task.blocks.end.min(place.len().div_ceil(BLOCK));
            for column in 0..task.columns.len() {
                visit(first + column * self.places.step(), place.len(), task.blocks.start..end.max(task.blocks.start));
            }
        }
    }

    /// The elements of a unit from number `from` up to `to`; dead ones are 0.
    fn gather(&self, place: &Place, from: usize, to: usize, values: &mut Vec<f64>) {
        values.clear();
        place.for_each_run(from, to, |position, stride, run| {
            if stride == 1 {
                let at = values.len();
                values.resize(at + run, 0.0);
                self.read(position, &mut values[at..]);
            } else {
                let position = |i: usize| (position as isize + i as isize * stride) as usize;
                values.extend((0..run).map(|i| self.value(position(i))));
            }
        });
    }

    /// Those of neighbours in memory at a time, added up.
    fn abreast(
        &self,
        place: &Place,
        from: usize,
        to: usize,
        columns: usize,
        Scratch { values, abreast }: &mut Scratch,
    ) -> impl Iterator<Item = Sum> {
        let meaning = self.reduction.meaning();
        values.clear();
        values.resize(columns, 0.0);
        abreast.begin(columns, meaning);
        let mut number = 0;
        place.for_each_run(from, to, |position, stride, run| {
            for i in 0..run as isize {
                self.read((position as isize + i * stride) as usize, values);
                abreast.add(self.level, number, values, meaning);
                number += 1;
            }
        });
        abreast.end()
    }

    /// Reads neighbours in memory; dead ones are 0.
    fn read(&self, position: usize, values: &mut [f64]) {
        for (to, value) in values.iter_mut().zip(&self.values[position..]) {
            *to = value.to_f64();
        }
        let Some(alive) = &self.alive else { return };
        for (index, values) in values.chunks_mut(64).enumerate() {
            let bits = read_bits(alive, position + index * 64);
            for (bit, value) in values.iter_mut().enumerate() {
                *value = if bits >> bit & 1 == 1 { *value } else { 0.0 };
            }
        }
    }

    fn value(&self, position: usize) -> f64 {
        match &self.alive {
            Some(alive) if alive[position / 64] >> (position % 64) & 1 == 0 => 0.0,
            _ => self.values[position].to_f64(),
        }
    }

    /// Scores units that have extremes; nothing where one of them has a NaN.
    fn again(&self, units: &[usize], scores: &mut [f64]) -> Option<()> {
        let (mut place, mut values) = (Place::default(), Vec::new());
        let mut wanted = units.iter().copied().collect::<std::collections::BTreeSet<usize>>();
        for row in 0..self.places.rows() {
            for column in 0..self.places.abreast() {
                let unit = self.places.find(row, column, &mut place);
                if wanted.remove(&unit) {
                    scores[unit] = self.extreme(&place, &mut values)?;
                }
            }
        }
        Some(())
    }

    /// The score of a unit that may have infinities and elements that must be scaled; nothing where it has a NaN.
    fn extreme(&self, place: &Place, values: &mut Vec<f64>) -> Option<f64> {
        let (Reduction { term, by }, meaning) = (self.reduction, self.reduction.meaning());
        let (mut top, mut infinity) = (meaning.lowest(), 0.0);
        for from in (0..place.len()).step_by(BLOCK) {
            self.gather(place, from, place.len().min(from + BLOCK), values);
            for &value in values.iter() {
                if value.is_nan() {
                    return None;
                }
                if value.is_infinite() && infinity <= 0.0 {
                    infinity = if by == RankBy::Magnitude { value.abs() } else { value };
                }
                top = higher(top, meaning.height(value));
            }
        }
        if infinity != 0.0 && term != Term::Max {
            return Some(infinity);
        }
        let scale = scale(term, top);
        let mut sums = Vec::with_capacity(place.len().div_ceil(BLOCK));
        for from in (0..place.len()).step_by(BLOCK) {
            self.gather(place, from, place.len().min(from + BLOCK), values);
            values.iter_mut().for_each(|value| *value *= scale);
            sums.push(along(self.level, values, meaning).sum);
        }
        Some(self.reduction.score(pairs(&mut sums), Held { top, elements: place.len() }, scale))
    }
}

/// The error that names the first NaN, in logical order, of what is alive.
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
