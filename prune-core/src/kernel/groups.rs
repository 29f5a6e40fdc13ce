//! Decides N of M elements for many groups side by side.
//!
//! Plain: `place j is kept if fewer than N others beat it`. An element beats another if its key is greater, or equal
//! and its place lower. Departures: the M elements of a group lie in M vectors at the same lane, so one comparison of
//! two vectors settles a pair in as many groups as a vector has lanes. For M = 4 the bits of the comparisons are
//! counted. Neighbouring groups in one lane of the tensor are first turned into that form, and their bits back.

use fearless_simd::Level;
use fearless_simd::prelude::*;

use crate::bits::low_bits;
use crate::kernel::instructions::dispatch;
use crate::kernel::lanes::Lanes;
use crate::kernel::prefetch::ahead;
use crate::key::RankBy;

/// The number of groups worked on at a time: one word of bits for each place.
pub(crate) const GROUPS: usize = 64;

/// The rule shared by the groups of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NmRule {
    /// The number of places kept of each group.
    pub(crate) n: usize,
    /// The number of places of a group.
    pub(crate) m: usize,
    pub(crate) by: RankBy,
    /// Decides ties: false keeps the first of equal elements, as the rule demands; true keeps the last, to see if
    /// ties matter.
    pub(crate) last_of_ties: bool,
}

impl NmRule {
    /// True if there is a vector version: dead elements need a key below all others, which only magnitudes have.
    pub(crate) fn has_vectors(self, alive: bool) -> bool {
        matches!(self.m, 2 | 4 | 8) && !(alive && self.by == RankBy::Value)
    }
}

/// Groups side by side: place `j` of group `c` is `values[j * stride + c]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns<'a, E> {
    pub(crate) values: &'a [E],
    pub(crate) stride: usize,
    /// The number of groups; a multiple of 64.
    pub(crate) columns: usize,
}

/// Runs `$vector::<_, E, M, ALIVE>` with the rule's numbers as constants, on the given level.
macro_rules! with_constants {
    ($level:expr, $rule:expr, $alive:expr, $vector:ident($groups:expr, $words:expr)) => {
        with_constants!(@m $level, $rule, $alive, $vector($groups, $words), 2 4 8)
    };
    (@m $level:expr, $rule:expr, $alive:expr, $vector:ident($groups:expr, $words:expr), $($m:literal)*) => {
        match ($rule.m, $rule.by, $alive) {
            $(
                ($m, RankBy::Magnitude, None) => dispatch!($level, simd => {
                    $vector::<_, E, $m, false>(simd, $groups, &[], NmRule { by: RankBy::Magnitude, ..$rule }, $words)
                }),
                ($m, RankBy::Magnitude, Some(alive)) => dispatch!($level, simd => {
                    $vector::<_, E, $m, true>(simd, $groups, alive, NmRule { by: RankBy::Magnitude, ..$rule }, $words)
                }),
                ($m, RankBy::Value, None) => dispatch!($level, simd => {
                    $vector::<_, E, $m, false>(simd, $groups, &[], NmRule { by: RankBy::Value, ..$rule }, $words)
                }),
            )*
            _ => unreachable!("`has_vectors` says what there is"),
        }
    };
}

/// Neighbouring groups in one piece: `values` holds whole multiples of 64 groups, `words` receives their bits, and
/// `alive`, if given, holds theirs. Returns true if an alive element is NaN.
pub(crate) fn contiguous<E: Lanes>(
    level: Level,
    values: &[E],
    alive: Option<&[u64]>,
    rule: NmRule,
    words: &mut [u64],
) -> bool {
    debug_assert!(values.len() == words.len() * 64 && words.len().is_multiple_of(rule.m));
    with_constants!(level, rule, alive, contiguous_vector(values, words))
}

