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
