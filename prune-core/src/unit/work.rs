//! Finds the sums of all units in tasks, for any cut of the work and any layout.

use fearless_simd::Level;

use crate::bits::read_bits;
use crate::tensor::Element;
use crate::unit::abreast::Abreast;
use crate::unit::place::{UnitPlace, UnitPlaces};
use crate::unit::sum::{BLOCK, Meaning, along, higher};

/// The number of elements of a task, unless one block of the units abreast is longer.
const A_TASK: usize = 1 << 16;

/// The number of elements of a row of units that are taken abreast: their open sums fit the cache of a core, and
/// memory is read in long enough stretches.
const A_ROW: usize = 1024;

/// Some blocks of some units.
#[derive(Debug, Clone)]
pub(super) struct Task {
    rows: core::ops::Range<usize>,
    columns: core::ops::Range<usize>,
    blocks: core::ops::Range<usize>,
}

impl Task {
    /// The number of units that it touches.
    pub(super) fn units(&self) -> usize {
        self.rows.len() * self.columns.len()
    }
}

/// A layer whose units are added up.
pub(super) struct UnitSums<'a, E> {
    pub(super) values: &'a [E],
    /// The bits of alive elements, in memory order.
    pub(super) alive: Option<Vec<u64>>,
    pub(super) places: UnitPlaces,
    pub(super) meaning: Meaning,
    pub(super) level: Level,
}

/// Units side by side whose sums have been found.
pub(super) struct Strip<'a> {
    /// The number of the first of them; the others follow by the step of the places.
    pub(super) unit: usize,
    /// The number of elements of each unit.
    pub(super) elements: usize,
    /// The first of the blocks.
    pub(super) first: usize,
    /// The number of blocks of each unit here.
    pub(super) each: usize,
    /// The sums of the blocks, unit after unit.
    pub(super) sums: &'a mut [f64],
    /// The greatest height of each unit.
    pub(super) tops: &'a [f64],
}

/// Memory that a task reuses.
#[derive(Debug)]
struct Scratch<E> {
    abreast: Abreast,
    /// The starts of the rows of a block.
    rows: Vec<usize>,
    /// Rows that do not lie in one piece, or have dead elements.
    copies: Vec<E>,
    values: Vec<f64>,
    sums: Vec<f64>,
    tops: Vec<f64>,
}