/// Groups side by side. The bits of place `j` go to `words[j * columns / 64 ..]`; the bits of `alive` lie in the same
/// order.
pub(crate) fn columns<E: Lanes>(
    level: Level,
    block: Columns<'_, E>,
    alive: Option<&[u64]>,
    rule: NmRule,
    words: &mut [u64],
) -> bool {
    debug_assert!(block.columns.is_multiple_of(64) && words.len() == rule.m * block.columns / 64);
    with_constants!(level, rule, alive, columns_vector(block, words))
}

// The code below passes no closure to a function of the standard library. If such a function is not inlined, it is
// compiled without the vector instructions, and every operation in it becomes a call.

#[inline(always)]
fn contiguous_vector<S: Simd, E: Lanes, const M: usize, const ALIVE: bool>(
    simd: S,
    values: &[E],
    alive: &[u64],
    rule: NmRule,
    words: &mut [u64],
) -> bool {
    let lanes = <E::Raw<S> as SimdBase<S>>::LEN;
    let mut keys_of = KeysOf::<S, E, ALIVE>::new(simd, rule.by);
    let scores = start::<S, E::Keys<S>, M>(simd, rule.n);
    for (block, (values, words)) in
        E::scalars(values).chunks_exact(GROUPS * M).zip(words.chunks_exact_mut(M)).enumerate()
    {
        let mut bits = [0u64; M];
        for (part, values) in values.chunks_exact(lanes * M).enumerate() {
            ahead(values);
            let mut keys = [E::below_all(simd); M];
            for (i, values) in values.chunks_exact(lanes).enumerate() {
                let at = (part * M + i) * lanes;
                let alive = if ALIVE { alive[block * M + at / 64] >> (at % 64) } else { 0 };
                keys[i] = keys_of.load(values, alive);
            }
            deal::<S, E::Keys<S>, M>(&mut keys);
            let kept = keep::<S, E::Keys<S>, M>(keys, rule, scores);
            for j in 0..M {
                bits[j] |= kept[j].to_bitmask() << (part * lanes);
            }
        }
        for (part, word) in words.iter_mut().enumerate() {
            *word = weave::<M>(bits, part);
            if ALIVE {
                *word &= alive[block * M + part];
            }
        }
    }
    keys_of.saw_nan()
}

#[inline(always)]
fn columns_vector<S: Simd, E: Lanes, const M: usize, const ALIVE: bool>(
    simd: S,
    Columns { values, stride, columns }: Columns<'_, E>,
    alive: &[u64],
    rule: NmRule,
    words: &mut [u64],
) -> bool {
    let lanes = <E::Raw<S> as SimdBase<S>>::LEN;
    let values = E::scalars(values);
    let mut rows = [values; M];
    for (j, row) in rows.iter_mut().enumerate() {
        *row = &values[j * stride..][..columns];
    }
    let mut keys_of = KeysOf::<S, E, ALIVE>::new(simd, rule.by);
    let scores = start::<S, E::Keys<S>, M>(simd, rule.n);
    let words_a_row = columns / 64;
    for block in 0..words_a_row {
        let mut bits = [0u64; M];
        for part in 0..64 / lanes {
            let at = block * 64 + part * lanes;
            let mut keys = [E::below_all(simd); M];
            for j in 0..M {
                let alive = if ALIVE { alive[j * words_a_row + block] >> (part * lanes) } else { 0 };
                let row = &rows[j][at..at + lanes];
                ahead(row);
                keys[j] = keys_of.load(row, alive);
            }
            let kept = keep::<S, E::Keys<S>, M>(keys, rule, scores);
            for j in 0..M {
                bits[j] |= kept[j].to_bitmask() << (part * lanes);
            }
        }
        for (j, bits) in bits.into_iter().enumerate() {
            let at = j * words_a_row + block;
            words[at] = if ALIVE { bits & alive[at] } else { bits };
        }
    }
    keys_of.saw_nan()
}

/// Loads keys, and watches for NaN.
struct KeysOf<S: Simd, E: Lanes, const ALIVE: bool> {
    simd: S,
    by: RankBy,
    numbers: <E::Keys<S> as SimdBase<S>>::Mask,
}

