//! Reorders bits between memory order and logical order.
//!
//! Masks are found in memory order, where the weights lie; a mask is in logical order. In pseudo-code this whole file
//! is `out[i] = bits[position(i)]`. Departures, each for speed: runs that lie the same way in both orders are copied
//! 64 bits at a time, and if the innermost dimensions differ, squares of 64 x 64 bits are turned in registers.

use crate::bits::{copy_run, copy_run_backwards};
use crate::layout::{Layout, row_major_strides};
use crate::mask::squares::{SourceBits, Squares};
use crate::threads::Threads;

/// The bits of a tensor with `layout`, given in memory order, in logical order.
pub(crate) fn to_logical(bits: Vec<u64>, layout: &Layout, threads: Threads) -> Vec<u64> {
    if layout.is_row_major() {
        return bits;
    }
    let (shape, strides) = merged_parts(&layout.merged());
    gather(&bits, &shape, &strides, layout.offset(), layout.len(), threads)
}

/// The bits of a tensor with `layout`, given in logical order, in memory order.
pub(crate) fn to_memory(bits: &[u64], layout: &Layout, threads: Threads) -> Vec<u64> {
    if layout.is_row_major() {
        return bits.to_vec();
    }
    // Dimensions in the order of memory, outermost first. Each steps through logical order by its logical stride,
    // backwards if memory runs against the index.
    let logical = row_major_strides(layout.shape());
    let mut dims: Vec<(usize, isize, isize)> = (0..layout.rank())
        .filter(|&d| layout.shape()[d] != 1)
        .map(|d| (layout.shape()[d], layout.strides()[d], logical[d]))
        .collect();
    dims.sort_unstable_by_key(|&(_, stride, _)| core::cmp::Reverse(stride.unsigned_abs()));
    let mut offset = 0;
    let (mut shape, mut strides) = (Vec::new(), Vec::new());
    for (length, stride, logical) in dims {
        if stride < 0 {
            offset += (length as isize - 1) * logical;
        }
        shape.push(length);
        strides.push(if stride < 0 { -logical } else { logical });
    }
    match Layout::new(&shape, &strides, offset as usize) {
        Ok(inverse) => {
            let (shape, strides) = merged_parts(&inverse.merged());
            gather(bits, &shape, &strides, offset as usize, layout.len(), threads)
        }
        Err(_) => unreachable!("a permuted shape has the same product"),
    }
}

fn merged_parts(runs: &[(usize, isize)]) -> (Vec<usize>, Vec<isize>) {
    runs.iter().copied().unzip()
}

/// `out[i] = bits[offset + index(i) . strides]`, `i` running through `shape` in row-major order.
fn gather(bits: &[u64], shape: &[usize], strides: &[isize], offset: usize, len: usize, threads: Threads) -> Vec<u64> {
    let source = SourceBits { bits, shape, strides, offset };
    let threads = threads.for_elements(len);
    if let Some(squares) = Squares::of(&source) {
        return squares.turn(len, threads);
    }
    let mut out = vec![0u64; len.div_ceil(64)];
    // Each task owns whole words of the output, so tasks never meet.
    let words_a_task = 1024;
    let tasks: Vec<(usize, &mut [u64])> = out.chunks_mut(words_a_task).enumerate().collect();
    threads.map(tasks, |(task, words)| {
        let start = task * words_a_task * 64;
        let end = len.min(start + words.len() * 64);
        source.fill(start, end, words);
    });
    out
}

impl SourceBits<'_> {
    /// Writes the output bits `start..end` into `words`, the first of which holds bit `start`.
    fn fill(&self, start: usize, end: usize, words: &mut [u64]) {
        let (Some(&length), Some(&stride)) = (self.shape.last(), self.strides.last()) else {
            words[0] = self.bits[0] & 1;
            return;
        };
        let mut at = start;
        while at < end {
            let column = at % length;
            let run = (length - column).min(end - at);
            let position = self.position(at);
            if stride == 1 {
                copy_run(self.bits, position, words, at - start, run);
            } else if stride == -1 {
                copy_run_backwards(self.bits, position, words, at - start, run);
            } else {
                for i in 0..run {
                    let from = (position as isize + i as isize * stride) as usize;
                    let bit = self.bits[from / 64] >> (from % 64) & 1;
                    let to = at - start + i;
                    words[to / 64] |= bit << (to % 64);
                }
            }
            at += run;
        }
    }

    fn position(&self, mut index: usize) -> usize {
        let mut position = self.offset as isize;
        for (&length, &stride) in self.shape.iter().zip(self.strides).rev() {
            position += (index % length) as isize * stride;
            index /= length;
        }
        position as usize
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn pseudo_random_bits(len: usize) -> Vec<u64> {
        let mut words: Vec<u64> =
            (1..=len.div_ceil(64) as u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23)).collect();
        if let Some(last) = words.last_mut() {
            *last &= crate::bits::tail_bits(len);
        }
        words
    }

    #[test]
    fn every_order_and_direction_agrees_with_the_definition() {
        let orders = [[0usize, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for shape in
            [[1usize, 1, 1], [1100, 1, 9], [2, 3, 4], [5, 1, 70], [64, 64, 3], [65, 2, 130], [3, 200, 67], [7, 0, 2]]
        {
            let len = shape.iter().product();
            for order in orders {
                for flips in 0..8 {
                    // Memory runs through the dimensions in `order`, outermost first.
                    let mut strides = [0isize; 3];
                    let mut step = 1;
                    for &d in order.iter().rev() {
                        strides[d] = step;
                        step *= shape[d] as isize;
                    }
                    let mut offset = 0;
                    for d in 0..3 {
                        if flips >> d & 1 == 1 && shape[d] > 0 {
                            offset += (shape[d] as isize - 1) * strides[d];
                            strides[d] = -strides[d];
                        }
                    }
                    let layout = Layout::new(&shape, &strides, if len == 0 { 0 } else { offset as usize }).unwrap();
                    layout.check_dense(len).unwrap();
                    let memory = pseudo_random_bits(len);
                    let logical = to_logical(memory.clone(), &layout, Threads::One);
                    for i in 0..len {
                        let p = layout.position(i);
                        assert_eq!(
                            logical[i / 64] >> (i % 64) & 1,
                            memory[p / 64] >> (p % 64) & 1,
                            "{layout:?} at {i}"
                        );
                    }
                    assert_eq!(to_memory(&logical, &layout, Threads::Pool), memory, "{layout:?}");
                }
            }
        }
    }
}
