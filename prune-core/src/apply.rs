//! Applying masks: zeros where a mask is false, and nothing else.

use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::kernel::instructions::level;
use crate::kernel::zero::zero_outside;
use crate::layout::Layout;
use crate::mask::{Mask, to_memory};
use crate::tensor::{Element, LayerMut, LayerRef, Lent, MemoryMut, Strided, for_any_type};
use crate::threads::Threads;

/// Elements that one task writes.
const CHUNK: usize = 1 << 16;

impl LayerMut<'_> {
    /// Writes `+0.0` where the mask is false (rule 7). Kept elements stay as they are, to the bit; it never
    /// multiplies, since NaN times 0 is NaN. Doing it twice is doing it once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeMismatch`] and [`ErrorKind::Layout`], before anything is written.
    ///
    /// # Complexity
    ///
    /// One pass over the memory; nothing is copied, also where the memory has gaps (whose runs are gone through once
    /// more, to check that they hold every element).
    pub fn apply_mask(&mut self, mask: &Mask) -> Result<(), Error> {
        self.apply_mask_on(mask, Threads::Pool)
    }

    /// As [`LayerMut::apply_mask`], where it is told to run.
    ///
    /// # Errors
    ///
    /// As [`LayerMut::apply_mask`].
    pub fn apply_mask_on(&mut self, mask: &Mask, threads: Threads) -> Result<(), Error> {
        self.check_apply(mask)?;
        self.zero_outside(mask, threads);
        Ok(())
    }

    /// Everything that makes applying fail, so that several layers can be checked before the first is written.
    pub(crate) fn check_apply(&mut self, mask: &Mask) -> Result<(), Error> {
        mask.fits("mask", self.shape())?;
        for_any_type!(LayerMut, self, lent => lent.check())
    }

    /// Whether the memory is in one piece.
    fn is_dense(&self) -> bool {
        for_any_type!(LayerMut, self, lent => matches!(lent.memory, MemoryMut::Dense(_)))
    }

    /// Applies a mask that [`LayerMut::check_apply`] has passed.
    pub(crate) fn zero_outside(&mut self, mask: &Mask, threads: Threads) {
        zero_outside_all(&mut [(mask, self)], threads);
    }
}

/// Applies masks that [`LayerMut::check_apply`] has passed, all in one go: waking a thread takes about as long as going
/// through a layer, and a mask whose bits must be brought into the order of memory is, once for all layers that lie alike.
pub(crate) fn zero_outside_all(masked: &mut [(&Mask, &mut LayerMut<'_>)], threads: Threads) {
    let threads = threads.for_elements(masked.iter().map(|(mask, _)| mask.len()).sum());
    let mut moved: Vec<(&Mask, Layout, Vec<u64>)> = Vec::new();
    for (mask, layer) in masked.iter() {
        let known = |(other, layout, _): &(&Mask, Layout, _)| core::ptr::eq(*mask, *other) && layout == layer.layout();
        if !layer.layout().is_row_major() && layer.is_dense() && !moved.iter().any(known) {
            moved.push((*mask, layer.layout().clone(), to_memory(mask.words(), layer.layout(), threads)));
        }
    }
    let level = level();
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for (mask, layer) in masked {
        let mask: &Mask = mask;
        let same = |(other, layout, _): &&(&Mask, Layout, _)| core::ptr::eq(mask, *other) && layout == layer.layout();
        let words = moved.iter().find(same).map_or(mask.words(), |(_, _, words)| words);
        for_any_type!(LayerMut, layer, lent => match &mut lent.memory {
            MemoryMut::Dense(values) => {
                for (values, words) in values.chunks_mut(CHUNK).zip(words.chunks(CHUNK / 64)) {
                    tasks.push(Box::new(move || zero_outside(level, values, words)));
                }
            }
            MemoryMut::Strided(strided) => tasks.push(Box::new(move || zero_outside_runs(&mut **strided, mask))),
        });
    }
    threads.map(tasks, |work| work());
}

/// The work on a part of one layer.
type Task<'a> = Box<dyn FnOnce() + Send + 'a>;

impl LayerRef<'_> {
    /// How many elements outside the mask are not zero: what momentum or weight decay brought back (rule 8). A zero of
    /// either sign is zero, and NaN is not.
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
        for_any_type!(LayerRef, self, lent => revivals(lent, mask, Threads::Pool))
    }
}

/// Writes zeros where the memory has gaps.
fn zero_outside_runs<E: Element>(strided: &mut (dyn Strided<E> + '_), mask: &Mask) {
    strided.for_each_run(&mut |run| {
        let mut index = run.first;
        for value in run.values {
            // Runs have been checked; should they have changed since, what lies outside is left alone.
            if index < mask.len() && !mask.is_kept(index) {
                *value = E::ZERO;
            }
            index = index.wrapping_add_signed(run.step);
        }
    });
}

fn revivals<E: Element>(lent: &Lent<'_, E>, mask: &Mask, threads: Threads) -> Result<usize, Error> {
    let (layout, values) = lent.dense()?;
    let threads = threads.for_elements(values.len());
    let words = to_memory(mask.words(), &layout, threads);
    let tasks: Vec<_> = values.chunks(CHUNK).zip(words.chunks(CHUNK / 64)).collect();
    let counts = threads.map(tasks, |(values, words)| {
        let block = |(block, word): (&[E], &u64)| {
            block.iter().enumerate().filter(|(bit, value)| word >> bit & 1 == 0 && **value != E::ZERO).count()
        };
        values.chunks(64).zip(words).map(block).sum::<usize>()
    });
    Ok(counts.into_iter().sum())
}