impl<S: Simd, E: Lanes, const ALIVE: bool> KeysOf<S, E, ALIVE> {
    #[inline(always)]
    fn new(simd: S, by: RankBy) -> Self {
        KeysOf { simd, by, numbers: SimdMask::splat(simd, true) }
    }

    /// The keys of one vector of values. If `ALIVE`, only elements whose low bit in `alive` is set count; the others
    /// get a key below all.
    #[inline(always)]
    fn load(&mut self, values: &[E::Scalar], alive: u64) -> E::Keys<S> {
        let raw = E::Raw::<S>::from_slice(self.simd, values);
        let keys = E::keys(self.simd, raw, self.by);
        if !ALIVE {
            self.numbers &= E::numbers(self.simd, raw);
            return keys;
        }
        let alive = <E::Keys<S> as SimdBase<S>>::Mask::from_bitmask(self.simd, alive);
        self.numbers &= E::numbers(self.simd, raw) | !alive;
        alive.select(keys, E::below_all(self.simd))
    }

    #[inline(always)]
    fn saw_nan(self) -> bool {
        !self.numbers.all_true()
    }
}

/// Turns M vectors of neighbours into M vectors of places: element `g * M + j` of all becomes lane `g` of vector `j`.
///
/// Each round moves the lowest bit of an element's position to the top. After log2(M) rounds, these bits name its
/// vector.
#[inline(always)]
fn deal<S: Simd, V: SimdBase<S>, const M: usize>(vectors: &mut [V; M]) {
    let mut round = M;
    while round > 1 {
        let from = *vectors;
        for i in 0..M / 2 {
            (vectors[i], vectors[M / 2 + i]) = from[2 * i].deinterleave(from[2 * i + 1]);
        }
        round /= 2;
    }
}

/// Marks the places that are among the best of their group.
#[inline(always)]
fn keep<S: Simd, K: SimdBase<S>, const M: usize>(keys: [K; M], rule: NmRule, scores: Scores<S, K, M>) -> [K::Mask; M] {
    if M == 4 {
        let wins = |j: usize, k: usize| wins(keys[j], keys[k], rule);
        let [ab, ac, ad, bc, bd, cd] = [wins(0, 1), wins(0, 2), wins(0, 3), wins(1, 2), wins(1, 3), wins(2, 3)];
        let mut kept = [ab; M];
        kept[0] = most(rule.n, ab, ac, ad);
        kept[1] = most(rule.n, !ab, bc, bd);
        kept[2] = most(rule.n, !ac, !bc, cd);
        kept[3] = most(rule.n, !ad, !bd, !cd);
        return kept;
    }
    // Each comparison adds -1 to the score of the earlier place if it wins, and +1 to the later one. After all of
    // them place j has won `j - score[j]` times; it is kept if that is at least M - n.
    let mut score = scores.start;
    for j in 0..M {
        for k in j + 1..M {
            let wins = wins(keys[j], keys[k], rule).to_vector();
            score[j] += wins;
            score[k] -= wins;
        }
    }
    let mut kept = [score[0].simd_le(scores.zero); M];
    for j in 1..M {
        kept[j] = score[j].simd_le(scores.zero);
    }
    kept
}

/// True if the earlier of two places beats the later.
#[inline(always)]
fn wins<S: Simd, K: SimdBase<S>>(earlier: K, later: K, rule: NmRule) -> K::Mask {
    if rule.last_of_ties { earlier.simd_gt(later) } else { earlier.simd_ge(later) }
}

/// True if a place with the comparisons `x`, `y` and `z` is among the best `n` of four.
#[inline(always)]
fn most<S: Simd, M: SimdMask<S>>(n: usize, x: M, y: M, z: M) -> M {
    match n {
        1 => x & y & z,
        2 => (x & y) | (z & (x | y)),
        3 => x | y | z,
        _ => x | !x,
    }
}

