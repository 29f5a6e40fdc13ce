//! Turning bits in squares of 64 x 64, where the innermost dimensions of two orders differ.

use crate::mask::permute::{Source, read_bits};
use crate::select::BitSink;
use crate::threads::Threads;

/// Two dimensions whose bits change places: `across` steps by one in the source, and the last dimension by one in the
/// output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Squares<'a> {
    source: Source<'a>,
    across: usize,
}

/// Dimensions shorter than this gain nothing from squares.
const WORTH_IT: usize = 8;

impl<'a> Squares<'a> {
    /// The pair of dimensions to turn, if there is one that is worth it.
    pub(super) fn of(source: &Source<'a>) -> Option<Self> {
        let across = source.strides.iter().position(|&stride| stride == 1)?;
        let last = source.shape.len() - 1;
        let worth_it = across < last && source.shape[across].min(source.shape[last]) >= WORTH_IT;
        worth_it.then_some(Squares { source: *source, across })
    }

    /// All bits of the output.
    pub(super) fn turn(&self, len: usize, threads: Threads) -> Vec<u64> {
        let shape = self.source.shape;
        let last = shape.len() - 1;
        // Strips of 64 rows of the output, one for each index of the other dimensions.
        let mut strips = Vec::new();
        let others: usize = (0..last).filter(|&d| d != self.across).map(|d| shape[d]).product();
        for other in 0..others {
            strips.extend((0..shape[self.across]).step_by(64).map(|row| (other, row)));
        }
        let sink = BitSink::zeros(len);
        // Neighbouring strips share lines of the source.
        let tasks: Vec<_> = strips.chunks(8).collect();
        threads.map(tasks, |strips| {
            let mut rows = Vec::new();
            for &(other, row) in strips {
                self.strip(other, row, &mut rows, &sink);
            }
        });
        sink.into_words()
    }

    /// 64 rows from `first` on (fewer at the end), at the index `other` of the remaining dimensions.
    fn strip(&self, mut other: usize, first: usize, rows: &mut Vec<u64>, sink: &BitSink) {
        let Source { bits, shape, strides, offset } = self.source;
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
        let count = 64.min(shape[self.across] - first);
        let words_a_row = shape[last].div_ceil(64);
        rows.clear();
        rows.resize(64 * words_a_row, 0);
        for word in 0..words_a_row {
            let mut square = [0u64; 64];
            let columns = 64.min(shape[last] - word * 64);
            for (column, bits_of_column) in square[..columns].iter_mut().enumerate() {
                let at = from + first as isize + (word * 64 + column) as isize * strides[last];
                *bits_of_column = read_bits(bits, at as usize);
            }
            transpose(&mut square);
            for (row, bits_of_row) in square[..count].iter().enumerate() {
                rows[row * words_a_row + word] = *bits_of_row;
            }
        }
        for (row, bits_of_row) in rows.chunks_exact(words_a_row).take(count).enumerate() {
            sink.put(to + (first + row) * row_stride, bits_of_row, shape[last]);
        }
    }
}

/// Turns a square of bits: bit `c` of word `r` becomes bit `r` of word `c`. Blocks of half the size change places, six
/// times.
fn transpose(square: &mut [u64; 64]) {
    let mut size = 32;
    let mut low = u64::MAX >> 32;
    while size > 0 {
        for pair in square.chunks_exact_mut(2 * size) {
            let (upper, lower) = pair.split_at_mut(size);
            for (upper, lower) in upper.iter_mut().zip(lower) {
                let moved = (*upper >> size ^ *lower) & low;
                *lower ^= moved;
                *upper ^= moved << size;
            }
        }
        size /= 2;
        low ^= low << size;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_is_turned() {
        let square: [u64; 64] = core::array::from_fn(|i| (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut turned = square;
        transpose(&mut turned);
        for (r, row) in square.iter().enumerate() {
            for (c, column) in turned.iter().enumerate() {
                assert_eq!(column >> r & 1, row >> c & 1, "{r} {c}");
            }
        }
    }
}
