//! The places of each unit's elements in memory.

use crate::layout::Layout;

/// A dense tensor as units: boxes of `sides` side by side, smaller at the far end of an axis.
#[derive(Debug)]
pub(super) struct UnitPlaces {
    axes: Vec<Axis>,
    offset: isize,
    /// The axis along which units lie abreast: side by side in memory, `side` elements apart.
    abreast: Option<usize>,
    /// The number of elements of a unit abreast that follow each other in memory and in number: 1, 2, 4 or 8.
    chunk: usize,
}

/// A unit whose runs have at least this number of elements is better taken alone.
const LONG: usize = 64;

/// One axis of the tensor.
#[derive(Debug, Clone, Copy)]
struct Axis {
    length: usize,
    stride: isize,
    /// The number of elements of a unit along it; at most the length.
    side: usize,
    /// The number of units along it.
    blocks: usize,
    /// The distance of neighbours along it in the order of all units.
    step: usize,
}

/// The elements of one unit, or of the first of several abreast, in logical order.
#[derive(Debug, Default)]
pub(super) struct UnitPlace {
    start: isize,
    /// The fewest axes that step evenly, as (elements, stride); at least one.
    axes: Vec<(usize, isize)>,
    len: usize,
}

impl UnitPlaces {
    /// The places for a layout that has been checked against memory and is not empty; `sides` are at least 1.
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
        // Numbers run along an axis only if it is the innermost axis with several elements of a unit.
        let within = abreast.filter(|_| abreast == inner).map_or(1, |axis| axes[axis].side);
        let chunk = 1 << within.trailing_zeros().min(3);
        UnitPlaces { axes, offset: layout.offset() as isize, abreast, chunk }
    }

    /// The number of units abreast, at one index of the other axes; 1 if units are taken one by one.
    pub(super) fn abreast(&self) -> usize {
        self.abreast.map_or(1, |axis| self.axes[axis].blocks)
    }

    /// The number of units abreast that the end of the axis does not cut off; only the last can be cut off. 0 if
    /// units are taken one by one.
    pub(super) fn full(&self) -> usize {
        self.abreast.map_or(0, |axis| self.axes[axis].length / self.axes[axis].side)
    }

    /// The distance of units abreast in memory.
    pub(super) fn side(&self) -> usize {
        self.abreast.map_or(1, |axis| self.axes[axis].side)
    }

    /// The number of elements of a unit abreast that follow each other in memory and in number, from any multiple of
    /// it on.
    pub(super) fn chunk(&self) -> usize {
        self.chunk
    }

    /// The distance of units abreast in the order of all units.
    pub(super) fn step(&self) -> usize {
        self.abreast.map_or(1, |axis| self.axes[axis].step)
    }

    /// True if units come in their order when rows are visited one after the other.
    pub(super) fn in_order(&self) -> bool {
        self.step() == 1
    }

    /// The number of rows of units abreast.
    pub(super) fn rows(&self) -> usize {
        self.axes.iter().map(|axis| axis.blocks).product::<usize>() / self.abreast()
    }

    /// The number of elements of a unit that no end of an axis cuts off; no unit has more.
    pub(super) fn most(&self) -> usize {
        self.axes.iter().map(|axis| axis.side).product()
    }

    /// Finds the units of a row, from the one at `column` on; returns the number of that unit.
    pub(super) fn find(&self, mut row: usize, column: usize, place: &mut UnitPlace) -> usize {
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

impl UnitPlace {
    /// Adds an axis outside the present ones.
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

    /// The number of elements.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The position of element number `from`, if the elements up to `to` follow it in memory.
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

    /// Calls `visit` for the elements from number `from` up to `to`, run by run, with the position of a run's first
    /// element, the distance of its elements, and their number.
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
            let places = UnitPlaces::new(&layout, &sides);
            let mut seen = vec![false; wanted.len()];
            let mut place = UnitPlace::default();
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
                    // Units abreast lie side by side in memory.
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
