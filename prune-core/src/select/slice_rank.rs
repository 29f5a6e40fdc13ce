//! One ranking of elements that lie side by side and fit a cache.
//!
//! Plain: a selection among the keys of all alive elements ([`SliceRanking::plainly`]). Departure: slices of a layer
//! are alike, so the cut of one is near those of the ones before. Keys around their mean are a bracket. One pass of the
//! vector kernel counts above and inside it, and the few keys inside decide. If the bracket misses, the counts say how
//! far, and one beside it is tried, then one from a sample of the slice, and then the plain way. No answer depends on
//! the way taken.

use crate::bits::{first_bits, set_bit, set_bits};
use crate::kernel::compare::{Bracket, compare};
use crate::kernel::instructions::level;
use crate::kernel::lanes::Lanes;
use crate::key::RankBy;
use crate::select::cut::key_at_rank;
use crate::select::slice_cuts::Cuts;

/// With fewer elements there is nothing to gain.
const SHORT: usize = 512;

/// The number of elements of a sample.
const SAMPLE: usize = 128;

/// Memory that lives on from slice to slice.
pub(super) struct SliceRanking<E: Lanes> {
    by: RankBy,
    cuts: Option<Cuts>,
    /// Keys of all the elements, of those alive, or of those inside the bracket.
    keys: Vec<E::Key>,
    sorted: Vec<E::Key>,
    /// The places of the keys inside the bracket.
    places: Vec<u32>,
    inside: Vec<u64>,
    /// The bits of the kept elements.
    pub(super) kept: Vec<u64>,
}

impl<E: Lanes> SliceRanking<E> {
    pub(super) fn new(by: RankBy) -> Self {
        let (keys, sorted, places) = (Vec::new(), Vec::new(), Vec::new());
        SliceRanking { by, cuts: None, keys, sorted, places, inside: Vec::new(), kept: Vec::new() }
    }

    /// Keeps the best `asked` of the alive elements, of which there are at least as many, and counts the ties at the
    /// cut. Returns none if an alive element is NaN.
    pub(super) fn rank(&mut self, values: &[E], alive: Option<&[u64]>, asked: usize) -> Option<usize> {
        if values.len() < SHORT || asked == 0 || u32::try_from(values.len()).is_err() {
            return self.plainly(values, alive, asked);
        }
        let words = values.len().div_ceil(64);
        self.kept.resize(words, 0);
        self.inside.resize(words, 0);
        let cuts = self.cuts.map(|cuts| (cuts, cuts.reach(values.len(), asked as f64 / values.len() as f64)));
        let mut next = cuts.map(|(cuts, reach)| cuts.bracket(reach));
        let mut beside = false;
        loop {
            let is_last = next.is_none();
            let bracket = next.unwrap_or_else(|| self.sampled(values, alive, asked));
            let seen = compare(level(), values, alive, self.by, bracket, &mut self.kept, &mut self.inside);
            if seen.nan {
                // The NaN may be dead or alive; the plain way finds out.
                break;
            }
            let holds = seen.sure < asked && asked <= seen.sure + seen.inside;
            if holds && seen.inside <= values.len() / 2 {
                return Some(self.settle(values, asked - seen.sure, seen.inside));
            }
            if is_last {
                break;
            }
            next = cuts
                .filter(|_| !holds && !beside)
                .map(|(cuts, reach)| cuts.bracket_beside(bracket, &seen, asked, reach));
            beside = true;
        }
        self.cuts = None;
        self.plainly(values, alive, asked)
    }

    /// A bracket from evenly spaced elements.
    fn sampled(&mut self, values: &[E], alive: Option<&[u64]>, asked: usize) -> Bracket {
        let is_alive = |i: usize| alive.is_none_or(|alive| alive[i / 64] >> (i % 64) & 1 == 1);
        self.keys.clear();
        let every = values.len() / SAMPLE;
        self.keys.extend((0..values.len()).step_by(every).filter(|&i| is_alive(i)).map(|i| values[i].key(self.by)));
        let count = alive.map_or(values.len(), |alive| alive.iter().map(|word| word.count_ones() as usize).sum());
        let share = asked as f64 / count.max(1) as f64;
        let drawn = self.keys.len() as f64;
        let margin = 2.5 * (drawn * share * (1.0 - share)).sqrt() + 2.0;
        let (keys, by) = (&mut self.keys, self.by);
        let mut wide = |rank: f64| {
            (rank >= 0.0 && rank < drawn).then(|| {
                let key = *keys.select_nth_unstable_by(rank as usize, |a, b| b.cmp(a)).1;
                E::from_key(key, by).wide_key(by)
            })
        };
        let sure = wide(share * drawn - margin).map_or(u64::MAX, |key| key.saturating_add(1));
        let inside = wide(share * drawn + margin).unwrap_or(0);
        Bracket { sure, inside }
    }

