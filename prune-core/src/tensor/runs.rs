//! The order of the runs of memory with gaps.
//!
//! Plain: mark the element of each place, and check that each is marked once ([`once_each`]). Departure: backends
//! visit their lanes one after the other, and then it is enough to look at the start of each run. Such runs are like
//! memory in one piece, run after run, which has a [`Layout`]: a mask is brought into their order as into any other.

use crate::layout::Layout;
use crate::tensor::{Run, Strided};

/// Evenly spaced runs: in groups, one after the other in logical order, of `step` lanes each, neighbours side by
/// side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RunOrder {
    /// The number of elements in all.
    len: usize,
    lane: Lane,
}

/// A run without its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lane {
    /// The distance of its elements in logical order; also the number of such runs in a group.
    step: usize,
    /// The number of its elements; 0 if `step` is 1, when lengths may differ.
    length: usize,
    /// True if its last element in memory is the first in logical order.
    backwards: bool,
}

impl RunOrder {
    /// The order of the runs of `len` elements, if they come evenly and hold every element once.
    pub(crate) fn of<E>(strided: &mut (dyn Strided<E> + '_), len: usize) -> Option<Self> {
        let (mut followed, mut even) = (FollowedRuns { len, lane: None, next: 0, within: 0 }, true);
        strided.for_each_run(&mut |run| even = even && followed.take(&run).is_some());
        let whole = even && followed.within == 0 && followed.next == len;
        let lane = followed.lane.unwrap_or(Lane { step: 1, length: 0, backwards: false });
        whole.then_some(RunOrder { len, lane })
    }

    /// Starts to follow the runs once more.
    pub(crate) fn follow(self) -> FollowedRuns {
        FollowedRuns { len: self.len, lane: Some(self.lane), next: 0, within: 0 }
    }

    /// The layout of the runs one after the other, as if that were memory; none if it is logical order.
    pub(crate) fn layout(self) -> Option<Layout> {
        let Lane { step, length, backwards } = self.lane;
        if step == 1 && !backwards {
            return None;
        }
        let along = if backwards { -1 } else { 1 };
        let offset = if backwards { length - 1 } else { 0 };
        let (group, lane) = ((step * length) as isize, length as isize);
        Layout::new(&[self.len / (step * length), length, step], &[group, along, lane], offset).ok()
    }
}

/// The progress through the runs.
#[derive(Debug)]
pub(crate) struct FollowedRuns {
    len: usize,
    /// The lane that all runs share, once there was one.
    lane: Option<Lane>,
    /// The first element of the group.
    next: usize,
    /// The number of runs of the group so far.
    within: usize,
}

impl FollowedRuns {
    /// Takes a run. Returns the number of elements before it, or none if it is not the expected one.
    pub(crate) fn take<E>(&mut self, run: &Run<'_, E>) -> Option<usize> {
        let length = run.values.len();
        if length == 0 {
            return Some(self.next + self.within * self.lane.map_or(0, |lane| lane.length));
        }
        let (step, backwards) = if length == 1 { (1, false) } else { (run.step.unsigned_abs(), run.step < 0) };
        let fixed = if step == 1 && !backwards { 0 } else { length };
        let lane = Lane { step, length: fixed, backwards };
        let before = self.within.checked_mul(length)?.checked_add(self.next)?;
        let lowest = if backwards { run.first.checked_sub((length - 1).checked_mul(step)?)? } else { run.first };
        let end = step.checked_mul(length)?.checked_add(self.next)?;
        if *self.lane.get_or_insert(lane) != lane || lowest != self.next + self.within || end > self.len {
            return None;
        }
        self.within += 1;
        if self.within == step {
            (self.next, self.within) = (end, 0);
        }
        Some(before)
    }
}

/// By the definition: true if the runs hold each of `len` elements once; and the number of their elements.
pub(crate) fn once_each<E>(strided: &mut (dyn Strided<E> + '_), len: usize) -> (bool, usize) {
    let mut seen = vec![0u64; len.div_ceil(64)];
    let (mut elements, mut once) = (0usize, true);
    strided.for_each_run(&mut |run| {
        elements = elements.saturating_add(run.values.len());
        let mut index = run.first;
        for _ in 0..run.values.len() {
            match seen.get_mut(index / 64) {
                Some(word) if index < len && *word >> (index % 64) & 1 == 0 => *word |= 1 << (index % 64),
                _ => once = false,
            }
            index = index.wrapping_add_signed(run.step);
        }
    });
    (once && elements == len, elements)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    /// Runs as a backend states them: first, step, elements.
    struct StatedRuns(Vec<(usize, isize, Vec<u8>)>);

    impl StatedRuns {
        fn new(runs: &[(usize, isize, usize)]) -> Self {
            StatedRuns(runs.iter().map(|&(first, step, length)| (first, step, vec![0; length])).collect())
        }
    }

    impl Strided<u8> for StatedRuns {
        fn gather(&self) -> Vec<u8> {
            Vec::new()
        }

        fn for_each_run<'s>(&'s mut self, visit: &mut dyn FnMut(Run<'s, u8>)) {
            self.0.iter_mut().for_each(|(first, step, values)| visit(Run { first: *first, step: *step, values }));
        }
    }

    /// The lanes of a tensor in groups, in the order of their first elements.
    fn lanes(groups: usize, length: usize, step: usize, backwards: bool) -> Vec<(usize, isize, usize)> {
        let lane = |lane: usize| {
            let first = lane / step * step * length + lane % step;
            if backwards {
                (first + (length - 1) * step, -(step as isize), length)
            } else {
                (first, step as isize, length)
            }
        };
        (0..groups * step).map(lane).collect()
    }

    /// The logical index of every element, in the order in which runs come.
    fn indices(runs: &[(usize, isize, usize)]) -> Vec<usize> {
        let of_run = |&(first, step, length): &(usize, isize, usize)| {
            (0..length as isize).map(move |i| (first as isize + i * step) as usize)
        };
        runs.iter().flat_map(of_run).collect()
    }

    proptest! {
        /// Lanes are recognised in their order. After any one change, runs that do not hold each element once are not
        /// taken for even.
        #[test]
        fn even_runs_are_known(
            (groups, length, step) in (1usize..4, 1usize..5, 1usize..5),
            backwards: bool,
            change in prop::option::of((0usize..20, 0usize..3, -3isize..4)),
        ) {
            let mut runs = lanes(groups, length, step, backwards);
            let len = groups * length * step;
            if let Some((at, what, by)) = change {
                let count = runs.len();
                let run = &mut runs[at % count];
                match what {
                    0 => run.0 = run.0.wrapping_add_signed(by),
                    1 => run.1 += by,
                    _ => run.2 = run.2.saturating_add_signed(by),
                }
            }
            let order = RunOrder::of(&mut StatedRuns::new(&runs), len);
            let (once, elements) = once_each(&mut StatedRuns::new(&runs), len);
            prop_assert_eq!(elements, runs.iter().map(|run| run.2).sum::<usize>());
            prop_assert!(once || order.is_none(), "{:?}", runs);
            prop_assert!(change.is_some() || order.is_some() && once, "{:?}", runs);
            if let Some(order) = order {
                let indices = indices(&runs);
                let places = (0..len).map(|at| order.layout().map_or(at, |layout| layout.logical_index(at)));
                prop_assert!(places.eq(indices.iter().copied()), "{:?}", runs);
                let (mut followed, mut before) = (order.follow(), 0);
                StatedRuns::new(&runs).for_each_run(&mut |run| {
                    assert_eq!(followed.take(&run), Some(before), "{runs:?}");
                    before += run.values.len();
                });
            }
        }
    }

    #[test]
    fn pieces_of_any_length_are_even_where_they_are_in_order() {
        let even = |runs: &[(usize, isize, usize)], len| RunOrder::of(&mut StatedRuns::new(runs), len).is_some();
        assert!(even(&[(0, 1, 3), (3, 1, 0), (3, 1, 5), (8, 7, 1)], 9));
        assert!(even(&[], 0) && !even(&[], 1) && !even(&[(0, 1, 3)], 2));
        assert!(!even(&[(3, 1, 5), (0, 1, 3)], 8) && once_each(&mut StatedRuns::new(&[(3, 1, 5), (0, 1, 3)]), 8).0);
        // Steps of zero, and steps out of range.
        assert!(
            !even(&[(0, 0, 2), (1, 0, 1)], 3) && !even(&[(0, isize::MIN, 2)], 2) && !even(&[(0, isize::MAX, 9)], 9)
        );
        assert!(!once_each(&mut StatedRuns::new(&[(0, isize::MAX, 9)]), 9).0);
    }
}
