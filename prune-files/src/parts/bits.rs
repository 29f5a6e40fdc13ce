//! Converts masks between bits in memory and bytes in BOOL tensors.

/// Sets bit `at + i` of `bits` if byte `i` is 1. Returns true if every byte is 0 or 1.
pub(crate) fn pack(bytes: &[u8], bits: &mut [u64], at: usize) -> bool {
    let mut proper = true;
    // The bytes up to a whole word, then whole words, then the rest.
    let lead = ((64 - at % 64) % 64).min(bytes.len());
    let (head, rest) = bytes.split_at(lead);
    for (i, &byte) in head.iter().enumerate() {
        bits[(at + i) / 64] |= u64::from(byte & 1) << ((at + i) % 64);
        proper &= byte <= 1;
    }
    for (chunk, word) in rest.chunks(64).zip(&mut bits[(at + lead) / 64..]) {
        let mut any = 0;
        for (i, &byte) in chunk.iter().enumerate() {
            *word |= u64::from(byte & 1) << i;
            any |= byte;
        }
        proper &= any <= 1;
    }
    proper
}

/// Writes 1 into byte `i` if bit `at + i` is set, otherwise 0.
pub(crate) fn unpack(bits: &[u64], at: usize, bytes: &mut [u8]) {
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from(is_set(bits, at + i));
    }
}

/// True if bit `at` is set.
pub(crate) fn is_set(bits: &[u64], at: usize) -> bool {
    bits[at / 64] >> (at % 64) & 1 == 1
}

/// The number of set bits among the first `len`.
pub(crate) fn count(bits: &[u64], len: usize) -> usize {
    let whole: usize = bits[..len / 64].iter().map(|word| word.count_ones() as usize).sum();
    let rest = len % 64;
    whole + if rest > 0 { (bits[len / 64] & (u64::MAX >> (64 - rest))).count_ones() as usize } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_and_bytes_agree(bytes in prop::collection::vec(0u8..2, 0..300), at in 0usize..130) {
            let mut bits = vec![0; (at + bytes.len()).div_ceil(64)];
            prop_assert!(pack(&bytes, &mut bits, at));
            let mut back = vec![9; bytes.len()];
            unpack(&bits, at, &mut back);
            prop_assert_eq!(&back, &bytes);
            prop_assert_eq!(count(&bits, at + bytes.len()), bytes.iter().filter(|&&byte| byte == 1).count());
        }

        #[test]
        fn other_bytes_are_noticed(mut bytes in prop::collection::vec(0u8..2, 1..300), at in 0usize..130, pick: prop::sample::Index, odd in 2u8..) {
            let place = pick.index(bytes.len());
            bytes[place] = odd;
            prop_assert!(!pack(&bytes, &mut vec![0; (at + bytes.len()).div_ceil(64)], at));
        }
    }
}
