//! A ranking of its own for each index of an axis.

use crate::bits::{copy_run, first_bits, read_bits};
use crate::density::Density;
use crate::error::{Error, ErrorKind};
use crate::key::RankBy;
use crate::layout::{Layout, resolve_axis};
use crate::mask::{Mask, to_logical, to_memory};
use crate::select::top::first_nan_of;
use crate::select::{Ranked, Selected, Selector};
use crate::tensor::{Element, LayerRef, for_any_type};
use crate::threads::Threads;
use crate::walk;

impl Selector {
    /// Keeps the best `density` of each slice, a ranking of its own at each index of `axis`: of each output, say, as
    /// Wanda does (Sun et al. 2023). Rule 1 gives the count of a slice, rule 2 the order in it.
    ///
    /// [`Selected::ties`] is the sum over the slices.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AxisOutOfRange`], [`ErrorKind::TooFewAliveInSlice`] of the first slice that lacks elements, [`ErrorKind::Nan`],
    /// [`ErrorKind::ShapeMismatch`] of the mask in force, [`ErrorKind::Layout`].
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements. Each thread holds the keys of a slice, as wide as its elements.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{Density, LayerRef, PlainTensor, Ranked, Selector};
    ///
    /// // A dense layer (in, out): half of the inputs of each output.
    /// let weights = PlainTensor::from_logical(&[4, 2], vec![9.0f32, 0.1, 8.0, 0.2, 7.0, 0.3, 6.0, 0.4])?;
    /// let weights = LayerRef::of(&weights);
    /// let selected = Selector::default().each_along(Ranked::new("fc", &weights), Density::new(0.5)?, 1)?;
    /// assert_eq!(selected.mask.kept_indices().collect::<Vec<_>>(), [0, 2, 5, 7]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn each_along<'a>(
        &self,
        layer: impl Into<Ranked<'a>>,
        density: Density,
        axis: isize,
    ) -> Result<Selected, Error> {
        let layer = &layer.into();
        layer.check()?;
        let found = resolve_axis(axis, layer.scores.rank()).and_then(|axis| self.slices(layer, density, axis));
        found.map_err(|error| error.in_layer(layer.name))
    }

    fn slices(&self, layer: &Ranked<'_>, density: Density, axis: usize) -> Result<Selected, Error> {
        for_any_type!(LayerRef, layer.scores, lent => {
            let (layout, values) = lent.dense()?;
            if layout.is_empty() {
                return Ok(Selected { mask: Mask::none(layout.shape())?, ties: 0, short_groups: 0 });
            }
            let slices = Slices::of(&layout, values, layer.alive, axis, self)?;
            let asked = density.kept_of(slices.each);
            slices.check_alive(asked)?;
            // Only where there is a NaN does it matter which is the first.
            slices
                .select(asked)
                .ok_or_else(|| ErrorKind::Nan { index: first_nan_of(layer).unwrap_or_default() }.into())
        })
    }
}

/// A layer in slices, one after the other; in each its elements are in logical order.
struct Slices<'a, E> {
    values: &'a [E],
    /// What is alive, in the order of slices.
    alive: Option<Vec<u64>>,
    /// The slices' order as if it were memory.
    order: Layout,
    /// How one slice lies in memory, but for its offset.
    shape: Vec<usize>,
    strides: Vec<isize>,
    offset: usize,
    step: isize,
    axis: usize,
    count: usize,
    each: usize,
    by: RankBy,
    threads: Threads,
}

/// Elements that a task ranks, if a slice is not longer.
const A_TASK: usize = 1 << 14;

impl<'a, E: Element> Slices<'a, E> {
    /// Of a layout that is true of the values, and not empty.
    fn of(
        layout: &Layout,
        values: &'a [E],
        alive: Option<&Mask>,
        axis: usize,
        selector: &Selector,
    ) -> Result<Self, Error> {
        let (mut shape, mut strides) = (layout.shape().to_vec(), layout.strides().to_vec());
        let (count, step) = (shape.remove(axis), strides.remove(axis));
        let each = layout.len() / count;
        let mut in_order = Layout::row_major(&shape)?.strides().to_vec();
        in_order.insert(axis, each as isize);
        let order = Layout::new(layout.shape(), &in_order, 0)?;
        let threads = selector.threads.for_elements(layout.len());
        let alive = alive.map(|mask| to_memory(mask.words(), &order, threads));
        let (offset, by) = (layout.offset(), selector.rank_by);
        Ok(Slices { values, alive, order, shape, strides, offset, step, axis, count, each, by, threads })
    }

