//! Matrices as layers.

use nalgebra::{Dim, Matrix, RawStorage, RawStorageMut};
use prune_core::{Element, LayerMut, LayerRef, LentMut, LentTensor, Memory, MemoryMut};

use crate::contiguous::{as_slice, as_slice_mut, layout_of};
use crate::runs::{StridedMatrix, gather};
use crate::{LendMut, PruneExt};

impl<E: Element, R: Dim, C: Dim, S: RawStorage<E, R, C>> PruneExt for Matrix<E, R, C, S> {
    fn layer(&self) -> LayerRef<'_> {
        let memory = match as_slice(self) {
            Some(values) => Memory::Dense(values),
            None => Memory::Gathered(gather(self)),
        };
        LayerRef::lent(LentTensor::new(layout_of(self), memory))
    }
}

impl<E: Element, R: Dim, C: Dim, S: RawStorageMut<E, R, C>> LendMut for Matrix<E, R, C, S> {
    fn lend_mut(&mut self) -> LayerMut<'_> {
        let layout = layout_of(self);
        let memory = if as_slice(self).is_some() {
            match as_slice_mut(self) {
                Some(values) => MemoryMut::Dense(values),
                None => unreachable!("memory that can be read in one piece can be written in one piece"),
            }
        } else {
            MemoryMut::Strided(Box::new(StridedMatrix::new(self)))
        };
        LayerMut::lent(LentMut::new(layout, memory))
    }
}
