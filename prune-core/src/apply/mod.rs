//! Applies masks: writes zeros where a mask is false, and nothing else.

mod runs;

use crate::apply::runs::for_each_part;
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::kernel::instructions::level;
use crate::kernel::zero::zero_outside;
use crate::layout::Layout;
use crate::mask::{Mask, to_memory};
use crate::tensor::{Element, LayerMut, LayerRef, MemoryMut, RunOrder, for_any_type};
use crate::threads::Threads;

/// The number of elements that one task writes.
const CHUNK: usize = 1 << 16;

impl LayerMut<'_> {
    /// Writes `+0.0` where the mask is false (rule 7). Kept elements stay as they are, to the bit. It never
    /// multiplies, since NaN times 0 is NaN. Applying twice equals applying once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeMismatch`] and [`ErrorKind::Layout`], before anything is written.
    ///
    /// # Complexity
    ///
    /// One pass over the memory; nothing is copied. Memory with gaps takes a second pass over its runs, to check that
    /// they hold every element.
    pub fn apply_mask(&mut self, mask: &Mask) -> Result<(), Error> {
        self.apply_mask_on(mask, Threads::Pool)
    }

    /// Does the same as [`LayerMut::apply_mask`] on the given threads.
    ///
    /// # Errors
    ///
    /// As [`LayerMut::apply_mask`].
    pub fn apply_mask_on(&mut self, mask: &Mask, threads: Threads) -> Result<(), Error> {
        self.check_apply(mask)?;
        self.zero_outside(mask, threads);
        Ok(())
    }

    /// Makes every check of applying and writes nothing, so that several layers can be checked before the first is
    /// written.
    pub(crate) fn check_apply(&mut self, mask: &Mask) -> Result<(), Error> {
        mask.fits("mask", self.shape())?;
        for_any_type!(LayerMut, self, lent => lent.check())
    }

    /// Applies a mask that [`LayerMut::check_apply`] has passed.
    pub(crate) fn zero_outside(&mut self, mask: &Mask, threads: Threads) {
        zero_outside_all(&mut [(mask, self)], threads);
    }
}

