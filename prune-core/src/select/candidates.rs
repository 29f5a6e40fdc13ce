//! The few elements inside a bracket: finds the cut among them, and the side of it on which each lies.

use crate::bits::set_bits;
use crate::kernel::compare::Bracket;
use crate::kernel::lanes::Lanes;
use crate::key::RankBy;
use crate::select::cut::{Cut, cut_among};
use crate::tensor::Values;
use crate::tensor::for_any_type;
use crate::threads::Threads;

/// Keys inside a bracket in half the memory: their upper bits, counted from those of the bracket's lower end. Shorts
/// are in the order of the keys. If the lower bits were not all zero, keys that share a short are read again to tell
/// them apart.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shorts {
    /// The short of the bracket's lower end, before it is subtracted.
    first: u64,
    shift: u32,
    /// The number of bits of the largest short.
    bits: u32,
}

impl Shorts {
    /// The shorts of keys inside a bracket. The lowest `grain` bits of every key are 0, except below zero.
    pub(crate) fn of(bracket: Bracket, grain: u32) -> Self {
        let last = bracket.sure.saturating_sub(1).max(bracket.inside);
        // One bit less than there is room for: shifting before subtracting may give one more than subtracting before
        // shifting.
        let shift = (u64::BITS - (last - bracket.inside).leading_zeros()).saturating_sub(u32::BITS - 1).max(grain);
        let first = bracket.inside >> shift;
        Shorts { first, shift, bits: u64::BITS - ((last >> shift) - first).leading_zeros() }
    }

    /// The short of a key inside the bracket; of any other key any number, since values may change meanwhile.
    #[inline]
    fn of_key(self, key: u64) -> u32 {
        (key >> self.shift).wrapping_sub(self.first) as u32
    }

    /// The lowest key of a short.
    fn key(self, short: u32) -> u64 {
        u64::from(short).wrapping_add(self.first) << self.shift
    }
}

/// The elements inside the bracket in one chunk of at most 2^16 elements.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    /// Their places in the chunk, ascending.
    offsets: Vec<u16>,
    shorts: Vec<u32>,
    /// True if each short has only one key, the lowest. This holds for nearly all f32, f16 and bf16.
    exact: bool,
}

impl Candidates {
    /// Gathers the `count` elements whose bits are set in `inside`.
    pub(crate) fn gather(values: Values<'_>, inside: &[u64], count: usize, by: RankBy, shorts: Shorts) -> Self {
        let mut offsets = Vec::new();
        set_bits(inside, count, &mut offsets, |offset| offset as u16);
        let (shorts, exact) = for_any_type!(Values, values, values => shorts_of(values, &offsets, by, shorts));
        Candidates { offsets, shorts, exact }
    }

    /// The number of candidates.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// The key of a candidate.
    #[inline]
    fn key(&self, values: Values<'_>, by: RankBy, shorts: Shorts, offset: u16, short: u32) -> u64 {
        if self.exact { shorts.key(short) } else { values.wide_key(usize::from(offset), by) }
    }

    /// Sets the bits of candidates above the cut; returns the offsets of those at it.
    pub(crate) fn settle(
        &self,
        values: Values<'_>,
        by: RankBy,
        shorts: Shorts,
        cut: Cut,
        sure: &mut [u64],
    ) -> Vec<u16> {
        let at = shorts.of_key(cut.key);
        if self.exact && shorts.key(at) == cut.key {
            // Shorts decide alone. The loop has no branch that a processor could not predict.
            let mut tied = vec![0u16; self.len() + 1];
            let mut found = 0;
            for (&offset, &short) in self.offsets.iter().zip(&self.shorts) {
                sure[usize::from(offset / 64)] |= u64::from(short > at) << (offset % 64);
                tied[found] = offset;
                found += usize::from(short == at);
            }
            tied.truncate(found);
            return tied;
        }
        let mut tied = Vec::new();
        for (&offset, &short) in self.offsets.iter().zip(&self.shorts) {
            let (word, bit) = (usize::from(offset / 64), offset % 64);
            sure[word] |= u64::from(short > at) << bit;
            if short == at {
                let key = self.key(values, by, shorts, offset, short);
                sure[word] |= u64::from(key > cut.key) << bit;
                if key == cut.key {
                    tied.push(offset);
                }
            }
        }
        tied
    }
}