    /// Refuses to keep more than is alive, in any slice.
    fn check_alive(&self, asked: usize) -> Result<(), Error> {
        let Some(words) = &self.alive else { return Ok(()) };
        for slice in 0..self.count {
            let starts = (0..self.each).step_by(64);
            let in_word = |start: usize| self.bits(words, slice, start).count_ones() as usize;
            let alive = starts.map(in_word).sum();
            if asked > alive {
                let axis = self.axis;
                return Err(ErrorKind::TooFewAliveInSlice { axis, slice, asked, alive }.into());
            }
        }
        Ok(())
    }

    /// Up to 64 bits of a slice, from one of its elements on.
    fn bits(&self, words: &[u64], slice: usize, start: usize) -> u64 {
        let past = 64usize.saturating_sub(self.each - start);
        read_bits(words, slice * self.each + start) & (u64::MAX >> past)
    }

    /// The best `asked` of each slice, which are alive; nothing where an element alive is NaN.
    fn select(&self, asked: usize) -> Option<Selected> {
        let slices_a_task = (A_TASK / self.each).max(1);
        let tasks = (0..self.count).step_by(slices_a_task).collect();
        let found = self.threads.map(tasks, |first: usize| {
            let slices = first..self.count.min(first + slices_a_task);
            let mut words = vec![0; (slices.len() * self.each).div_ceil(64)];
            let (mut ties, mut ranking) = (0, Ranking::default());
            for slice in slices.clone() {
                let kept = self.rank(slice, asked, &mut ranking)?;
                copy_run(&ranking.words, 0, &mut words, (slice - first) * self.each, self.each);
                ties += kept;
            }
            Some((slices.len() * self.each, words, ties))
        });
        let (mut words, mut at, mut ties) = (vec![0; self.order.len().div_ceil(64)], 0, 0);
        for found in found {
            let (bits, of_task, tied) = found?;
            copy_run(&of_task, 0, &mut words, at, bits);
            (at, ties) = (at + bits, ties + tied);
        }
        let words = to_logical(words, &self.order, self.threads);
        let mask = Mask::from_own_words(self.order.shape(), self.order.len(), words);
        Some(Selected { mask, ties, short_groups: 0 })
    }

    /// Ranks one slice into `ranking.words`, and counts the ties at its cut.
    fn rank(&self, slice: usize, asked: usize, ranking: &mut Ranking<E::Key>) -> Option<usize> {
        let Ranking { keys, alive, words } = ranking;
        keys.clear();
        words.clear();
        words.extend((0..self.each).step_by(64).map(|start| match &self.alive {
            Some(alive) => self.bits(alive, slice, start),
            None => u64::MAX >> 64usize.saturating_sub(self.each - start),
        }));
        let mut nan = false;
        let mut index = 0;
        let offset = (self.offset as isize + slice as isize * self.step) as usize;
        let layout = Layout::new(&self.shape, &self.strides, offset).ok()?;
        walk::logical(&layout, |position| {
            let value = self.values[position];
            nan |= value.is_nan() && words[index / 64] >> (index % 64) & 1 == 1;
            keys.push(value.key(self.by));
            index += 1;
        });
        if nan {
            return None;
        }
        let Some(last) = asked.checked_sub(1) else {
            words.fill(0);
            return Some(0);
        };
        alive.clear();
        let is_alive = |words: &[u64], i: usize| words[i / 64] >> (i % 64) & 1 == 1;
        alive.extend((0..keys.len()).filter(|&i| is_alive(words, i)).map(|i| keys[i]));
        let (greater, &mut cut, smaller) = alive.select_nth_unstable_by(last, |a, b| b.cmp(a));
        let above = greater.iter().filter(|&&key| key > cut).count();
        let tied = asked - above + smaller.iter().filter(|&&key| key == cut).count();
        let mut left = asked - above;
        for (word, keys) in words.iter_mut().zip(keys.chunks(64)) {
            let (mut sure, mut equal) = (0, 0);
            for (bit, key) in keys.iter().enumerate() {
                sure |= u64::from(*key > cut) << bit;
                equal |= u64::from(*key == cut) << bit;
            }
            let equal = first_bits(equal & *word, left.min(64));
            left -= equal.count_ones() as usize;
            *word = sure & *word | equal;
        }
        Some(if tied > asked - above { tied } else { 0 })
    }
}

/// Memory that lives on from slice to slice.
struct Ranking<K> {
    /// Of all the elements.
    keys: Vec<K>,
    /// Of those alive, in any order.
    alive: Vec<K>,
    /// What is alive, then what is kept.
    words: Vec<u64>,
}

impl<K> Default for Ranking<K> {
    fn default() -> Self {
        Ranking { keys: Vec::new(), alive: Vec::new(), words: Vec::new() }
    }
}

#[cfg(test)]
mod tests;
