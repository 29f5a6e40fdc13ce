//! Marks the elements that are not zero.

use fearless_simd::Level;
use fearless_simd::prelude::*;

use crate::kernel::instructions::dispatch;
use crate::kernel::lanes::Lanes;
use crate::kernel::prefetch::ahead;
use crate::key::RankBy;

/// Sets bit `i` of `words` if `values[i]` is not zero, of either sign, and clears the others. Returns true if there
/// is a NaN; the bit of a NaN means nothing.
///
/// Departures from the plain version: 64 comparisons become vectors whose results go into a word as they are.
pub(crate) fn non_zeros<E: Lanes>(level: Level, values: &[E], words: &mut [u64]) -> bool {
    let whole = values.len() / 64;
    let (blocks, rest) = values.split_at(whole * 64);
    let (block_words, rest_words) = words.split_at_mut(whole);
    let nan = dispatch!(level, simd => vector(simd, blocks, block_words));
    plain(rest, rest_words) | nan
}

/// The same as [`non_zeros`], element by element.
pub(crate) fn plain<E: Lanes>(values: &[E], words: &mut [u64]) -> bool {
    let mut nan = false;
    for (block, word) in values.chunks(64).zip(words) {
        let mut bits = 0;
        for (bit, &value) in block.iter().enumerate() {
            bits |= u64::from(value != E::default()) << bit;
            nan |= value.is_nan();
        }
        *word = bits;
    }
    nan
}

/// The same as [`plain`], for whole blocks of 64.
#[inline(always)]
fn vector<S: Simd, E: Lanes>(simd: S, blocks: &[E], words: &mut [u64]) -> bool {
    let zero = E::splat_key(simd, E::default().key(RankBy::Magnitude), RankBy::Magnitude);
    let lanes = <E::Raw<S> as SimdBase<S>>::LEN;
    let mut numbers = <E::Keys<S> as SimdBase<S>>::Mask::splat(simd, true);
    for (block, word) in E::scalars(blocks).chunks_exact(64).zip(words) {
        ahead(block);
        let mut bits = 0;
        for (part, values) in block.chunks_exact(lanes).enumerate() {
            let raw = E::Raw::<S>::from_slice(simd, values);
            numbers &= E::numbers(simd, raw);
            bits |= E::keys(simd, raw, RankBy::Magnitude).simd_gt(zero).to_bitmask() << (part * lanes);
        }
        *word = bits;
    }
    !numbers.all_true()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstructionSet;
    use half::{bf16, f16};
    use proptest::prelude::*;

    fn agree<E: Lanes>(values: &[E]) {
        let words = values.len().div_ceil(64);
        let mut expected = vec![9; words];
        let nan = plain(values, &mut expected);
        for level in InstructionSet::available().into_iter().filter_map(InstructionSet::level) {
            let mut got = vec![9; words];
            assert_eq!(non_zeros(level, values, &mut got), nan, "{level:?} {values:?}");
            if !nan {
                assert_eq!(got, expected, "{level:?} {values:?}");
            }
        }
    }

    /// Any bits, including NaN and infinities; mostly zeros of both signs and small numbers.
    fn bits() -> impl Strategy<Value = u64> {
        prop_oneof![
            1 => any::<u64>(),
            40 => Just(0),
            20 => Just(1 << 63),
            20 => Just(1.5f64.to_bits()),
            20 => Just(1),
        ]
    }

    proptest! {
        #[test]
        fn instruction_sets_agree_on_any_bits(bits in prop::collection::vec(bits(), 0..300)) {
            agree(&bits.iter().map(|&b| f64::from_bits(b)).collect::<Vec<_>>());
            agree(&bits.iter().map(|&b| f32::from_bits((b >> 32) as u32 | (b & 1) as u32)).collect::<Vec<_>>());
            agree(&bits.iter().map(|&b| f16::from_bits((b >> 48) as u16 | (b & 1) as u16)).collect::<Vec<_>>());
            agree(&bits.iter().map(|&b| bf16::from_bits((b >> 48) as u16 | (b & 1) as u16)).collect::<Vec<_>>());
        }
    }
}
