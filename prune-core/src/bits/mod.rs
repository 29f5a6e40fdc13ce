//! Bits in words of 64: bit `i % 64` of word `i / 64` is the `i`-th.

mod sink;

pub(crate) use sink::BitSink;

/// The bits of the last word that stand for elements, in a mask of `len > 0` elements.
pub(crate) fn tail_bits(len: usize) -> u64 {
    u64::MAX >> ((64 - len % 64) % 64)
}

/// The lowest `count` bits.
#[inline(always)]
pub(crate) const fn low_bits(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// The lowest `count` of the bits that are set.
pub(crate) fn first_bits(bits: u64, count: usize) -> u64 {
    let rest = (0..count).fold(bits, |bits, _| bits & bits.wrapping_sub(1));
    bits & !rest
}

/// Sets one bit.
pub(crate) fn set_bit(bits: &mut [u64], position: usize) {
    bits[position / 64] |= 1 << (position % 64);
}

/// Puts the positions of the `count` bits that are set into `positions`, in place of its content. `of` makes them from
/// indices, and must take any index.
///
/// Plain: test each bit. Departure: a word rarely has more than two set bits, so two are written without testing that
/// they exist, which a processor could not predict.
#[inline(always)]
pub(crate) fn set_bits<P: Copy + Default>(
    words: &[u64],
    count: usize,
    positions: &mut Vec<P>,
    of: impl Fn(usize) -> P,
) {
    positions.clear();
    positions.resize(count + 2, P::default());
    let mut found = 0;
    for (word, &bits) in words.iter().enumerate() {
        let mut bits = bits;
        for _ in 0..2 {
            positions[found] = of(word * 64 + bits.trailing_zeros() as usize);
            found += usize::from(bits != 0);
            bits &= bits.wrapping_sub(1);
        }
        while bits != 0 {
            positions[found] = of(word * 64 + bits.trailing_zeros() as usize);
            found += 1;
            bits &= bits - 1;
        }
    }
    positions.truncate(count);
}

/// Sets `count` bits from the bit `from` on.
pub(crate) fn set_run(words: &mut [u64], from: usize, count: usize) {
    let mut done = 0;
    while done < count {
        let at = from + done;
        let room = (64 - at % 64).min(count - done);
        words[at / 64] |= (u64::MAX >> (64 - room)) << (at % 64);
        done += room;
    }
}

/// Up to 64 bits of `bits` from the bit `from` on; bits past the end read as zero.
#[inline]
pub(crate) fn read_bits(bits: &[u64], from: usize) -> u64 {
    let (word, shift) = (from / 64, from % 64);
    let low = bits.get(word).copied().unwrap_or(0) >> shift;
    if shift == 0 { low } else { low | bits.get(word + 1).copied().unwrap_or(0) << (64 - shift) }
}

/// Ors `count` bits of `bits` from the bit `from` on into `out` at the bit `to`.
pub(crate) fn copy_run(bits: &[u64], from: usize, out: &mut [u64], to: usize, count: usize) {
    let mut done = 0;
    while done < count {
        let room = (64 - (to + done) % 64).min(count - done);
        let taken = read_bits(bits, from + done) & (u64::MAX >> (64 - room));
        out[(to + done) / 64] |= taken << ((to + done) % 64);
        done += room;
    }
}

/// Does the same as [`copy_run`], from the bit `from` down.
pub(crate) fn copy_run_backwards(bits: &[u64], from: usize, out: &mut [u64], to: usize, count: usize) {
    let mut done = 0;
    while done < count {
        let room = (64 - (to + done) % 64).min(count - done);
        let lowest = from - done - (room - 1);
        let taken = (read_bits(bits, lowest) << (64 - room)).reverse_bits();
        out[(to + done) / 64] |= taken << ((to + done) % 64);
        done += room;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn set_bits_are_found(mut words in prop::collection::vec(any::<u64>(), 0..40), few: bool) {
            if few {
                words.iter_mut().for_each(|word| *word &= *word >> 7 & *word << 11 & *word >> 23);
            }
            let expected: Vec<u16> =
                (0..words.len() * 64).filter(|i| words[i / 64] >> (i % 64) & 1 == 1).map(|i| i as u16).collect();
            let mut found = vec![7; 3];
            set_bits(&words, expected.len(), &mut found, |i| i as u16);
            prop_assert_eq!(found, expected);
        }
    }
}