/// The shorts of some elements, and true if no bit of their keys was lost.
fn shorts_of<E: Lanes>(values: &[E], offsets: &[u16], by: RankBy, shorts: Shorts) -> (Vec<u32>, bool) {
    let mut bits = 0;
    let short = |&offset: &u16| {
        let key = values[usize::from(offset)].wide_key(by);
        bits |= key;
        shorts.of_key(key)
    };
    let found = offsets.iter().map(short).collect();
    (found, bits.trailing_zeros() >= shorts.shift)
}

/// The number of tasks that count candidates, and the least number of chunks for each.
const TASKS: usize = 16;
const CHUNKS_A_TASK: usize = 4;

/// The base-2 logarithm of the number of ranges in which candidates are counted. One range is left to sort out.
const RANGES_LOG2: u32 = 10;

/// The cut that keeps the best `wanted` of all candidates. `chunks` are the values that they were gathered from.
///
/// A histogram finds the range of shorts that contains the cut; the keys of the few candidates in it are read again.
/// None if the values have changed since they were counted, as memory of another program may.
pub(crate) fn cut_of(
    chunks: &[(Values<'_>, &Candidates)],
    by: RankBy,
    shorts: Shorts,
    wanted: usize,
    threads: Threads,
) -> Option<Cut> {
    let shift = shorts.bits.saturating_sub(RANGES_LOG2);
    let chunks_a_task = chunks.len().div_ceil(TASKS).max(CHUNKS_A_TASK);
    let counts = threads.map(chunks.chunks(chunks_a_task).collect(), |chunks| {
        let mut counts = vec![0u32; 1 << RANGES_LOG2];
        for short in chunks.iter().flat_map(|(_, candidates)| &candidates.shorts) {
            // A key outside the bracket is not one that was counted.
            if let Some(count) = counts.get_mut((short >> shift) as usize) {
                *count += 1;
            }
        }
        counts
    });
    let (mut range, mut above) = (1 << RANGES_LOG2, 0);
    loop {
        range -= 1;
        let inside: usize = counts.iter().map(|counts| counts[range] as usize).sum();
        if wanted <= above + inside || range == 0 {
            break;
        }
        above += inside;
    }
    let wanted = wanted - above;
    if shift == 0 && chunks.iter().all(|(_, candidates)| candidates.exact) {
        // Each range is one key.
        let tied = counts.iter().map(|counts| counts[range] as usize).sum();
        return (wanted <= tied).then_some(Cut { key: shorts.key(range as u32), ties: wanted, tied });
    }
    // Equal keys that stand next to each other are counted as a run, since one range of a short type may hold many.
    let runs = threads
        .map(chunks.chunks(chunks_a_task).collect(), |chunks| {
            let mut runs: Vec<(u64, usize)> = Vec::new();
            for (values, candidates) in chunks {
                for (&offset, &short) in candidates.offsets.iter().zip(&candidates.shorts) {
                    if (short >> shift) as usize == range {
                        let key = candidates.key(*values, by, shorts, offset, short);
                        match runs.last_mut() {
                            Some((last, count)) if *last == key => *count += 1,
                            _ => runs.push((key, 1)),
                        }
                    }
                }
            }
            runs
        })
        .concat();
    let (key, tied) = runs.iter().fold((runs.first()?.0, 0), |(key, tied), run| (key, tied + run.1));
    if wanted > tied {
        return None;
    }
    if runs.iter().all(|run| run.0 == key) {
        return Some(Cut { key, ties: wanted, tied });
    }
    let mut keys: Vec<u64> = runs.into_iter().flat_map(|(key, count)| core::iter::repeat_n(key, count)).collect();
    Some(cut_among(&mut keys, wanted))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::key::Keyed as _;
    use proptest::prelude::*;

    #[test]
    fn shorts_keep_the_order_of_keys() {
        for (inside, sure) in [(0, u64::MAX), (5, 5), (5, 6), (1 << 40, (1 << 40) + 1000), (1, 1 << 33), (7, u64::MAX)]
        {
            let shorts = Shorts::of(Bracket { sure, inside }, 0);
            let reach = sure - inside;
            let keys: Vec<u64> = [0, 1, reach / 3, reach / 2, reach.saturating_sub(1)].map(|up| inside + up).into();
            for pair in keys.windows(2).filter(|pair| pair[0] <= pair[1] && pair[1] < sure) {
                let [low, high] = [pair[0], pair[1]].map(|key| shorts.of_key(key));
                assert!(low <= high, "{inside} {sure}");
                assert!(reach >= 1 << 31 || pair[0] == pair[1] || low < high);
                assert!(u64::from(high) < 1 << shorts.bits);
                assert_eq!(shorts.key(high), pair[1] >> shorts.shift << shorts.shift);
            }
        }
    }

    proptest! {
        /// Memory that another program writes meanwhile: any answer or none, and no panic.
        #[test]
        fn values_that_have_changed_do_not_panic(
            before in prop::collection::vec(-50.0f32..50.0, 1..200),
            after in prop::collection::vec(any::<f32>(), 200),
            pick: prop::sample::Index,
            (low, width) in (0.0f64..50.0, 0.0f64..10.0),
        ) {
            let by = RankBy::Magnitude;
            let bracket = Bracket { sure: (low + width).wide_key(by), inside: low.wide_key(by) };
            let shorts = Shorts::of(bracket, 29);
            let inside = |value: &f32| (bracket.inside..bracket.sure).contains(&value.wide_key(by));
            let bits: Vec<u64> = before.chunks(64).map(|block| {
                block.iter().rev().fold(0, |word, value| word << 1 | u64::from(inside(value)))
            }).collect();
            let count = before.iter().filter(|value| inside(value)).count();
            // Counted before, gathered after.
            let values = Values::F32(&after[..before.len()]);
            let candidates = Candidates::gather(values, &bits, count, by, shorts);
            let _ = cut_of(&[(values, &candidates)], by, shorts, pick.index(count.max(1)) + 1, Threads::One);
        }

        #[test]
        fn the_cut_is_that_of_all_keys(
            values in prop::collection::vec(prop_oneof![(-50i32..50).prop_map(f64::from), -1e30f64..1e30, Just(1.0), Just(1.0 + f64::EPSILON)], 1..300),
            pick: prop::sample::Index,
            width in 1usize..70,
            digits: prop::sample::Index,
            by in prop::sample::select(vec![RankBy::Magnitude, RankBy::Value]),
            near: bool,
        ) {
            // The values are rounded to a type whose keys lie far apart, or not. They fill one bracket, or are drawn
            // freely.
            let grain = [0, 29, 45][digits.index(3)];
            let round = |value: f64| match grain {
                0 => value,
                29 => f64::from(value as f32),
                _ => half::bf16::from_f64(value).to_f64(),
            };
            let mut values: Vec<f64> = values.into_iter().map(round).collect();
            if near {
                values.iter_mut().for_each(|value| *value = round(1.0 + value.abs() % 0.05));
            }
            prop_assume!(values.iter().all(|value| value.is_finite()));
            let keys = || values.iter().map(|value| value.wide_key(by));
            let (lowest, highest) = (keys().min().unwrap(), keys().max().unwrap());
            let bracket = Bracket { sure: highest + 1, inside: if near { lowest } else { 0 } };
            let shorts = Shorts::of(bracket, grain);
            let gathered: Vec<_> = values
                .chunks(width)
                .map(|chunk| {
                    let bits: Vec<u64> = chunk.chunks(64).map(|block| u64::MAX >> (64 - block.len())).collect();
                    (Values::F64(chunk), Candidates::gather(Values::F64(chunk), &bits, chunk.len(), by, shorts))
                })
                .collect();
            let chunks: Vec<_> = gathered.iter().map(|(values, candidates)| (*values, candidates)).collect();
            let wanted = pick.index(values.len()) + 1;
            let cut = cut_of(&chunks, by, shorts, wanted, Threads::One);
            let mut keys: Vec<u64> = values.iter().map(|value| value.wide_key(by)).collect();
            prop_assert_eq!(cut, Some(cut_among(&mut keys, wanted)));
            let cut = cut_among(&mut keys, wanted);
            for (values, candidates) in &chunks {
                let mut sure = vec![0; values.len().div_ceil(64)];
                let tied = candidates.settle(*values, by, shorts, cut, &mut sure);
                for i in 0..values.len() {
                    let key = values.wide_key(i, by);
                    prop_assert_eq!(sure[i / 64] >> (i % 64) & 1 == 1, key > cut.key);
                    prop_assert_eq!(tied.contains(&(i as u16)), key == cut.key);
                }
            }
        }
    }
}