/// Applies masks that [`LayerMut::check_apply`] has passed, all at once. Waking a thread takes about as long as going
/// through a layer. A mask whose bits must be brought into the order of memory is brought once for all layers with
/// the same layout.
pub(crate) fn zero_outside_all(masked: &mut [(&Mask, &mut LayerMut<'_>)], threads: Threads) {
    let threads = threads.for_elements(masked.iter().map(|(mask, _)| mask.len()).sum());
    let orders: Vec<MemoryOrder> = masked.iter_mut().map(|(_, layer)| MemoryOrder::of(layer)).collect();
    let mut moved: Vec<(&Mask, &Layout, Vec<u64>)> = Vec::new();
    for ((mask, _), order) in masked.iter().zip(&orders) {
        let Some(layout) = &order.layout else { continue };
        if !moved.iter().any(|(other, known, _)| core::ptr::eq(*mask, *other) && layout == *known) {
            moved.push((*mask, layout, to_memory(mask.words(), layout, threads)));
        }
    }
    let level = level();
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for ((mask, layer), order) in masked.iter_mut().zip(&orders) {
        let mask: &Mask = mask;
        let same = |(other, layout, _): &&(&Mask, &Layout, _)| {
            core::ptr::eq(mask, *other) && order.layout.as_ref() == Some(*layout)
        };
        let words = moved.iter().find(same).map_or(mask.words(), |(_, _, words)| words);
        for_any_type!(LayerMut, layer, lent => match &mut lent.memory {
            MemoryMut::Dense(values) => {
                for (values, words) in values.chunks_mut(CHUNK).zip(words.chunks(CHUNK / 64)) {
                    tasks.push(Box::new(move || zero_outside(level, values, words)));
                }
            }
            MemoryMut::Strided(strided) => {
                let ordered = order.runs.map(|order| (order, words));
                for_each_part(&mut **strided, mask, ordered, |part| tasks.push(Box::new(move || part.zero_outside())));
            }
            MemoryMut::Guarded(guarded) => tasks.push(Box::new(move || {
                guarded.write(&mut |values| zero_outside(level, values, words));
            })),
            MemoryMut::Opaque(_) => {} // refused by the check
        });
    }
    threads.map(tasks, |work| work());
}

/// The work on one part of a layer.
type Task<'a> = Box<dyn FnOnce() + Send + 'a>;

/// The order in which a layer's elements come in memory.
struct MemoryOrder {
    /// None if it is logical order, or if no layout can express it.
    layout: Option<Layout>,
    /// The order of the runs, if memory has gaps and the runs come evenly.
    runs: Option<RunOrder>,
}

impl MemoryOrder {
    fn of(layer: &mut LayerMut<'_>) -> Self {
        for_any_type!(LayerMut, layer, lent => match &mut lent.memory {
            MemoryMut::Dense(_) | MemoryMut::Guarded(_) => {
                MemoryOrder { layout: (!lent.layout.is_row_major()).then(|| lent.layout.clone()), runs: None }
            }
            MemoryMut::Strided(strided) => {
                let runs = RunOrder::of(&mut **strided, lent.layout.len());
                MemoryOrder { layout: runs.and_then(RunOrder::layout), runs }
            }
            MemoryMut::Opaque(_) => MemoryOrder { layout: None, runs: None },
        })
    }
}

impl LayerRef<'_> {
    /// The number of elements outside the mask that are not zero, which momentum or weight decay brought back (rule
    /// 8). A zero of either sign is zero, and NaN is not.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{LayerRef, Mask, PlainTensor};
    ///
    /// // A product with a mask leaves -0.0 where a negative weight was.
    /// let weights = PlainTensor::from_logical(&[4], vec![-1.0f32 * 0.0, 0.0, 0.5, 1.0])?;
    /// let mask = Mask::from_bools(&[4], &[false, false, false, true])?;
    /// assert_eq!(LayerRef::of(&weights).revivals(&mask)?, 1);
    /// # Ok::<(), prune_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeMismatch`], [`ErrorKind::Layout`].
    pub fn revivals(&self, mask: &Mask) -> Result<usize, Error> {
        mask.fits("mask", self.shape())?;
        revivals_of_all(&[(mask, self)], Threads::Pool)
    }
}

/// The number of non-zero elements outside the masks of some layers, counted at once as in [`zero_outside_all`]. The
/// masks fit.
pub(crate) fn revivals_of_all(masked: &[(&Mask, &LayerRef<'_>)], threads: Threads) -> Result<usize, Error> {
    let threads = threads.for_elements(masked.iter().map(|(mask, _)| mask.len()).sum());
    let in_memory = |(mask, layer): &(&Mask, &LayerRef<'_>)| {
        for_any_type!(LayerRef, layer, lent => {
            let (layout, _) = lent.dense()?;
            Ok((!layout.is_row_major()).then(|| to_memory(mask.words(), &layout, threads)))
        })
    };
    let moved: Vec<Option<Vec<u64>>> = masked.iter().map(in_memory).collect::<Result<_, Error>>()?;
    let mut tasks: Vec<Box<dyn FnOnce() -> usize + Send + '_>> = Vec::new();
    for ((mask, layer), moved) in masked.iter().zip(&moved) {
        let words = moved.as_deref().unwrap_or(mask.words());
        for_any_type!(LayerRef, layer, lent => {
            for (values, words) in lent.dense()?.1.chunks(CHUNK).zip(words.chunks(CHUNK / 64)) {
                tasks.push(Box::new(move || non_zeros_outside(values, words)));
            }
        });
    }
    Ok(threads.map(tasks, |work| work()).into_iter().sum())
}

/// The number of elements whose bits are made at a time.
const PIECE: usize = 4096;

/// The number of `values` that are not zero and whose bit in `words` is not set.
fn non_zeros_outside<E: Element>(values: &[E], words: &[u64]) -> usize {
    let mut non_zero = [0; PIECE / 64];
    let of_piece = |(values, words): (&[E], &[u64])| -> usize {
        let non_zero = &mut non_zero[..words.len()];
        if E::non_zeros(values, non_zero) {
            // There is a NaN among them, so the bits mean nothing.
            return plain_non_zeros_outside(values, words);
        }
        non_zero.iter().zip(words).map(|(non_zero, kept)| (non_zero & !kept).count_ones() as usize).sum()
    };
    values.chunks(PIECE).zip(words.chunks(PIECE / 64)).map(of_piece).sum()
}

/// The same count as [`non_zeros_outside`], element by element.
fn plain_non_zeros_outside<E: Element>(values: &[E], words: &[u64]) -> usize {
    let outside = |i: usize| words[i / 64] >> (i % 64) & 1 == 0;
    values.iter().enumerate().filter(|&(i, value)| outside(i) && *value != E::ZERO).count()
}

#[cfg(test)]
mod tests;