impl<E: Element> UnitSums<'_, E> {
    /// All units, `each` blocks of them. Long tasks are cut, short ones are put together.
    pub(super) fn tasks(&self, each: usize) -> Vec<Task> {
        let (rows, columns) = (self.places.rows(), self.places.abreast());
        let a_row = self.places.most() * columns;
        let rows_a_task = (A_TASK / a_row).max(1);
        let in_a_unit = self.places.most().min(BLOCK);
        let columns_a_task =
            if rows_a_task > 1 { columns } else { columns.min(self.columns().max(A_TASK / in_a_unit)) };
        let in_a_block = in_a_unit * columns_a_task;
        let blocks_a_task = if rows_a_task > 1 { each } else { (A_TASK / in_a_block).max(1) };
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

    /// True if each of these tasks, cut for `each` blocks a unit, holds all the blocks of its units, and the units'
    /// numbers follow each other from task to task.
    pub(super) fn in_order(&self, tasks: &[Task], each: usize) -> bool {
        self.places.in_order() && tasks.iter().all(|task| task.blocks == (0..each))
    }

    /// The number of units that are taken abreast.
    fn columns(&self) -> usize {
        (A_ROW / self.places.chunk()).max(1)
    }

    /// Calls `visit` with all the units of a task, in their order.
    pub(super) fn for_each_strip(&self, task: &Task, mut visit: impl FnMut(Strip<'_>)) {
        let mut place = UnitPlace::default();
        let mut scratch = Scratch {
            abreast: Abreast::default(),
            rows: Vec::new(),
            copies: Vec::new(),
            values: Vec::new(),
            sums: Vec::new(),
            tops: Vec::new(),
        };
        for row in task.rows.clone() {
            let mut first = task.columns.start;
            while first < task.columns.end {
                let full = self.places.full().min(task.columns.end).saturating_sub(first).min(self.columns());
                let unit = self.places.find(row, first, &mut place);
                let end = task.blocks.end.min(place.len().div_ceil(BLOCK));
                let blocks = task.blocks.start.min(end)..end;
                let columns = full.max(1);
                let Scratch { sums, tops, .. } = &mut scratch;
                sums.clear();
                sums.resize(columns * blocks.len(), 0.0);
                tops.clear();
                tops.resize(columns, self.meaning.lowest());
                for (index, block) in blocks.clone().enumerate() {
                    let within = (block * BLOCK, place.len().min(block * BLOCK + BLOCK));
                    if full > 0 {
                        self.abreast(&place, within, (index, blocks.len()), &mut scratch);
                    } else {
                        self.alone(&place, within, index, &mut scratch);
                    }
                }
                let Scratch { sums, tops, .. } = &mut scratch;
                visit(Strip { unit, elements: place.len(), first: blocks.start, each: blocks.len(), sums, tops });
                first += columns;
            }
        }
    }

    /// Adds up a block of one unit.
    fn alone(&self, place: &UnitPlace, (from, to): (usize, usize), index: usize, scratch: &mut Scratch<E>) {
        let in_one_piece = place.position_of_piece(from, to).filter(|_| self.alive.is_none());
        let sum = match in_one_piece {
            Some(position) => along(self.level, &self.values[position..][..to - from], self.meaning),
            None => {
                self.gather(place, from, to, &mut scratch.values);
                along(self.level, &scratch.values, self.meaning)
            }
        };
        scratch.sums[index] = sum.sum;
        scratch.tops[0] = higher(scratch.tops[0], sum.top);
    }

    /// The elements of a unit from number `from` up to `to`; dead ones are 0.
    pub(super) fn gather(&self, place: &UnitPlace, from: usize, to: usize, values: &mut Vec<f64>) {
        values.clear();
        place.for_each_run(from, to, |position, stride, run| {
            let position = |i: usize| (position as isize + i as isize * stride) as usize;
            values.extend((0..run).map(|i| self.value(position(i))));
        });
    }

    fn value(&self, position: usize) -> f64 {
        match &self.alive {
            Some(alive) if alive[position / 64] >> (position % 64) & 1 == 0 => 0.0,
            _ => self.values[position].to_f64(),
        }
    }

    /// Adds up one block of each of the units side by side, the first of which is at `place`.
    fn abreast(
        &self,
        place: &UnitPlace,
        (from, to): (usize, usize),
        (index, each): (usize, usize),
        scratch: &mut Scratch<E>,
    ) {
        let Scratch { abreast, rows, copies, sums, tops, .. } = scratch;
        let (side, chunk) = (self.places.side(), self.places.chunk());
        rows.clear();
        place.for_each_run(from, to, |position, stride, run| {
            let chunks = (0..run).step_by(chunk);
            rows.extend(chunks.map(|i| (position as isize + i as isize * stride) as usize));
        });
        abreast.begin(tops.len(), chunk, self.meaning);
        let width = tops.len() * chunk;
        for rows in rows.chunks(abreast.rows()) {
            if side == chunk && self.alive.is_none() {
                abreast.add(self.level, self.values, rows, self.meaning);
                continue;
            }
            copies.resize(rows.len() * width, E::ZERO);
            let mut places = Vec::with_capacity(rows.len());
            for (row, &position) in rows.iter().enumerate() {
                self.copy_row(position, &mut copies[row * width..][..width]);
                places.push(row * width);
            }
            abreast.add(self.level, copies, &places, self.meaning);
        }
        abreast.end(self.level, &mut sums[index..], each, tops);
    }

    /// Copies chunks that are `side` apart from this position on; dead elements are 0.
    fn copy_row(&self, position: usize, row: &mut [E]) {
        let (side, chunk) = (self.places.side(), self.places.chunk());
        match chunk {
            _ if side == chunk => row.copy_from_slice(&self.values[position..][..row.len()]),
            1 => copy_chunks::<E, 1>(&self.values[position..], side, row),
            2 => copy_chunks::<E, 2>(&self.values[position..], side, row),
            4 => copy_chunks::<E, 4>(&self.values[position..], side, row),
            _ => copy_chunks::<E, 8>(&self.values[position..], side, row),
        }
        let Some(alive) = &self.alive else { return };
        if side == chunk {
            for (block, values) in row.chunks_mut(64).enumerate() {
                E::zero_outside(values, &[read_bits(alive, position + block * 64)]);
            }
        } else {
            for (unit, values) in row.chunks_mut(chunk).enumerate() {
                let bits = read_bits(alive, position + unit * side);
                for (bit, value) in values.iter_mut().enumerate() {
                    *value = if bits >> bit & 1 == 1 { *value } else { E::ZERO };
                }
            }
        }
    }
}

/// Copies the first `CHUNK` elements of every `side`.
fn copy_chunks<E: Element, const CHUNK: usize>(values: &[E], side: usize, row: &mut [E]) {
    for (unit, to) in row.as_chunks_mut::<CHUNK>().0.iter_mut().enumerate() {
        if let Some(from) = values[unit * side..].first_chunk::<CHUNK>() {
            *to = *from;
        }
    }
}
