//! Elements outside a mask: the number that are not zero, and the number that change if zeros are written.

use core::ops::AddAssign;

use bytemuck::Pod;
use prune_core::{ElementType, Mask};

/// Counts of elements outside a mask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outside {
    /// Elements that are not zero, of either sign.
    pub(crate) values: usize,
    /// Elements with a set bit: writing `+0.0` changes them.
    pub(crate) bits: usize,
}

impl AddAssign for Outside {
    fn add_assign(&mut self, other: Outside) {
        self.values += other.values;
        self.bits += other.bits;
    }
}

/// Counts the elements in `bytes` outside a mask, or only those also in `among` if it is given.
pub(crate) fn outside(element: ElementType, bytes: &[u8], mask: &Mask, among: Option<&[u64]>) -> Outside {
    match element {
        ElementType::F16 | ElementType::Bf16 => count::<u16>(bytes, mask.words(), among, |word| word << 1 != 0),
        ElementType::F32 => count::<u32>(bytes, mask.words(), among, |word| word << 1 != 0),
        ElementType::F64 => count::<u64>(bytes, mask.words(), among, |word| word << 1 != 0),
        _ => unreachable!("all element types are above"),
    }
}

/// Counts elements by their bits. `has_value` is true if any bit but the sign is set.
fn count<W: Pod + Default + PartialEq>(
    bytes: &[u8],
    kept: &[u64],
    among: Option<&[u64]>,
    has_value: impl Fn(W) -> bool,
) -> Outside {
    let mut counts = Outside::default();
    for (block, words) in bytemuck::cast_slice::<u8, W>(bytes).chunks(64).enumerate() {
        let counted = !kept[block] & among.map_or(u64::MAX, |among| among[block]);
        if counted == 0 {
            continue;
        }
        // Trained weights have almost no zeros. Without zeros every element counts, and the test for a zero is quick.
        if words.len() == 64 && words.iter().fold(true, |all, &word| all & has_value(word)) {
            let all = counted.count_ones() as usize;
            counts += Outside { values: all, bits: all };
            continue;
        }
        let (mut values, mut bits) = (0u64, 0u64);
        for (bit, &word) in words.iter().enumerate() {
            values |= u64::from(has_value(word)) << bit;
            bits |= u64::from(word != W::default()) << bit;
        }
        let count = |of: u64| (of & counted).count_ones() as usize;
        counts += Outside { values: count(values), bits: count(bits) };
    }
    counts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::parts::buffer::{Buffer, layer};
    use proptest::prelude::*;

    proptest! {
        /// The values are counted as the core counts them, and the bits by the bytes that change once zeros are
        /// written.
        #[test]
        fn counts_are_those_of_the_core(
            picks in prop::collection::vec((0usize..6, any::<bool>(), any::<bool>()), 1..200),
            element in prop::sample::select(vec![ElementType::F16, ElementType::Bf16, ElementType::F32, ElementType::F64]),
            zeros in any::<bool>(),
        ) {
            // Without zeros, so that whole blocks have none.
            let drawn = |(pick, kept, among)| (if zeros { pick } else { 2 + pick % 4 }, kept, among);
            let picks: Vec<(usize, bool, bool)> = picks.into_iter().map(drawn).collect();
            let size = element.size();
            let mut buffer = Buffer::default();
            let bytes = buffer.bytes_mut(picks.len() * size);
            for (into, (pick, ..)) in bytes.chunks_mut(size).zip(&picks) {
                // Zeros of both signs, the smallest numbers of both, a NaN and a number.
                let high = [0x0000u16, 0x8000, 0x0000, 0x8000, 0x7fff, 0x4000][*pick].to_le_bytes();
                into.fill(0);
                into[0] = u8::from([2, 3].contains(pick));
                into[size - 1] = high[1];
                into[size - 2] |= high[0];
            }
            let shape = [picks.len()];
            let mask = Mask::from_bools(&shape, &picks.iter().map(|pick| pick.1).collect::<Vec<_>>()).unwrap();
            let among = Mask::from_bools(&shape, &picks.iter().map(|pick| pick.2).collect::<Vec<_>>()).unwrap();
            let len = picks.len() * size;
            let weights = layer(element, buffer.bytes(len), &shape).unwrap();
            let counted = outside(element, buffer.bytes(len), &mask, None);
            prop_assert_eq!(counted.values, weights.revivals(&mask).unwrap());
            let some = outside(element, buffer.bytes(len), &mask, Some(among.words()));
            prop_assert_eq!(some.values, weights.kept_non_zero_len(&among.difference(&mask).unwrap()).unwrap());
            let before = buffer.bytes(len).to_vec();
            crate::parts::buffer::zero_outside(element, buffer.bytes_mut(len), &mask).unwrap();
            let changed = before.chunks(size).zip(buffer.bytes(len).chunks(size)).filter(|(a, b)| a != b).count();
            prop_assert_eq!(counted.bits, changed);
        }
    }
}
