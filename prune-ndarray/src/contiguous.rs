//! Memory in one piece, and its layout.

use ndarray::{ArrayRef, Dimension};
use prune_core::{Element, Layout};

/// The elements in memory order, if they lie without gaps or repeats, in any order and direction of axes.
pub(crate) fn as_slice<E, D: Dimension>(array: &ArrayRef<E, D>) -> Option<&[E]> {
    array.as_slice_memory_order()
}

/// The same as [`as_slice`], for writing.
pub(crate) fn as_slice_mut<E, D: Dimension>(array: &mut ArrayRef<E, D>) -> Option<&mut [E]> {
    array.as_slice_memory_order_mut()
}

/// The layout of the elements in memory. ndarray lends memory from its lowest address on, so the first logical
/// element is found by going back along every axis that runs backwards.
pub(crate) fn layout_of<E: Element, D: Dimension>(array: &ArrayRef<E, D>) -> Layout {
    let (shape, strides) = (array.shape(), array.strides());
    let backwards = |(&length, &stride): (&usize, &isize)| match stride {
        ..0 => length.saturating_sub(1) * stride.unsigned_abs(),
        _ => 0,
    };
    let offset = if array.is_empty() { 0 } else { shape.iter().zip(strides).map(backwards).sum() };
    match Layout::new(shape, strides, offset) {
        Ok(layout) => layout,
        Err(error) => unreachable!("ndarray has a stride for every axis and a length that can be counted: {error}"),
    }
}
