//! Which unit each element belongs to, in logical order.

use crate::error::Error;
use crate::layout::checked_len;

/// Neighbouring axes that are cut as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Axis {
    length: usize,
    /// Elements of a block along it; at most the length.
    side: usize,
    /// How far apart neighbouring blocks along it are among all units.
    step: usize,
}

/// How blocks lie in a tensor. Channels are blocks too, as long as the tensor along all axes but one.
#[derive(Debug)]
pub(super) struct Geometry {
    grid: Vec<usize>,
    units: usize,
    /// None where there are no elements, else at least one.
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

    /// How many units there are.
    pub(super) fn units(&self) -> usize {
        self.units
    }

    /// Runs of neighbours of one unit, in logical order: the unit's index, and how many elements.
    pub(super) fn runs(&self) -> Runs<'_> {
        match self.axes.split_last() {
            Some((&last, outer)) => {
                Runs { last, outer, index: vec![0; outer.len()], unit: 0, left: last.length, done: false }
            }
            None => {
                let last = Axis { length: 0, side: 1, step: 1 };
                Runs { last, outer: &[], index: Vec::new(), unit: 0, left: 0, done: true }
            }
        }
    }
}

/// [`Geometry::runs`].
#[derive(Debug)]
pub(super) struct Runs<'g> {
    last: Axis,
    outer: &'g [Axis],
    /// The index of each outer axis.
    index: Vec<usize>,
    /// The next run's.
    unit: usize,
    /// Elements of the lane that are still to come; never 0 before the end.
    left: usize,
    done: bool,
}

impl Runs<'_> {
    /// Counts up the outer axes like an odometer.
    fn next_lane(&mut self) {
        self.left = self.last.length;
        for (index, axis) in self.index.iter_mut().zip(self.outer).rev() {
            *index += 1;
            if *index < axis.length {
                self.unit = self.index.iter().zip(self.outer).map(|(&i, axis)| i / axis.side * axis.step).sum();
                return;
            }
            *index = 0;
        }
        self.done = true;
    }
}

impl Iterator for Runs<'_> {
    type Item = (usize, usize);

    #[inline]
    fn next(&mut self) -> Option<(usize, usize)> {
        if self.done {
            return None;
        }
        let Axis { side, step, .. } = self.last;
        let (unit, run) = (self.unit, side.min(self.left));
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
