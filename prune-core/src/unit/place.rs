//! Where the elements of each unit lie in memory.

use crate::layout::Layout;

/// A dense tensor as units: boxes of `sides` side by side, smaller at the far end of an axis.
#[derive(Debug)]
pub(super) struct Places {
    axes: Vec<Axis>,
    offset: isize,
    /// The axis along which units lie abreast: side by side in memory, `side` elements apart.
    abreast: Option<usize>,
    /// Elements of a unit abreast that follow each other in memory and in number: 1, 2, 4 or 8.
    chunk: usize,
}

/// Elements of a unit in one run from which on it is better taken by itself.
const LONG: usize = 64;

/// One axis of the tensor.
#[derive(Debug, Clone, Copy)]
struct Axis {
    length: usize,
    stride: isize,
    /// Elements of a unit along it; at most the length.
    side: usize,
    /// Units along it.
    blocks: usize,
    /// How far apart neighbours along it are among all units.
    step: usize,
}

/// The elements of one unit, or of the first of several abreast, from the first in logical order on.
#[derive(Debug, Default)]
pub(super) struct Place {
    start: isize,
    /// The fewest axes that step evenly, as (elements, stride); at least one.
    axes: Vec<(usize, isize)>,
    len: usize,
}

impl Places {
    /// Of a layout that is true of memory and not empty; `sides` are at least 1.
    pub(super) fn new(layout: &Layout, sides: &[usize]) -> Self {
        let mut step = 1;
        let mut axes: Vec<Axis> = Vec::with_capacity(layout.rank());
        let of_axes = layout.shape().iter().zip(layout.strides()).zip(sides);
        for ((&length, &stride), &side) in of_axes.rev() {
            let side = side.min(length);
            let blocks = length.div_ceil(side);
            axes.push(Axis { length, stride, side, blocks, step });
            step *= blocks;
        }
        axes.reverse();
        let inner = axes.iter().rposition(|axis| axis.side > 1);
        let abreast = axes
            .iter()
            .position(|axis| axis.stride == 1 && axis.length > axis.side)
            .filter(|&axis| Some(axis) != inner || axes[axis].side < LONG);
        // Numbers run along an axis only where it is the innermost of those that a unit has several elements of.
        let within = abreast.filter(|_| abreast == inner).map_or(1, |axis| axes[axis].side);
        let chunk = 1 << within.trailing_zeros().min(3);
        Places { axes, offset: layout.offset() as isize, abreast, chunk }
    }

    /// How many units lie abreast, at one index of the other axes; 1 where they are taken one by one.
    pub(super) fn abreast(&self) -> usize {
        self.abreast.map_or(1, |axis| self.axes[axis].blocks)
    }

    /// How many of them are not cut off by the end of the axis; all but the last are never. 0 where units are taken one by
    /// one.
    pub(super) fn full(&self) -> usize {
        self.abreast.map_or(0, |axis| self.axes[axis].length / self.axes[axis].side)
    }

    /// How far apart units abreast are in memory.
    pub(super) fn side(&self) -> usize {
        self.abreast.map_or(1, |axis| self.axes[axis].side)
    }

    /// How many elements of a unit abreast follow each other in memory and in number, from any multiple of as many on.
    pub(super) fn chunk(&self) -> usize {
        self.chunk
    }

    /// How far apart units abreast are among all units.
    pub(super) fn step(&self) -> usize {
        self.abreast.map_or(1, |axis| self.axes[axis].step)
    }

    /// Whether units come in their order when row after row is gone through.
    pub(super) fn in_order(&self) -> bool {
        self.step() == 1
    }

    /// How many times units lie abreast.
    pub(super) fn rows(&self) -> usize {
        self.axes.iter().map(|axis| axis.blocks).product::<usize>() / self.abreast()
    }

    /// How many elements a unit has that is not cut off by the end of an axis: no unit has more.
    pub(super) fn most(&self) -> usize {
        self.axes.iter().map(|axis| axis.side).product()
    }

