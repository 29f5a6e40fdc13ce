//! The figures of a layer in a report.

use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::kernel::instructions::{dispatch, level};
use crate::mask::{Mask, to_memory};
use crate::tensor::{Element, LayerRef, for_any_type};
use crate::threads::Threads;
use crate::walk::logical;

/// The number of elements whose squares are added up before their sum joins the total. The blocks are fixed, in
/// logical order, so the sum is the same to the bit on every layout and thread count.
const BLOCK: usize = 4096;

/// The number of blocks that are added side by side.
const ABREAST: usize = 8;

/// Counts and norms of a tensor, as a whole and under a mask: [`LayerRef::stats`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stats {
    /// Elements that are not zero; neither `+0.0` nor `-0.0` counts.
    pub non_zero: usize,
    /// The sum of all squares, in `f64` over fixed blocks in logical order.
    pub squared_norm: f64,
    /// The sum of the squares of kept elements.
    pub kept_squared_norm: f64,
}

impl LayerRef<'_> {
    /// Counts and norms of this tensor, and of the elements that `mask` keeps (all of them without a mask).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeMismatch`], [`ErrorKind::Layout`].
    ///
    /// # Complexity
    ///
    /// Linear; one pass.
    pub fn stats(&self, mask: Option<&Mask>) -> Result<Stats, Error> {
        if let Some(mask) = mask {
            mask.fits("mask", self.shape())?;
        }
        for_any_type!(LayerRef, self, lent => {
            let (layout, values) = lent.dense()?;
            Ok(if layout.is_row_major() {
                row_major(values, mask.map(Mask::words))
            } else {
                let mut sums = Sums::default();
                let mut index = 0;
                logical(&layout, |position| {
                    sums.add(values[position].to_f64(), mask.is_none_or(|mask| mask.is_kept(index)));
                    index += 1;
                    if index % BLOCK == 0 {
                        sums.close_block();
                    }
                });
                sums.finish()
            })
        })
    }

    /// The number of elements that are not zero.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Layout`].
    pub fn non_zero_len(&self) -> Result<usize, Error> {
        for_any_type!(LayerRef, self, lent => {
            let (_, values) = lent.dense()?;
            Ok(values.iter().filter(|value| **value != zero_of(*value)).count())
        })
    }

    /// The number of elements that `mask` keeps and that are not zero.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeMismatch`], [`ErrorKind::Layout`].
    pub fn kept_non_zero_len(&self, mask: &Mask) -> Result<usize, Error> {
        mask.fits("mask", self.shape())?;
        for_any_type!(LayerRef, self, lent => {
            let (layout, values) = lent.dense()?;
            let words = to_memory(mask.words(), &layout, Threads::Pool);
            let kept = |i: usize| words[i / 64] >> (i % 64) & 1 == 1;
            Ok(values.iter().enumerate().filter(|&(i, value)| kept(i) && *value != zero_of(value)).count())
        })
    }
}

fn zero_of<E: Element>(_: &E) -> E {
    E::ZERO
}

fn row_major<E: Element>(values: &[E], words: Option<&[u64]>) -> Stats {
    let tasks: Vec<(usize, &[E])> = values.chunks(ABREAST * BLOCK).enumerate().collect();
    let level = level();
    let blocks = Threads::Pool.for_elements(values.len()).map(tasks, |(task, values)| {
        let words = words.map(|words| &words[task * ABREAST * BLOCK / 64..]);
        if values.len() == ABREAST * BLOCK {
            dispatch!(level, simd => {
                let _ = simd;
                abreast(values, words)
            })
        } else {
            plain(values, words)
        }
    });
    let mut total = Sums::default();
    for block in blocks.into_iter().flatten() {
        total.stats.non_zero += block.stats.non_zero;
        (total.all, total.kept) = (block.all, block.kept);
        total.close_block();
    }
    total.finish()
}

/// The open sums of up to [`ABREAST`] blocks, one block after the other.
fn plain<E: Element>(values: &[E], words: Option<&[u64]>) -> [Sums; ABREAST] {
    let mut blocks: [Sums; ABREAST] = Default::default();
    for (i, value) in values.iter().enumerate() {
        blocks[i / BLOCK].add(value.to_f64(), words.is_none_or(|words| words[i / 64] >> (i % 64) & 1 == 1));
    }
    blocks
}

