//! Turns bits in squares of 64 x 64, if the innermost dimensions of two orders differ.

use crate::bits::{BitSink, read_bits};
use crate::kernel::instructions::{dispatch, level};
use crate::threads::Threads;

/// Bits in one order, and the steps of another order through them.
#[derive(Debug, Clone, Copy)]
pub(super) struct SourceBits<'a> {
    pub(super) bits: &'a [u64],
    pub(super) shape: &'a [usize],
    pub(super) strides: &'a [isize],
    pub(super) offset: usize,
}

/// Two dimensions whose bits change places: `across` steps by one in the source, and the last dimension by one in the
/// output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Squares<'a> {
    source: SourceBits<'a>,
    across: usize,
}

/// Dimensions shorter than this gain nothing from squares.
const WORTH_IT: usize = 8;

impl<'a> Squares<'a> {
    /// The pair of dimensions to turn, if turning a pair is worth it.
    pub(super) fn of(source: &SourceBits<'a>) -> Option<Self> {
        let across = source.strides.iter().position(|&stride| stride == 1)?;
        let last = source.shape.len() - 1;
        let worth_it = across < last && source.shape[across].min(source.shape[last]) >= WORTH_IT;
        worth_it.then_some(Squares { source: *source, across })
    }

    /// All bits of the output.
    pub(super) fn turn(&self, len: usize, threads: Threads) -> Vec<u64> {
        let shape = self.source.shape;
        let last = shape.len() - 1;
        // Strips of rows of the output, at one index of each of the other dimensions.
        let others: usize = (0..last).filter(|&d| d != self.across).map(|d| shape[d]).product();
        let rows = (0..shape[self.across]).step_by(64 * ABREAST);
        let strips = (0..others).flat_map(|other| rows.clone().map(move |row| (other, row))).collect();
        let sink = BitSink::zeros(len);
        threads.map(strips, |(other, row)| {
            dispatch!(level(), simd => {
                let _ = simd;
                self.strip(other, row, &sink)
            })
        });
        sink.into_words()
    }

    /// The rows from `first` on, up to [`ABREAST`] times 64 of them, at the index `other` of the remaining dimensions.
    #[inline(always)]
    fn strip(&self, mut other: usize, first: usize, sink: &BitSink) {
        let SourceBits { bits, shape, strides, offset } = self.source;
        let last = shape.len() - 1;
        let (mut from, mut to, mut out_stride, mut row_stride) = (offset as isize, 0, shape[last], 0);
        for d in (0..last).rev() {
            if d == self.across {
                row_stride = out_stride;
            } else {
                let index = other % shape[d];
                other /= shape[d];
                from += index as isize * strides[d];
                to += index * out_stride;
            }
            out_stride *= shape[d];
        }
        let count = (64 * ABREAST).min(shape[self.across] - first);
        let words_a_row = shape[last].div_ceil(64);
        let mut rows = vec![0u64; count * words_a_row];
        for word in 0..words_a_row {
            let mut squares = [[0u64; ABREAST]; 64];
            let columns = 64.min(shape[last] - word * 64);
            for (column, bits_of_column) in squares.iter_mut().take(columns).enumerate() {
                let at = from + first as isize + (word * 64 + column) as isize * strides[last];
                read(bits, at as usize, bits_of_column);
            }
            transpose(&mut squares);
            for row in 0..count {
                rows[row * words_a_row + word] = squares[row % 64][row / 64];
            }
        }
        for (row, bits_of_row) in rows.chunks_exact(words_a_row).enumerate() {
            sink.put(to + (first + row) * row_stride, bits_of_row, shape[last]);
        }
    }
}

/// The number of squares turned at a time. Neighbours in one line of memory are then read once.
const ABREAST: usize = 8;

/// The bits from the bit `from` on; bits past the end read as zero.
#[inline(always)]
fn read(bits: &[u64], from: usize, words: &mut [u64; ABREAST]) {
    let (first, shift) = (from / 64, from % 64);
    match bits.get(first..first + ABREAST + 1) {
        Some(bits) if shift > 0 => {
            for i in 0..ABREAST {
                words[i] = bits[i] >> shift | bits[i + 1] << (64 - shift);
            }
        }
        Some(bits) => words.copy_from_slice(&bits[..ABREAST]),
        None => {
            for (i, word) in words.iter_mut().enumerate() {
                *word = read_bits(bits, from + i * 64);
            }
        }
    }
}

/// Turns squares of bits: bit `c` of word `r` becomes bit `r` of word `c`. Blocks of half the size change places, six
/// times.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "two rows at once")]
fn transpose(squares: &mut [[u64; ABREAST]; 64]) {
    let mut size = 32;
    let mut low = u64::MAX >> 32;
    while size > 0 {
        for upper in 0..64 {
            if upper & size == 0 {
                for i in 0..ABREAST {
                    let moved = (squares[upper][i] >> size ^ squares[upper | size][i]) & low;
                    squares[upper | size][i] ^= moved;
                    squares[upper][i] ^= moved << size;
                }
            }
        }
        size /= 2;
        low ^= low << size;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hash;

    #[test]
    fn squares_are_turned() {
        let squares: [[u64; ABREAST]; 64] =
            core::array::from_fn(|r| core::array::from_fn(|i| hash((r * ABREAST + i) as u64)));
        let mut turned = squares;
        transpose(&mut turned);
        for (r, row) in squares.iter().enumerate() {
            for (c, column) in turned.iter().enumerate() {
                for i in 0..ABREAST {
                    assert_eq!(column[i] >> r & 1, row[i] >> c & 1, "{r} {c} of {i}");
                }
            }
        }
    }

    #[test]
    fn runs_are_read_from_any_bit() {
        let bits: Vec<u64> = (0..12).map(hash).collect();
        for from in 0..12 * 64 {
            let mut words = [9; ABREAST];
            read(&bits, from, &mut words);
            for (i, &word) in words.iter().enumerate() {
                assert_eq!(word, read_bits(&bits, from + i * 64), "{from} {i}");
            }
        }
    }
}