    /// Finds the units of a row, from the one at `column` on; gives the number of that unit.
    pub(super) fn find(&self, mut row: usize, column: usize, place: &mut Place) -> usize {
        place.axes.clear();
        (place.start, place.len) = (self.offset, 1);
        let mut unit = 0;
        for (index, axis) in self.axes.iter().enumerate().rev() {
            let block = if self.abreast == Some(index) {
                column
            } else {
                let block = row % axis.blocks;
                row /= axis.blocks;
                block
            };
            unit += block * axis.step;
            place.start += (block * axis.side) as isize * axis.stride;
            let side = axis.side.min(axis.length - block * axis.side);
            place.push(side, axis.stride);
        }
        if place.axes.is_empty() {
            place.axes.push((1, 1));
        }
        place.axes.reverse();
        unit
    }
}

impl Place {
    /// Adds an axis outside those that there are.
    fn push(&mut self, side: usize, stride: isize) {
        if side == 1 {
            return;
        }
        self.len *= side;
        match self.axes.last_mut() {
            Some((length, inner)) if *inner * *length as isize == stride => *length *= side,
            _ => self.axes.push((side, stride)),
        }
    }

    /// How many elements there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The position of element number `from`, where those up to `to` follow it in memory.
    pub(super) fn position_of_piece(&self, from: usize, to: usize) -> Option<usize> {
        match self.axes.last() {
            Some(&(length, 1)) if from % length + (to - from) <= length => {
                let mut found = None;
                self.for_each_run(from, to, |position, _, _| found = Some(position));
                found
            }
            _ => None,
        }
    }

    /// Calls `visit` for the elements from number `from` up to `to`, run by run: the position of a run's first element,
    /// how far apart its elements are, and how many they are.
    pub(super) fn for_each_run(&self, from: usize, to: usize, mut visit: impl FnMut(usize, isize, usize)) {
        let Some((&(length, stride), outer)) = self.axes.split_last() else { return };
        let mut number = from;
        while number < to {
            let within = number % length;
            let mut position = self.start + within as isize * stride;
            let mut rest = number / length;
            for &(length, stride) in outer.iter().rev() {
                position += (rest % length) as isize * stride;
                rest /= length;
            }
            let run = (length - within).min(to - number);
            visit(position as usize, stride, run);
            number += run;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::testing::generators::{layouts, shapes};
    use crate::testing::structures::members;
    use proptest::prelude::*;

    proptest! {
        /// Every unit's elements, in logical order, wherever they lie and however the work is cut.
        #[test]
        fn elements_are_those_of_the_definition(
            (shape, layout, sides) in shapes(1..=4).prop_flat_map(|shape| {
                let sides = prop::collection::vec(1usize..7, shape.len());
                (Just(shape.clone()), layouts(shape), sides)
            }),
            cut in 1usize..9,
        ) {
            prop_assume!(!layout.is_empty());
            let wanted = members(&shape, &sides);
            let places = Places::new(&layout, &sides);
            let mut seen = vec![false; wanted.len()];
            let mut place = Place::default();
            for row in 0..places.rows() {
                for column in 0..places.abreast() {
                    let unit = places.find(row, column, &mut place);
                    prop_assert!(!core::mem::replace(&mut seen[unit], true));
                    prop_assert!(place.len() <= places.most());
                    let mut found = Vec::new();
                    for from in (0..place.len()).step_by(cut) {
                        place.for_each_run(from, place.len().min(from + cut), |position, stride, run| {
                            found.extend((0..run as isize).map(|i| (position as isize + i * stride) as usize));
                        });
                    }
                    let positions: Vec<usize> = wanted[unit].iter().map(|&index| layout.position(index)).collect();
                    prop_assert_eq!(&found, &positions);
                    if places.full() > column {
                        for chunk in positions.chunks(places.chunk()) {
                            prop_assert!(chunk.iter().copied().eq(chunk[0]..chunk[0] + places.chunk()));
                        }
                    }
                    // Those abreast are side by side in memory.
                    let first = places.find(row, 0, &mut place);
                    prop_assert_eq!(unit, first + column * places.step());
                    place.for_each_run(0, 1, |position, _, _| {
                        assert_eq!(layout.position(wanted[unit][0]), position + column * places.side());
                    });
                }
            }
            prop_assert!(seen.into_iter().all(|seen| seen));
        }
    }
}