/// Does the work of [`plain`] for blocks that are all full: one element of each block at a time, so that no addition
/// waits for the one before. The additions of a block are the same, in the same order.
#[inline(always)]
fn abreast<E: Element>(values: &[E], words: Option<&[u64]>) -> [Sums; ABREAST] {
    let (mut all, mut kept, mut non_zero) = ([0.0f64; ABREAST], [0.0f64; ABREAST], [0u64; ABREAST]);
    for first in (0..BLOCK).step_by(64) {
        let mut turned = [[0.0f64; ABREAST]; 64];
        let mut bits = [u64::MAX; ABREAST];
        for block in 0..ABREAST {
            let first = block * BLOCK + first;
            for (row, value) in turned.iter_mut().zip(&values[first..first + 64]) {
                row[block] = value.to_f64();
            }
            if let Some(words) = words {
                bits[block] = words[first / 64];
            }
        }
        for row in &turned {
            for block in 0..ABREAST {
                let square = row[block] * row[block];
                non_zero[block] += u64::from(row[block] != 0.0);
                all[block] += square;
                // All bits of the square, or none.
                kept[block] += f64::from_bits(square.to_bits() & (bits[block] & 1).wrapping_neg());
                bits[block] >>= 1;
            }
        }
    }
    core::array::from_fn(|block| Sums {
        stats: Stats { non_zero: non_zero[block] as usize, ..Stats::default() },
        all: all[block],
        kept: kept[block],
    })
}

#[derive(Default)]
struct Sums {
    stats: Stats,
    /// The open block's sums.
    all: f64,
    kept: f64,
}

impl Sums {
    fn add(&mut self, value: f64, kept: bool) {
        let square = value * value;
        self.stats.non_zero += usize::from(value != 0.0);
        self.all += square;
        // Not a product: infinity times 0 is NaN.
        self.kept += if kept { square } else { 0.0 };
    }

    fn close_block(&mut self) {
        self.stats.squared_norm += self.all;
        self.stats.kept_squared_norm += self.kept;
        (self.all, self.kept) = (0.0, 0.0);
    }

    fn finish(mut self) -> Stats {
        self.close_block();
        self.stats
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::hash::hash;
    use crate::{InstructionSet, Layout, PlainTensor};

    #[test]
    fn layouts_give_the_same_bits() {
        let (rows, columns) = (301, 997);
        let value = |i: usize| ((i * 7919 % 10_007) as f32 - 5000.0) * 1e-3;
        let row_major: Vec<f32> = (0..rows * columns).map(value).collect();
        let column_major: Vec<f32> = (0..rows * columns).map(|p| value(p % rows * columns + p / rows)).collect();
        let mask =
            Mask::from_bools(&[rows, columns], &(0..rows * columns).map(|i| i % 3 == 0).collect::<Vec<_>>()).unwrap();
        let a = PlainTensor::from_logical(&[rows, columns], row_major).unwrap();
        let layout = Layout::new(&[rows, columns], &[1, rows as isize], 0).unwrap();
        let b = PlainTensor::from_memory(layout, column_major).unwrap();
        let (a, b) = (LayerRef::of(&a), LayerRef::of(&b));
        assert_eq!(a.stats(Some(&mask)).unwrap(), b.stats(Some(&mask)).unwrap());
        assert_eq!(a.kept_non_zero_len(&mask).unwrap(), b.kept_non_zero_len(&mask).unwrap());
        let all = a.stats(None).unwrap();
        assert_eq!(all.squared_norm, all.kept_squared_norm);
        assert_eq!(all.non_zero, a.non_zero_len().unwrap());
    }

    /// Squares that sums round differently in any other order.
    #[test]
    fn blocks_abreast_give_the_same_bits_on_every_instruction_set() {
        let value = |i: usize| match hash(i as u64) {
            hash if hash % 7 == 0 => -0.0,
            hash => (hash as i64 as f64) / 1e18 * [1e-3, 1.0, 1e6][(hash >> 60) as usize % 3],
        };
        let values: Vec<f64> = (0..ABREAST * BLOCK).map(value).collect();
        let words: Vec<u64> = (0..values.len() / 64).map(|i| hash(!(i as u64))).collect();
        let bits =
            |blocks: [Sums; ABREAST]| blocks.map(|sums| (sums.stats.non_zero, sums.all.to_bits(), sums.kept.to_bits()));
        let narrow: Vec<half::bf16> = values.iter().map(|&value| half::bf16::from_f64(value)).collect();
        for words in [None, Some(&words[..])] {
            let wanted = (bits(plain(&values, words)), bits(plain(&narrow, words)));
            for level in InstructionSet::available().into_iter().filter_map(InstructionSet::level) {
                let found = dispatch!(level, simd => {
                    let _ = simd;
                    (bits(abreast(&values, words)), bits(abreast(&narrow, words)))
                });
                assert_eq!(found, wanted);
            }
        }
    }

    #[test]
    fn infinities_outside_the_mask_do_not_leak() {
        let x = PlainTensor::from_logical(&[3], vec![f32::INFINITY, -0.0, 2.0]).unwrap();
        let mask = Mask::from_bools(&[3], &[false, true, true]).unwrap();
        let stats = LayerRef::of(&x).stats(Some(&mask)).unwrap();
        assert_eq!(stats, Stats { non_zero: 2, squared_norm: f64::INFINITY, kept_squared_norm: 4.0 });
    }
}
