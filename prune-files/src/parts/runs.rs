//! The parts of a tensor that are processed at a time, and their places in it.

use core::ops::Range;

use prune_core::SourceCut;

/// The approximate number of elements that are processed at a time.
pub(crate) const PART: usize = SourceCut::READING;

/// Elements of a tensor in logical order, as evenly spaced runs: `count` of `len` elements, `stride` apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Runs {
    first: usize,
    count: usize,
    len: usize,
    stride: usize,
}

impl Runs {
    /// One run.
    pub(crate) fn one(first: usize, len: usize) -> Self {
        Runs { first, count: 1, len, stride: len }
    }

    /// The logical index of the first element.
    pub(crate) fn first(self) -> usize {
        self.first
    }

    /// The number of elements.
    pub(crate) fn elements(self) -> usize {
        self.count * self.len
    }

    /// The first element and the length of each run.
    pub(crate) fn iter(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.count).map(move |run| (self.first + run * self.stride, self.len))
    }

    /// The bytes of each run, for elements of `size` bytes: its range in memory, where runs are adjacent, and its first
    /// byte in the tensor.
    pub(crate) fn bytes(self, size: usize) -> impl Iterator<Item = (Range<usize>, u64)> {
        let len = self.len * size;
        self.iter().enumerate().map(move |(run, (first, _))| (run * len..(run + 1) * len, (first * size) as u64))
    }
}

/// A part of a tensor with whole groups along the middle one of its three axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) runs: Runs,
    pub(crate) shape: [usize; 3],
}

/// The index in a shape of the element at a place in logical order.
pub(crate) fn place(linear: usize, shape: &[usize]) -> Vec<usize> {
    let mut rest = linear;
    let mut index: Vec<usize> = shape.iter().rev().map(|&side| (rest % side.max(1), rest /= side.max(1)).0).collect();
    index.reverse();
    index
}

/// The parts of a tensor of `elements`, of [`PART`] elements each.
pub(crate) fn plain(elements: usize) -> impl Iterator<Item = Part> {
    (0..elements).step_by(PART).map(move |start| {
        let len = PART.min(elements - start);
        Part { runs: Runs::one(start, len), shape: [1, len, 1] }
    })
}

/// The parts of a tensor, each of at most `most` elements and of whole groups of `m` along an existing axis. A part is
/// several lanes, several groups of a lane, or some columns of a group. A single group is one part, however long it is.
pub(crate) fn groups(shape: &[usize], axis: usize, m: usize, most: usize) -> Vec<Part> {
    if shape.contains(&0) {
        return Vec::new();
    }
    let lane = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    let mut parts = Vec::new();
    if lane * inner <= most {
        let blocks = most / (lane * inner);
        for first in (0..outer).step_by(blocks) {
            let blocks = blocks.min(outer - first);
            let runs = Runs::one(first * lane * inner, blocks * lane * inner);
            parts.push(Part { runs, shape: [blocks, lane, inner] });
        }
        return parts;
    }
    let m = m.min(lane);
    let rows_a_part = (most / inner / m).max(1) * m;
    let columns_a_part = (most / m).clamp(1, inner);
    for block in 0..outer {
        for row in (0..lane).step_by(rows_a_part) {
            let rows = rows_a_part.min(lane - row);
            for column in (0..inner).step_by(columns_a_part) {
                let columns = columns_a_part.min(inner - column);
                let first = (block * lane + row) * inner + column;
                let runs = if columns == inner {
                    Runs::one(first, rows * inner)
                } else {
                    Runs { first, count: rows, len: columns, stride: inner }
                };
                parts.push(Part { runs, shape: [1, rows, columns] });
            }
        }
    }
    parts
}

/// The parts of a tensor, each of about `most` elements and of whole indices along an existing axis. The middle axis of
/// a part runs over these indices. A single index is one part, however many elements it has.
pub(crate) fn outputs(shape: &[usize], axis: usize, most: usize) -> Vec<Part> {
    if shape.contains(&0) {
        return Vec::new();
    }
    let lane = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    let indices_a_part = (most / (outer * inner)).max(1);
    let part = |first: usize| {
        let indices = indices_a_part.min(lane - first);
        let runs = Runs { first: first * inner, count: outer, len: indices * inner, stride: lane * inner };
        Part { runs, shape: [outer, indices, inner] }
    };
    (0..lane).step_by(indices_a_part).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Every element is in one part, and every group is whole in one part, at the place that the part's shape says.
        #[test]
        fn parts_hold_whole_groups_and_everything_once(
            shape in prop::collection::vec(0usize..7, 1..4),
            axis in any::<prop::sample::Index>(),
            m in 1usize..9,
            most in 1usize..40,
        ) {
            let axis = axis.index(shape.len());
            let inner: usize = shape[axis + 1..].iter().product();
            let lane = shape[axis];
            let mut seen = vec![0; shape.iter().product()];
            for Part { runs, shape: [blocks, rows, columns] } in groups(&shape, axis, m, most) {
                prop_assert_eq!(runs.elements(), blocks * rows * columns);
                prop_assert!(runs.elements() <= most.max(m.min(lane)));
                let places: Vec<usize> = runs.iter().flat_map(|(first, len)| first..first + len).collect();
                for (local, &place) in places.iter().enumerate() {
                    seen[place] += 1;
                    let (row, column) = (local / columns % rows, local % columns);
                    // The first row of a part begins a group, and rows are consecutive in one lane.
                    let first_row = places[local - row * columns] / inner % lane;
                    prop_assert_eq!(first_row % m, 0);
                    prop_assert_eq!(place / inner % lane, first_row + row);
                    prop_assert_eq!(place % inner, places[0] % inner + column);
                    prop_assert!(rows % m == 0 || first_row + rows == lane);
                }
            }
            prop_assert!(seen.iter().all(|&times| times == 1));
        }

        /// Every element is in one part, together with its whole index, at the place that the part's shape says.
        #[test]
        fn parts_hold_whole_indices_and_everything_once(
            shape in prop::collection::vec(0usize..7, 1..4),
            axis in any::<prop::sample::Index>(),
            most in 1usize..40,
        ) {
            let axis = axis.index(shape.len());
            let (inner, lane): (usize, usize) = (shape[axis + 1..].iter().product(), shape[axis]);
            let mut seen = vec![0; shape.iter().product()];
            let mut next = 0;
            for Part { runs, shape: [blocks, indices, columns] } in outputs(&shape, axis, most) {
                prop_assert_eq!(runs.elements(), blocks * indices * columns);
                let places: Vec<usize> = runs.iter().flat_map(|(first, len)| first..first + len).collect();
                for (local, &place) in places.iter().enumerate() {
                    seen[place] += 1;
                    prop_assert_eq!(place / inner % lane, next + local / columns % indices);
                    prop_assert_eq!(place % inner, local % columns);
                }
                next += indices;
            }
            prop_assert!(seen.iter().all(|&times| times == 1));
        }

        #[test]
        fn plain_parts_hold_everything_once(elements in 0usize..5 * PART) {
            let mut next = 0;
            for part in plain(elements) {
                prop_assert_eq!(part.runs.first(), next);
                next += part.runs.elements();
            }
            prop_assert_eq!(next, elements);
        }
    }
}
