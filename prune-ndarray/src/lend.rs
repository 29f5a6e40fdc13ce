//! Arrays as layers.

use ndarray::{ArrayBase, ArrayRef, Data, DataMut, Dimension};
use prune_core::{Element, LayerMut, LayerRef, LentMut, LentTensor, Memory, MemoryMut};

use crate::contiguous::{as_slice, as_slice_mut, layout_of};
use crate::runs::StridedArray;
use crate::{LendMut, PruneExt};

impl<E: Element, S: Data<Elem = E>, D: Dimension> PruneExt for ArrayBase<S, D> {
    fn layer(&self) -> LayerRef<'_> {
        lend(self)
    }
}

impl<E: Element, D: Dimension> PruneExt for ArrayRef<E, D> {
    fn layer(&self) -> LayerRef<'_> {
        lend(self)
    }
}

impl<E: Element, S: DataMut<Elem = E>, D: Dimension> LendMut for ArrayBase<S, D> {
    fn lend_mut(&mut self) -> LayerMut<'_> {
        lend_mut(self)
    }
}

impl<E: Element, D: Dimension> LendMut for ArrayRef<E, D> {
    fn lend_mut(&mut self) -> LayerMut<'_> {
        lend_mut(self)
    }
}

fn lend<E: Element, D: Dimension>(array: &ArrayRef<E, D>) -> LayerRef<'_> {
    let memory = match as_slice(array) {
        Some(values) => Memory::Dense(values),
        None => Memory::Gathered(array.iter().copied().collect()),
    };
    LayerRef::lent(LentTensor::new(layout_of(array), memory))
}

fn lend_mut<E: Element, D: Dimension>(array: &mut ArrayRef<E, D>) -> LayerMut<'_> {
    let layout = layout_of(array);
    let memory = if as_slice(array).is_some() {
        match as_slice_mut(array) {
            Some(values) => MemoryMut::Dense(values),
            None => unreachable!("memory that can be read in one piece can be written in one piece"),
        }
    } else {
        MemoryMut::Strided(Box::new(StridedArray::new(array)))
    };
    LayerMut::lent(LentMut::new(layout, memory))
}
