//! Writes zeros where a mask is false.

use fearless_simd::Level;
use fearless_simd::prelude::*;

use crate::kernel::instructions::dispatch;
use crate::kernel::lanes::Lanes;

/// Writes `+0.0` into `values[i]` if bit `i` of `words` is not set.
///
/// Departures from the plain version: blocks that are kept whole are not touched; the others are blended as vectors.
/// Unlike the loops that only read, this one does not prefetch: lines that are soon written gained nothing from it,
/// and `hold` of 100 layers took a seventh longer.
pub(crate) fn zero_outside<E: Lanes>(level: Level, values: &mut [E], words: &[u64]) {
    let whole = values.len() / 64;
    let (blocks, rest) = values.split_at_mut(whole * 64);
    let (block_words, rest_words) = words.split_at(whole);
    dispatch!(level, simd => vector(simd, blocks, block_words));
    plain(rest, rest_words);
}

/// The same as [`zero_outside`], element by element.
pub(crate) fn plain<E: Lanes>(values: &mut [E], words: &[u64]) {
    for (block, &word) in values.chunks_mut(64).zip(words) {
        for (bit, value) in block.iter_mut().enumerate() {
            if word >> bit & 1 == 0 {
                *value = E::default();
            }
        }
    }
}

/// The same as [`plain`], for whole blocks of 64.
#[inline(always)]
fn vector<S: Simd, E: Lanes>(simd: S, blocks: &mut [E], words: &[u64]) {
    let lanes = <E::Raw<S> as SimdBase<S>>::LEN;
    let zero = E::zero(simd);
    for (block, &word) in E::scalars_mut(blocks).chunks_exact_mut(64).zip(words) {
        if word == u64::MAX {
            continue;
        }
        for (part, values) in block.chunks_exact_mut(lanes).enumerate() {
            let kept = <E::Raw<S> as SimdBase<S>>::Mask::from_bitmask(simd, word >> (part * lanes));
            kept.select(E::Raw::<S>::from_slice(simd, values), zero).store_slice(values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstructionSet;
    use half::{bf16, f16};
    use proptest::prelude::*;

    fn agree<E: Lanes>(values: &[E], words: &[u64], bits: fn(&E) -> u64) {
        let mut expected = values.to_vec();
        plain(&mut expected, words);
        for level in InstructionSet::available().into_iter().filter_map(InstructionSet::level) {
            let mut got = values.to_vec();
            zero_outside(level, &mut got, words);
            assert!(got.iter().map(bits).eq(expected.iter().map(bits)), "{level:?} {values:?} {words:?}");
        }
    }

    proptest! {
        #[test]
        fn instruction_sets_agree_on_any_bits(bits in prop::collection::vec(any::<u64>(), 0..300), masks in prop::array::uniform5(prop_oneof![any::<u64>(), Just(0), Just(u64::MAX)])) {
            let words = &masks[..bits.len().div_ceil(64)];
            agree(&bits.iter().map(|&b| f64::from_bits(b)).collect::<Vec<_>>(), words, |x| x.to_bits());
            agree(&bits.iter().map(|&b| f32::from_bits(b as u32)).collect::<Vec<_>>(), words, |x| x.to_bits().into());
            agree(&bits.iter().map(|&b| f16::from_bits(b as u16)).collect::<Vec<_>>(), words, |x| x.to_bits().into());
            agree(&bits.iter().map(|&b| bf16::from_bits(b as u16)).collect::<Vec<_>>(), words, |x| x.to_bits().into());
        }
    }
}
