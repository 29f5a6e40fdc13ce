//! Marks the elements that lie at or above two keys: the loop of every selection by rank.

use fearless_simd::Level;
use fearless_simd::prelude::*;

use crate::kernel::instructions::dispatch;
use crate::kernel::lanes::Lanes;
use crate::kernel::prefetch::ahead;
use crate::key::{RankBy, ceil_key};

/// Two keys that enclose a range: keys from `sure` on are surely kept, keys from `inside` up to `sure` may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bracket {
    pub(crate) sure: u64,
    pub(crate) inside: u64,
}

impl Bracket {
    /// Encloses just one key.
    pub(crate) fn exactly(key: u64) -> Self {
        Bracket { sure: key.saturating_add(1), inside: key }
    }
}

/// The counts of [`compare`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct BracketCounts {
    /// Elements at or above the bracket.
    pub(crate) sure: usize,
    /// Elements inside it.
    pub(crate) inside: usize,
    /// True if there is a NaN, dead or alive; all other fields then mean nothing.
    pub(crate) nan: bool,
}

/// Sets bit `i` of `sure` if `values[i]` is at or above the bracket, and bit `i` of `inside` if it lies inside. If
/// `alive` is given, only elements whose bit is set in it are marked. Counts the bits.
///
/// Departures from the plain version: 64 comparisons become vectors whose results go into a word as they are, and
/// memory is prefetched.
pub(crate) fn compare<E: Lanes>(
    level: Level,
    values: &[E],
    alive: Option<&[u64]>,
    by: RankBy,
    bracket: Bracket,
    sure: &mut [u64],
    inside: &mut [u64],
) -> BracketCounts {
    let from = (ceil_key::<E>(bracket.sure, by), ceil_key::<E>(bracket.inside, by));
    let whole = values.len() / 64;
    let (blocks, rest) = values.split_at(whole * 64);
    let (block_alive, rest_alive) = alive.map(|alive| alive.split_at(whole)).unzip();
    let (block_sure, rest_sure) = sure.split_at_mut(whole);
    let (block_inside, rest_inside) = inside.split_at_mut(whole);
    // The ranking is a constant inside each of the loops.
    let blocks = match by {
        RankBy::Magnitude => {
            dispatch!(level, simd => vector(simd, blocks, block_alive, RankBy::Magnitude, from, block_sure, block_inside))
        }
        RankBy::Value => {
            dispatch!(level, simd => vector(simd, blocks, block_alive, RankBy::Value, from, block_sure, block_inside))
        }
    };
    let rest = plain(rest, rest_alive, by, from, rest_sure, rest_inside);
    BracketCounts { sure: blocks.sure + rest.sure, inside: blocks.inside + rest.inside, nan: blocks.nan | rest.nan }
}

/// The same as [`compare`], element by element.
pub(crate) fn plain<E: Lanes>(
    values: &[E],
    alive: Option<&[u64]>,
    by: RankBy,
    (from_sure, from_inside): (E::Key, E::Key),
    sure: &mut [u64],
    inside: &mut [u64],
) -> BracketCounts {
    let mut seen = BracketCounts::default();
    for (i, ((block, sure), inside)) in values.chunks(64).zip(sure).zip(inside).enumerate() {
        let (mut at_sure, mut at_inside) = (0u64, 0u64);
        for (bit, &value) in block.iter().enumerate() {
            let key = value.key(by);
            at_sure |= u64::from(key >= from_sure) << bit;
            at_inside |= u64::from(key >= from_inside) << bit;
            seen.nan |= value.is_nan();
        }
        seen.put(at_sure, at_inside, alive.map_or(u64::MAX, |alive| alive[i]), sure, inside);
    }
    seen
}

impl BracketCounts {
    #[inline(always)]
    fn put(&mut self, at_sure: u64, at_inside: u64, alive: u64, sure: &mut u64, inside: &mut u64) {
        *sure = at_sure & alive;
        *inside = at_inside & !at_sure & alive;
        self.sure += sure.count_ones() as usize;
        self.inside += inside.count_ones() as usize;
    }
}