/// The starting scores of [`keep`], `M - n - j`: a place is then kept if its score ends at zero or below.
#[inline(always)]
fn start<S: Simd, K: SimdBase<S>, const M: usize>(simd: S, n: usize) -> Scores<S, K, M> {
    let minus_one = K::Mask::splat(simd, true).to_vector();
    let zero = !minus_one;
    let mut start = [zero; M];
    for (j, start) in start.iter_mut().enumerate() {
        let steps = M as isize - n as isize - j as isize;
        for _ in 0..steps.unsigned_abs() {
            if steps > 0 {
                *start -= minus_one;
            } else {
                *start += minus_one;
            }
        }
    }
    Scores { zero, start }
}

/// Counters of wins, one lane for each group.
#[derive(Clone, Copy)]
struct Scores<S: Simd, K: SimdBase<S>, const M: usize> {
    zero: <K::Mask as SimdMask<S>>::Ints,
    start: [<K::Mask as SimdMask<S>>::Ints; M],
}

/// The bits of 64 / M groups, run number `part` of `bits`, one after the other: bit `g` of place `j` becomes bit
/// `g * M + j`. This rotates the six binary digits of the positions, by swaps of two digits at a time.
#[inline(always)]
fn weave<const M: usize>(bits: [u64; M], part: usize) -> u64 {
    let run = 64 / M;
    let mut word = 0;
    for (j, bits) in bits.into_iter().enumerate() {
        word |= (bits >> (part * run) & low_bits(run)) << (j * run);
    }
    match M {
        2 => swap::<1, 2>(swap::<2, 3>(swap::<3, 4>(swap::<4, 5>(swap::<0, 5>(word))))),
        4 => swap::<2, 4>(swap::<0, 4>(swap::<3, 5>(swap::<1, 5>(word)))),
        _ => swap::<0, 3>(swap::<1, 4>(swap::<2, 5>(word))),
    }
}

/// Moves every bit to the position in which the binary digits `LOW` and `HIGH` are swapped.
#[inline(always)]
const fn swap<const LOW: u32, const HIGH: u32>(word: u64) -> u64 {
    let distance = (1 << HIGH) - (1 << LOW);
    let moved = (word >> distance ^ word) & const { low_not_high::<LOW, HIGH>() };
    word ^ moved ^ moved << distance
}