    /// Keeps the best `wanted` of the elements inside the bracket, and counts the ties.
    fn settle(&mut self, values: &[E], wanted: usize, inside: usize) -> usize {
        set_bits(&self.inside, inside, &mut self.places, |place| place as u32);
        self.keys.clear();
        self.keys.extend(self.places.iter().map(|&place| values[place as usize].key(self.by)));
        self.sorted.clear();
        self.sorted.extend_from_slice(&self.keys);
        let (cut, above, tied) = key_at_rank(&mut self.sorted, wanted - 1);
        let mut left = wanted - above;
        for (&key, &place) in self.keys.iter().zip(&self.places) {
            // A processor cannot predict which keys are above the cut, so this is no branch. Few keys are equal to it.
            self.kept[place as usize / 64] |= u64::from(key > cut) << (place % 64);
            if key == cut && left > 0 {
                left -= 1;
                set_bit(&mut self.kept, place as usize);
            }
        }
        let wide = |key: E::Key| E::from_key(key, self.by).wide_key(self.by) as f64;
        let ends = self.keys.iter().fold((cut, cut), |(low, high), &key| (low.min(key), high.max(key)));
        let spacing = (wide(ends.1) - wide(ends.0)) / self.keys.len() as f64;
        self.cuts = Some(Cuts::after(self.cuts, wide(cut), spacing));
        if tied > wanted - above { tied } else { 0 }
    }

    /// The same as [`SliceRanking::rank`], by a selection among all keys.
    pub(super) fn plainly(&mut self, values: &[E], alive: Option<&[u64]>, asked: usize) -> Option<usize> {
        let is_alive = |i: usize| alive.is_none_or(|alive| alive[i / 64] >> (i % 64) & 1 == 1);
        let living = || (0..values.len()).filter(|&i| is_alive(i));
        if living().any(|i| values[i].is_nan()) {
            return None;
        }
        self.kept.clear();
        self.kept.resize(values.len().div_ceil(64), 0);
        let Some(last) = asked.checked_sub(1) else { return Some(0) };
        self.sorted.clear();
        self.sorted.extend(living().map(|i| values[i].key(self.by)));
        let (cut, above, tied) = key_at_rank(&mut self.sorted, last);
        let mut left = asked - above;
        for (block, (word, values)) in self.kept.iter_mut().zip(values.chunks(64)).enumerate() {
            let (mut sure, mut equal) = (0, 0);
            for (bit, value) in values.iter().enumerate() {
                let key = value.key(self.by);
                sure |= u64::from(key > cut) << bit;
                equal |= u64::from(key == cut) << bit;
            }
            let alive = alive.map_or(u64::MAX, |alive| alive[block]);
            let equal = first_bits(equal & alive, left.min(64));
            left -= equal.count_ones() as usize;
            *word = sure & alive | equal;
        }
        Some(if tied > asked - above { tied } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::hash::hash;
    use crate::testing::generators::{ValueKind, many_values};
    use half::bf16;

    /// Ranks slice after slice with one memory, and compares each with the plain way; returns the number of slices
    /// that a bracket decided.
    fn agree<E: Lanes>(slices: &[Vec<E>], alive: Option<&[u64]>, asked: usize, by: RankBy) -> usize {
        let (mut quick, mut plain) = (SliceRanking::<E>::new(by), SliceRanking::<E>::new(by));
        let mut bracketed = 0;
        for (at, values) in slices.iter().enumerate() {
            let wanted = plain.plainly(values, alive, asked);
            assert_eq!(quick.rank(values, alive, asked), wanted, "slice {at}, {asked}, {by:?}");
            if wanted.is_some() {
                assert!(quick.kept == plain.kept, "slice {at}, {asked}, {by:?}");
            }
            bracketed += usize::from(quick.cuts.is_some());
        }
        bracketed
    }

    /// Slices that are alike, slices that are not, ties, and NaN dead and alive; at every density.
    #[test]
    fn brackets_never_change_an_answer() {
        let len = 2000;
        let alive: Vec<u64> = (0..len as u64).step_by(64).map(|i| hash(i) | hash(i + 1)).collect();
        let alive: Vec<u64> =
            alive.iter().enumerate().map(|(i, w)| if i == len / 64 { w & 0xFFFF } else { *w }).collect();
        let living = alive.iter().map(|word| word.count_ones() as usize).sum::<usize>();
        for kind in [ValueKind::Uniform, ValueKind::Tied] {
            let mut slices: Vec<Vec<f32>> = (0..12).map(|seed| many_values::<f32>(kind, len, seed)).collect();
            slices[4].iter_mut().for_each(|value| *value *= 1e6);
            slices[5].fill(-0.0);
            slices[6].iter_mut().enumerate().for_each(|(i, value)| *value = (i % 3) as f32 - 1.0);
            let halves: Vec<Vec<bf16>> =
                slices.iter().map(|slice| slice.iter().map(|&value| bf16::from_f32(value)).collect()).collect();
            for by in [RankBy::Magnitude, RankBy::Value] {
                for asked in [0, 1, 2, 100, living / 2, living - 1, living] {
                    agree(&halves, Some(&alive), asked, by);
                    agree(&slices, Some(&alive), asked, by);
                    agree(&slices, None, asked, by);
                }
                if matches!(kind, ValueKind::Uniform) {
                    assert!(agree(&slices[..4], None, len / 2, by) == 4, "{by:?}");
                }
            }
            for at in [3, 700] {
                let mut slices = slices.clone();
                slices[2][at] = f32::NAN;
                agree(&slices, Some(&alive), living / 2, RankBy::Magnitude);
                agree(&slices, None, len / 2, RankBy::Value);
            }
        }
    }
}