/// The same as [`plain`], for whole blocks of 64.
#[inline(always)]
fn vector<S: Simd, E: Lanes>(
    simd: S,
    blocks: &[E],
    alive: Option<&[u64]>,
    by: RankBy,
    (from_sure, from_inside): (E::Key, E::Key),
    sure: &mut [u64],
    inside: &mut [u64],
) -> BracketCounts {
    let from_sure = E::splat_key(simd, from_sure, by);
    let from_inside = E::splat_key(simd, from_inside, by);
    let lanes = <E::Raw<S> as SimdBase<S>>::LEN;
    let mut numbers = <E::Keys<S> as SimdBase<S>>::Mask::splat(simd, true);
    let mut seen = BracketCounts::default();
    for (i, ((block, sure), inside)) in E::scalars(blocks).chunks_exact(64).zip(sure).zip(inside).enumerate() {
        ahead(block);
        let (mut at_sure, mut at_inside) = (0u64, 0u64);
        for (part, values) in block.chunks_exact(lanes).enumerate() {
            let raw = E::Raw::<S>::from_slice(simd, values);
            let keys = E::keys(simd, raw, by);
            numbers &= E::numbers(simd, raw);
            at_sure |= keys.simd_ge(from_sure).to_bitmask() << (part * lanes);
            at_inside |= keys.simd_ge(from_inside).to_bitmask() << (part * lanes);
        }
        let alive = if let Some(alive) = alive { alive[i] } else { u64::MAX };
        seen.put(at_sure, at_inside, alive, sure, inside);
    }
    seen.nan = !numbers.all_true();
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstructionSet;
    use crate::hash::hash;
    use crate::tensor::Element;
    use half::{bf16, f16};
    use proptest::prelude::*;

    /// Compares every instruction set with the plain loop.
    fn agree<E: Lanes>(values: &[E], brackets: (u64, u64)) {
        let some: Vec<u64> = (0..values.len().div_ceil(64)).map(|i| hash(i as u64)).collect();
        for alive in [None, Some(&some[..])] {
            agree_where(values, alive, brackets);
        }
    }

    fn agree_where<E: Lanes>(values: &[E], alive: Option<&[u64]>, brackets: (u64, u64)) {
        let bracket = Bracket { sure: brackets.0.max(brackets.1), inside: brackets.0.min(brackets.1) };
        let words = values.len().div_ceil(64);
        for by in [RankBy::Magnitude, RankBy::Value] {
            let from = (ceil_key::<E>(bracket.sure, by), ceil_key::<E>(bracket.inside, by));
            let (mut sure, mut inside) = (vec![0; words], vec![0; words]);
            let seen = plain(values, alive, by, from, &mut sure, &mut inside);
            let count = |bits: &[u64]| bits.iter().map(|word| word.count_ones() as usize).sum::<usize>();
            assert_eq!((seen.sure, seen.inside), (count(&sure), count(&inside)));
            for set in InstructionSet::available() {
                let Some(level) = set.level() else { continue };
                let (mut fast_sure, mut fast_inside) = (vec![9; words], vec![9; words]);
                let fast = compare(level, values, alive, by, bracket, &mut fast_sure, &mut fast_inside);
                assert_eq!(fast.nan, seen.nan, "{set} {by:?} {values:?}");
                if !seen.nan {
                    assert_eq!(fast, seen, "{set} {by:?} {values:?}");
                    assert_eq!((&fast_sure, &fast_inside), (&sure, &inside), "{set} {by:?} {bracket:?} {values:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn instruction_sets_agree_on_any_bits(bits in prop::collection::vec(any::<u64>(), 0..300), one: u64, two: u64, pick: [usize; 2]) {
            // Thresholds that are values themselves, and any others.
            let threshold = |pick: usize, any: u64| match bits.get(pick % (bits.len() + 1)) {
                Some(&bits) if !f64::from_bits(bits).is_nan() => f64::from_bits(bits).wide_key_of(),
                _ => any,
            };
            let brackets = (threshold(pick[0], one), threshold(pick[1], two));
            agree(&bits.iter().map(|&b| f64::from_bits(b)).collect::<Vec<_>>(), brackets);
            agree(&bits.iter().map(|&b| f32::from_bits(b as u32)).collect::<Vec<_>>(), brackets);
            agree(&bits.iter().map(|&b| f16::from_bits(b as u16)).collect::<Vec<_>>(), brackets);
            agree(&bits.iter().map(|&b| bf16::from_bits(b as u16)).collect::<Vec<_>>(), brackets);
        }

        #[test]
        fn instruction_sets_agree_on_small_numbers(values in prop::collection::vec(-3i8..=3, 0..300), one in -4i8..=4, two in -4i8..=4) {
            let brackets = (f64::from(one).wide_key_of(), f64::from(two).wide_key_of());
            // Halves, zeros of both signs and ties.
            let number = |v: i8| if v == 3 { -0.0 } else { f64::from(v) / 2.0 };
            agree(&values.iter().map(|&v| number(v)).collect::<Vec<_>>(), brackets);
            agree(&values.iter().map(|&v| number(v) as f32).collect::<Vec<_>>(), brackets);
            agree(&values.iter().map(|&v| f16::from_f64(number(v))).collect::<Vec<_>>(), brackets);
            agree(&values.iter().map(|&v| bf16::from_f64(number(v))).collect::<Vec<_>>(), brackets);
        }
    }

    trait WideKey {
        fn wide_key_of(self) -> u64;
    }

    impl WideKey for f64 {
        fn wide_key_of(self) -> u64 {
            use crate::key::Keyed as _;
            assert_eq!(f64::TYPE, crate::ElementType::F64);
            self.wide_key(RankBy::Value)
        }
    }
}
