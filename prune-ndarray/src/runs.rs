//! Memory with gaps: gathered for reading, written run by run in place.

use ndarray::{ArrayRef, ArrayViewMutD, Axis, Dimension};
use prune_core::{Element, Run, Strided};

/// An array whose memory is not in one piece.
pub(crate) struct StridedArray<'a, E> {
    array: ArrayViewMutD<'a, E>,
}

impl<'a, E: Element> StridedArray<'a, E> {
    pub(crate) fn new<D: Dimension>(array: &'a mut ArrayRef<E, D>) -> Self {
        StridedArray { array: array.view_mut().into_dyn() }
    }

    /// The longest axis whose neighbours are neighbours in memory, if there is one.
    fn axis_of_runs(&self) -> Option<usize> {
        let (shape, strides) = (self.array.shape(), self.array.strides());
        (0..shape.len())
            .filter(|&axis| shape[axis] > 1 && strides[axis].unsigned_abs() == 1)
            .max_by_key(|&axis| shape[axis])
    }
}

impl<E: Element> Strided<E> for StridedArray<'_, E> {
    fn gather(&self) -> Vec<E> {
        self.array.iter().copied().collect()
    }

    fn for_each_run<'s>(&'s mut self, visit: &mut dyn FnMut(Run<'s, E>)) {
        let Some(axis) = self.axis_of_runs() else {
            for (first, value) in self.array.iter_mut().enumerate() {
                visit(Run { first, step: 0, values: core::slice::from_mut(value) });
            }
            return;
        };
        let length = self.array.shape()[axis];
        let backwards = self.array.strides()[axis] < 0;
        // In logical order, one step along the axis passes over all later axes.
        let step: usize = self.array.shape()[axis + 1..].iter().product();
        for (lane, values) in self.array.lanes_mut(Axis(axis)).into_iter().enumerate() {
            // Lanes come in the logical order of their first elements.
            let first = lane / step * step * length + lane % step;
            let Some(values) = values.into_slice_memory_order() else {
                unreachable!("a lane of stride 1 or -1 is in one piece");
            };
            if backwards {
                visit(Run { first: first + (length - 1) * step, step: -(step as isize), values });
            } else {
                visit(Run { first, step: step as isize, values });
            }
        }
    }
}
