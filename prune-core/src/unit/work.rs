//! The sums of all units, found in tasks: whoever cuts them, and wherever elements lie.

use fearless_simd::Level;

use crate::bits::read_bits;
use crate::tensor::Element;
use crate::unit::place::{Place, Places};
use crate::unit::sum::{Abreast, BLOCK, Meaning, Sum, along};

/// Elements that a task goes through, if a block of the units abreast is not more.
const A_TASK: usize = 1 << 16;

/// Units that are taken abreast: their lanes fit the innermost cache.
const COLUMNS: usize = 256;

/// Some blocks of some units.
#[derive(Debug, Clone)]
pub(super) struct Task {
    rows: core::ops::Range<usize>,
    columns: core::ops::Range<usize>,
    blocks: core::ops::Range<usize>,
}

/// A layer whose units are added up.
pub(super) struct UnitSums<'a, E> {
    pub(super) values: &'a [E],
    /// What is alive, in memory order.
    pub(super) alive: Option<Vec<u64>>,
    pub(super) places: Places,
    pub(super) meaning: Meaning,
    pub(super) level: Level,
}

/// Memory that a task reuses.
#[derive(Debug, Default)]
struct Scratch {
    values: Vec<f64>,
    abreast: Abreast,
}

impl<E: Element> UnitSums<'_, E> {
    /// All units, `each` blocks of them: cut where tasks would be long, put together where they would be short.
    pub(super) fn tasks(&self, each: usize) -> Vec<Task> {
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

    /// The sums of a task, in the order in which [`UnitSums::for_each_unit`] goes through it.
    pub(super) fn sums(&self, task: &Task) -> Vec<Sum> {
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
                        found[at + index] = along(self.level, &scratch.values, self.meaning);
                    }
                }
            }
        }
        found
    }

    /// Calls `visit` with the number of each unit of a task, how many elements it has, and which of its blocks are done.
    pub(super) fn for_each_unit(&self, task: &Task, mut visit: impl FnMut(usize, usize, core::ops::Range<usize>)) {
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
    pub(super) fn gather(&self, place: &Place, from: usize, to: usize, values: &mut Vec<f64>) {
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
        let meaning = self.meaning;
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
}