/// The positions whose binary digit `LOW` is set and `HIGH` is not.
const fn low_not_high<const LOW: u32, const HIGH: u32>() -> u64 {
    let mut mask = 0;
    let mut position = 0;
    while position < 64 {
        mask |= ((position >> LOW & 1) & !(position >> HIGH)) << position;
        position += 1;
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstructionSet;
    use crate::hash::hash;
    use crate::kernel::group::Group;
    use half::{bf16, f16};
    use proptest::prelude::*;

    /// The kept places of one group, by the definition.
    fn kept<E: Lanes>(members: impl Iterator<Item = (E, bool)>, rule: NmRule) -> Vec<usize> {
        let mut group = Group::default();
        let members: Vec<(E, bool)> = members.collect();
        let mut push = |place: usize, rank: usize| {
            let (value, alive) = members[place];
            if alive {
                group.push(value.key(rule.by), rank);
            }
        };
        let last = members.len() - 1;
        (0..=last).for_each(|rank| push(if rule.last_of_ties { last - rank } else { rank }, rank));
        let place = |&(_, rank): &(_, usize)| if rule.last_of_ties { last - rank } else { rank };
        group.keep(rule.n).kept.iter().map(place).collect()
    }

    /// Compares every instruction set, contiguous and in columns, with the plain selection of each group.
    fn agree<E: Lanes>(value: impl Fn(usize) -> E, alive: Option<fn(usize) -> bool>, rule: NmRule) {
        let m = rule.m;
        let values: Vec<E> = (0..GROUPS * m * 2).map(value).collect();
        let is_alive = |i: usize| alive.is_none_or(|alive| alive(i));
        let nan = values.iter().enumerate().any(|(i, value)| value.is_nan() && is_alive(i));
        let set = |words: &mut Vec<u64>, i: usize| words[i / 64] |= 1 << (i % 64);
        let mut alive_words = vec![0u64; 2 * m];
        (0..values.len()).filter(|&i| is_alive(i)).for_each(|i| set(&mut alive_words, i));
        let alive_words = alive.map(|_| &alive_words[..]);
        let mut along = vec![0u64; 2 * m];
        for g in 0..2 * GROUPS {
            let places = kept((0..m).map(|j| (values[g * m + j], is_alive(g * m + j))), rule);
            places.into_iter().for_each(|j| set(&mut along, g * m + j));
        }
        // The same values as m rows of 128 columns.
        let mut across = vec![0u64; 2 * m];
        for c in 0..128 {
            let places = kept((0..m).map(|j| (values[j * 128 + c], is_alive(j * 128 + c))), rule);
            places.into_iter().for_each(|j| set(&mut across, j * 128 + c));
        }
        for level in InstructionSet::available().into_iter().filter_map(InstructionSet::level) {
            let mut words = vec![9; 2 * m];
            assert_eq!(contiguous(level, &values, alive_words, rule, &mut words), nan);
            assert!(nan || words == along, "{level:?} {rule:?} {values:?}");
            let block = Columns { values: &values, stride: 128, columns: 128 };
            assert_eq!(columns(level, block, alive_words, rule, &mut words), nan);
            assert!(nan || words == across, "{level:?} columns {rule:?} {values:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn instruction_sets_agree(
            bits in prop::collection::vec(any::<u64>(), 1..200),
            (ties, masked, last_of_ties, nan) in any::<(bool, bool, bool, bool)>(),
            log_m in 1u32..4,
            pick: usize,
        ) {
            let m = 1 << log_m;
            let by = if pick % 3 == 0 && !masked { RankBy::Value } else { RankBy::Magnitude };
            let rule = NmRule { n: pick % m + 1, m, by, last_of_ties };
            let alive: Option<fn(usize) -> bool> = if masked { Some(|i| i * 7919 % 11 < 6) } else { None };
            // Few and small values make ties; arbitrary bits include subnormals, infinities and NaN.
            let few = [0.0, -0.0, 1.0, -1.0, 2.0, f64::INFINITY, f64::NEG_INFINITY, -2.0];
            let small = |i: usize| few[(bits[i % bits.len()] >> (i % 61)) as usize % 8];
            // Without `nan`, the bits are not NaN in any element type.
            let any = |i: usize| bits[i % bits.len()].rotate_left(i as u32 / 7) & if nan { u64::MAX } else { 0xBFBF_FFFF_BFBF_BFBF };
            if ties {
                agree(small, alive, rule);
                agree(|i| small(i) as f32, alive, rule);
                agree(|i| f16::from_f64(small(i)), alive, rule);
                agree(|i| bf16::from_f64(small(i)), alive, rule);
            } else {
                agree(|i| f64::from_bits(any(i)), alive, rule);
                agree(|i| f32::from_bits(any(i) as u32), alive, rule);
                agree(|i| f16::from_bits(any(i) as u16), alive, rule);
                agree(|i| bf16::from_bits(any(i) as u16), alive, rule);
            }
        }
    }

    #[test]
    fn bits_are_woven_in_the_order_of_groups() {
        fn check<const M: usize>() {
            let bits: [u64; M] = core::array::from_fn(|j| hash(j as u64));
            for part in 0..M {
                let groups = part * (64 / M)..(part + 1) * (64 / M);
                let in_order = groups.flat_map(|g| bits.map(|bits| bits >> g & 1));
                let expected = in_order.enumerate().fold(0, |out, (i, bit)| out | bit << i);
                assert_eq!(weave(bits, part), expected, "part {part} of {M}");
            }
        }
        check::<2>();
        check::<4>();
        check::<8>();
    }
}
