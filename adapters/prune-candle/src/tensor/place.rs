//! The place of a tensor's elements in the memory of its storage.

use core::ops::Range;

use candle_core::{Layout as CandleLayout, Tensor};
use prune_core::Layout;

/// The positions of a tensor's elements.
#[derive(Debug, Clone)]
pub(crate) enum MemoryPlace {
    /// There are no elements.
    Empty,
    /// One piece without gaps. The layout gives the order of axes.
    Piece { layout: Layout, range: Range<usize> },
    /// There are gaps between elements.
    Gaps,
    /// Some elements occur more than once, as in a broadcast view.
    Repeats,
}

impl MemoryPlace {
    pub(crate) fn of(tensor: &Tensor) -> Self {
        let lies = tensor.layout();
        if tensor.elem_count() == 0 {
            return MemoryPlace::Empty;
        }
        if lies.has_internal_overlap() {
            return MemoryPlace::Repeats;
        }
        let mut axes: Vec<(usize, usize)> = lies
            .dims()
            .iter()
            .zip(lies.stride())
            .filter(|(len, _)| **len > 1)
            .map(|(len, step)| (*step, *len))
            .collect();
        axes.sort_unstable();
        let mut dense = 1;
        for (step, len) in axes {
            if step != dense {
                return MemoryPlace::Gaps;
            }
            dense *= len;
        }
        let start = lies.start_offset();
        match layout_from_its_start(lies) {
            Some(layout) => MemoryPlace::Piece { layout, range: start..start + dense },
            None => MemoryPlace::Gaps,
        }
    }
}

/// The layout relative to the first element, which has the lowest position: candle has no axes that run backwards.
fn layout_from_its_start(lies: &CandleLayout) -> Option<Layout> {
    let strides: Vec<isize> = lies.stride().iter().map(|&step| step as isize).collect();
    Layout::new(lies.dims(), &strides, 0).ok()
}

/// The layout of a tensor's elements in logical order.
pub(crate) fn row_major(tensor: &Tensor) -> Layout {
    match Layout::row_major(tensor.dims()) {
        Ok(layout) => layout,
        Err(error) => unreachable!("the elements of a tensor can be counted: {error}"),
    }
}

/// The position in memory of each element, in logical order.
pub(crate) fn positions(lies: &CandleLayout) -> impl Iterator<Item = usize> {
    let (shape, strides) = (lies.dims(), lies.stride());
    let (mut index, mut position) = (vec![0; shape.len()], lies.start_offset());
    (0..lies.shape().elem_count()).map(move |_| {
        let here = position;
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            position += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            position -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
        here
    })
}
