//! Counts ties, short groups and NaN while groups are decided.

use core::iter::Sum;
use core::ops::AddAssign;

use crate::kernel::group::GroupChoice;

/// The counts of some groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Groups in which a tie was broken.
    pub(crate) ties: usize,
    /// Groups in which fewer elements were alive than were asked for.
    pub(crate) short: usize,
    /// True if an element that is ranked is NaN.
    pub(crate) nan: bool,
}

impl Tally {
    /// Counts one group that was asked to keep `asked`, and calls `set` with the place of each element it keeps.
    pub(crate) fn add<K>(&mut self, group: GroupChoice<'_, K>, asked: usize, set: impl FnMut(usize)) {
        self.ties += usize::from(group.tied);
        self.short += usize::from(group.kept.len() < asked);
        group.kept.iter().map(|&(_, place)| place).for_each(set);
    }

    /// The number of neighbouring groups of `m` bits (2, 4 or 8) with fewer than `n` set.
    pub(crate) fn short_groups(words: &[u64], n: usize, m: usize) -> usize {
        let group = u64::MAX >> (64 - m);
        let short = |word: &u64| (0..64).step_by(m).filter(|at| ((word >> at) & group).count_ones() < n as u32).count();
        words.iter().map(short).sum()
    }

    /// The number of groups side by side with fewer than `n` bits set. The bits of their places follow each other
    /// `words_a_row` words apart. No group has more than `n` set.
    pub(crate) fn short_columns(words: &[u64], n: usize, words_a_row: usize) -> usize {
        let mut short = 0;
        for column in 0..words_a_row {
            // 64 counters at a time, one bit of each in a word: `n` is at most 8.
            let mut planes = [0u64; 4];
            for mut carry in words.iter().skip(column).step_by(words_a_row).copied() {
                for plane in &mut planes {
                    (*plane, carry) = (*plane ^ carry, *plane & carry);
                }
            }
            let planes = planes.iter().enumerate();
            let differs = planes.fold(0, |any, (i, plane)| any | plane ^ if n >> i & 1 == 1 { u64::MAX } else { 0 });
            short += differs.count_ones() as usize;
        }
        short
    }
}

/// The number of neighbouring groups of `m` bits (2, 4 or 8) in which two masks differ.
pub(crate) fn tally_contiguous(words: &[u64], other: &[u64], m: usize) -> usize {
    let group = u64::MAX >> (64 - m);
    let differ = |(a, b): (&u64, &u64)| match a ^ b {
        0 => 0,
        bits => (0..64).step_by(m).filter(|at| (bits >> at) & group != 0).count(),
    };
    words.iter().zip(other).map(differ).sum()
}

/// The number of groups side by side in which two masks differ; laid out as in [`Tally::short_columns`].
pub(crate) fn tally_columns(words: &[u64], other: &[u64], words_a_row: usize) -> usize {
    let mut count = 0;
    for column in 0..words_a_row {
        let pairs = words.iter().zip(other).skip(column).step_by(words_a_row);
        count += pairs.fold(0, |any, (a, b)| any | (a ^ b)).count_ones() as usize;
    }
    count
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.ties += other.ties;
        self.short += other.short;
        self.nan |= other.nan;
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Tally::default(), |mut sum, tally| {
            sum += tally;
            sum
        })
    }
}
