//! Applying masks: zeros where a mask is false, and nothing else.

use crate::element::Element;
use crate::error::Error;
use crate::kernel::instructions::level;
use crate::kernel::lanes::Lanes;
use crate::kernel::zero::zero_outside;
use crate::layer::{LayerMut, LayerRef, for_any_type};
use crate::mask::{Mask, to_memory};
use crate::tensor::{Lent, LentMut, MemoryMut};
use crate::threads::Threads;

/// Elements that one task writes.
const CHUNK: usize = 1 << 16;

impl LayerMut<'_> {
    /// Writes `+0.0` where the mask is false (rule 7). Kept elements stay as they are, to the bit; it never
    /// multiplies, since NaN times 0 is NaN. Doing it twice is doing it once.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`] and [`Error::Layout`], before anything is written.
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

    /// Applies a mask that [`LayerMut::check_apply`] has passed.
    pub(crate) fn zero_outside(&mut self, mask: &Mask, threads: Threads) {
        for_any_type!(LayerMut, self, lent => apply(lent, mask, threads));
    }
}

impl LayerRef<'_> {
    /// How many elements outside the mask are not `+0.0`: what momentum or weight decay brought back. `-0.0` counts.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`], [`Error::Layout`].
    pub fn revivals(&self, mask: &Mask) -> Result<usize, Error> {
        mask.fits("mask", self.shape())?;
        for_any_type!(LayerRef, self, lent => revivals(lent, mask, Threads::Pool))
    }
}

fn apply<E: Lanes>(lent: &mut LentMut<'_, E>, mask: &Mask, threads: Threads) {
    match &mut lent.memory {
        MemoryMut::Dense(values) => {
            let threads = threads.for_elements(values.len());
            let moved;
            let words = if lent.layout.is_row_major() {
                mask.words()
            } else {
                moved = to_memory(mask.words(), &lent.layout, threads);
                &moved
            };
            let level = level();
            let tasks: Vec<_> = values.chunks_mut(CHUNK).zip(words.chunks(CHUNK / 64)).collect();
            threads.map(tasks, |(values, words)| zero_outside(level, values, words));
        }
        MemoryMut::Strided(strided) => strided.for_each_run(&mut |run| {
            let mut index = run.first;
            for value in run.values {
                // Runs have been checked; should they have changed since, what lies outside is left alone.
                if index < mask.len() && !mask.is_kept(index) {
                    *value = E::ZERO;
                }
                index = index.wrapping_add_signed(run.step);
            }
        }),
    }
}

fn revivals<E: Element>(lent: &Lent<'_, E>, mask: &Mask, threads: Threads) -> Result<usize, Error> {
    let (layout, values) = lent.dense()?;
    let threads = threads.for_elements(values.len());
    let words = to_memory(mask.words(), &layout, threads);
    let tasks: Vec<_> = values.chunks(CHUNK).zip(words.chunks(CHUNK / 64)).collect();
    let counts = threads.map(tasks, |(values, words)| {
        let block = |(block, word): (&[E], &u64)| {
            block.iter().enumerate().filter(|(bit, value)| word >> bit & 1 == 0 && value.has_bits()).count()
        };
        values.chunks(64).zip(words).map(block).sum::<usize>()
    });
    Ok(counts.into_iter().sum())
}
