//! Assigns each element to its unit, in logical order.

use crate::error::Error;
use crate::layout::checked_len;

/// Neighbouring axes that are cut as one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Axis {
    length: usize,
    /// The number of elements of a block along it; at most the length.
    side: usize,
    /// The distance of neighbouring blocks along it in the order of all units.
    step: usize,
}

/// The blocks of a tensor. Channels are blocks too, as long as the tensor along all axes but one.
#[derive(Debug)]
pub(super) struct Geometry {
    grid: Vec<usize>,
    units: usize,
    /// Empty if there are no elements; else at least one axis.
    axes: Vec<Axis>,
}

impl Geometry {
    /// Blocks of `sides`, each at least 1, one for each axis of `shape`.
    pub(super) fn new(shape: &[usize], sides: &[usize]) -> Result<Self, Error> {
        let len = checked_len(shape)?;
        let grid: Vec<usize> = shape.iter().zip(sides).map(|(&length, &side)| length.div_ceil(side)).collect();
        if len == 0 {
            return Ok(Geometry { grid, units: 0, axes: Vec::new() });
        }
        let mut axes: Vec<Axis> = Vec::with_capacity(shape.len());
        let mut step = grid.iter().product();
        let units = step;
        for ((&length, &side), &blocks) in shape.iter().zip(sides).zip(&grid) {
            step /= blocks;
            let side = side.min(length);
            if length == 1 {
                continue;
            }
            match axes.last_mut() {
                // Whole lengths of the inner axis follow each other in one block.
                Some(outer) if side == length => {
                    (outer.length, outer.side) = (outer.length * length, outer.side * length);
                }
                Some(outer) if side == 1 && outer.side == 1 => {
                    (outer.length, outer.step) = (outer.length * length, step)
                }
                _ => axes.push(Axis { length, side, step }),
            }
        }
        if axes.is_empty() {
            axes.push(Axis { length: 1, side: 1, step: 1 });
        }
        Ok(Geometry { grid, units, axes })
    }

    /// The length of each axis in blocks.
    pub(super) fn grid(&self) -> &[usize] {
        &self.grid
    }

    /// The number of units.
    pub(super) fn units(&self) -> usize {
        self.units
    }

    /// The number of elements of a unit that no end of an axis cuts off; no unit has more.
    pub(super) fn most(&self) -> usize {
        self.axes.iter().map(|axis| axis.side).product()
    }

    /// The number of elements of a lane along the innermost axis, and of a unit in it; none if there are no elements.
    /// The units of a lane follow each other.
    pub(super) fn lanes(&self) -> Option<(usize, usize)> {
        self.axes.last().map(|axis| (axis.length, axis.side))
    }

    /// The unit of the first element of a lane.
    pub(super) fn first_unit(&self, mut lane: usize) -> usize {
        let Some((_, outer)) = self.axes.split_last() else { return 0 };
        let mut unit = 0;
        for axis in outer.iter().rev() {
            unit += lane % axis.length / axis.side * axis.step;
            lane /= axis.length;
        }
        unit
    }

    /// Runs of neighbours of one unit, in logical order: the unit's index, and the number of elements.
    pub(super) fn runs(&self) -> UnitRuns {
        self.runs_from(0)
    }

    /// The runs from an element on; the first may begin within a unit.
    pub(super) fn runs_from(&self, first: usize) -> UnitRuns {
        let Some((&last, outer)) = self.axes.split_last() else {
            let last = Axis { length: 0, side: 1, step: 1 };
            return UnitRuns { last, outer: Vec::new(), index: Vec::new(), unit: 0, left: 0, skipped: 0, done: true };
        };
        let (mut lane, within) = (first / last.length, first % last.length);
        let mut index = vec![0; outer.len()];
        for (index, axis) in index.iter_mut().zip(outer).rev() {
            (*index, lane) = (lane % axis.length, lane / axis.length);
        }
        let mut runs = UnitRuns {
            last,
            outer: outer.to_vec(),
            index,
            unit: 0,
            left: last.length - within,
            skipped: within % last.side,
            done: lane > 0,
        };
        runs.unit = runs.lane_unit() + within / last.side * last.step;
        runs
    }
}

/// [`Geometry::runs`].
#[derive(Debug)]
pub(super) struct UnitRuns {
    last: Axis,
    outer: Vec<Axis>,
    /// The index of each outer axis.
    index: Vec<usize>,
    /// The unit of the next run.
    unit: usize,
    /// Elements of the lane that are still to come; never 0 before the end.
    left: usize,
    /// Elements of the next run that are skipped.
    skipped: usize,
    done: bool,
}

impl UnitRuns {
    /// Counts up the outer axes like an odometer.
    fn next_lane(&mut self) {
        self.left = self.last.length;
        for (index, axis) in self.index.iter_mut().zip(&self.outer).rev() {
            *index += 1;
            if *index < axis.length {
                self.unit = self.lane_unit();
                return;
            }
            *index = 0;
        }
        self.done = true;
    }

    /// The unit of the lane's first element.
    fn lane_unit(&self) -> usize {
        self.index.iter().zip(&self.outer).map(|(&i, axis)| i / axis.side * axis.step).sum()
    }
}

impl Iterator for UnitRuns {
    type Item = (usize, usize);

    #[inline]
    fn next(&mut self) -> Option<(usize, usize)> {
        if self.done {
            return None;
        }
        let Axis { side, step, .. } = self.last;
        let (unit, run) = (self.unit, (side - self.skipped).min(self.left));
        self.skipped = 0;
        self.unit += step;
        self.left -= run;
        if self.left == 0 {
            self.next_lane();
        }
        Some((unit, run))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// The runs from every element of some shapes equal the rest of all runs.
    #[test]
    fn runs_from_an_element_are_the_rest_of_all_runs() {
        for (shape, sides) in
            [([5, 3, 4], [1, 3, 4]), ([5, 3, 4], [5, 1, 4]), ([5, 3, 4], [2, 2, 3]), ([1, 6, 1], [1, 4, 1])]
        {
            let geometry = Geometry::new(&shape, &sides).unwrap();
            let units = |runs: UnitRuns| runs.flat_map(|(unit, len)| vec![unit; len]).collect::<Vec<_>>();
            let all = units(geometry.runs());
            for first in 0..=all.len() {
                assert_eq!(units(geometry.runs_from(first)), all[first..], "{shape:?} {sides:?} {first}");
            }
        }
    }

    #[test]
    fn neighbouring_axes_that_are_cut_as_one_are_one() {
        let axes = |shape: &[usize], sides: &[usize]| Geometry::new(shape, sides).unwrap().axes;
        let axis = |length, side, step| Axis { length, side, step };
        // Channels along the first, a middle and the last axis.
        assert_eq!(axes(&[5, 3, 4], &[1, 3, 4]), [axis(60, 12, 1)]);
        assert_eq!(axes(&[5, 3, 4], &[5, 1, 4]), [axis(5, 5, 3), axis(12, 4, 1)]);
        assert_eq!(axes(&[5, 3, 4], &[5, 3, 1]), [axis(15, 15, 4), axis(4, 1, 1)]);
        // Blocks of the last two axes, with axes of one element between.
        assert_eq!(axes(&[5, 1, 3, 4], &[1, 1, 2, 3]), [axis(5, 1, 4), axis(3, 2, 2), axis(4, 3, 1)]);
        assert_eq!(axes(&[2, 3, 4], &[1, 1, 9]), [axis(24, 4, 1)]);
        assert_eq!(axes(&[1, 1], &[1, 7]), [axis(1, 1, 1)]);
        assert_eq!(axes(&[3, 0], &[1, 7]), []);
    }
}
