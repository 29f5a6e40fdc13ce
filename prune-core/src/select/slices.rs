//! A ranking of each slice, at each index of an axis, alone.

use crate::bits::{BitSink, read_bits};
use crate::density::Density;
use crate::error::{Error, ErrorKind};
use crate::kernel::lanes::Lanes;
use crate::key::RankBy;
use crate::layout::{Layout, resolve_axis};
use crate::mask::{Mask, to_logical, to_memory};
use crate::select::slice_rank::SliceRanking;
use crate::select::top::first_nan_of;
use crate::select::{Ranked, Selected, Selector};
use crate::tensor::{Element, LayerRef, for_any_type};
use crate::threads::Threads;
use crate::walk;

impl Selector {
    /// Keeps the best `density` of each slice: each index of `axis`, such as each output, is ranked alone, as in
    /// Wanda (Sun et al. 2023). Rule 1 gives the count of a slice, rule 2 the order in it.
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
            // The index of the first NaN is searched for only if there is a NaN.
            slices
                .select(asked)
                .ok_or_else(|| ErrorKind::Nan { index: first_nan_of(layer).unwrap_or_default() }.into())
        })
    }
}

/// A layer in slices, one after the other; the elements of each are in logical order.
struct Slices<'a, E> {
    values: &'a [E],
    /// The bits of alive elements, in the order of slices.
    alive: Option<Vec<u64>>,
    /// The order of slices as a layout, as if it were memory.
    order: Layout,
    /// The layout of one slice, without its offset.
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

/// The number of elements that a task ranks, unless a slice is longer.
const A_TASK: usize = 1 << 17;

/// The number of slices that are gathered together if they do not lie in one piece: neighbours share lines of memory.
const TOGETHER: usize = 16;

impl<'a, E: Element + Lanes> Slices<'a, E> {
    /// The slices of a layout that has been checked against the values and is not empty.
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

    /// Refuses to keep more than is alive in any slice.
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

    /// Keeps the best `asked` alive elements of each slice; none if an alive element is NaN.
    fn select(&self, asked: usize) -> Option<Selected> {
        let inner = Layout::new(&self.shape, &self.strides, 0).ok()?;
        let in_one_piece = inner.merged().iter().all(|&(_, stride)| stride == 1);
        let slices_a_task = (A_TASK / self.each).max(if in_one_piece { 1 } else { TOGETHER });
        let tasks = (0..self.count).step_by(slices_a_task).collect();
        let sink = BitSink::zeros(self.order.len());
        let found = self.threads.map(tasks, |first: usize| {
            let (mut ranking, mut ties) = (SliceRanking::new(self.by), 0);
            let (mut gathered, mut alive) = (Vec::new(), Vec::new());
            let slices = first..self.count.min(first + slices_a_task);
            if !in_one_piece {
                self.gather(&inner, slices.clone(), &mut gathered);
            }
            for slice in slices {
                let values = if in_one_piece {
                    &self.values[self.start(slice)..][..self.each]
                } else {
                    &gathered[(slice - first) * self.each..][..self.each]
                };
                let bits = self.alive.as_ref().map(|words| {
                    alive.clear();
                    alive.extend((0..self.each).step_by(64).map(|start| self.bits(words, slice, start)));
                    &alive[..]
                });
                ties += ranking.rank(values, bits, asked)?;
                sink.put(slice * self.each, &ranking.kept, self.each);
            }
            Some(ties)
        });
        let ties = found.into_iter().sum::<Option<usize>>()?;
        let words = to_logical(sink.into_words(), &self.order, self.threads);
        let mask = Mask::from_own_words(self.order.shape(), self.order.len(), words);
        Some(Selected { mask, ties, short_groups: 0 })
    }

    /// The position of a slice's first element.
    fn start(&self, slice: usize) -> usize {
        (self.offset as isize + slice as isize * self.step) as usize
    }

    /// The elements of some slices, slice after slice, each in logical order.
    fn gather(&self, inner: &Layout, slices: core::ops::Range<usize>, gathered: &mut Vec<E>) {
        gathered.clear();
        gathered.resize(slices.len() * self.each, E::ZERO);
        let mut index = 0;
        walk::logical(inner, |position| {
            for (at, slice) in slices.clone().enumerate() {
                gathered[at * self.each + index] =
                    self.values[(position as isize + self.start(slice) as isize) as usize];
            }
            index += 1;
        });
    }
}

#[cfg(test)]
mod tests;
