//! The plain reference tensor: a vector and a layout.

use crate::error::{Error, ErrorKind};
use crate::layout::Layout;
use crate::tensor::{Element, Memory, MemoryMut, Tensor, TensorMut};
use crate::walk;

/// A vector with a [`Layout`]: the tensor for users without a tensor crate, and the reference in tests.
#[derive(Debug, Clone, PartialEq)]
pub struct PlainTensor<E> {
    layout: Layout,
    values: Vec<E>,
}

impl<E: Element> PlainTensor<E> {
    /// A row-major tensor.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongLen`] if there are more or fewer values than the shape has elements,
    /// [`ErrorKind::ShapeOverflow`].
    pub fn from_logical(shape: &[usize], values: Vec<E>) -> Result<Self, Error> {
        let layout = Layout::row_major(shape)?;
        if layout.len() != values.len() {
            return Err(ErrorKind::WrongLen { shape: shape.to_vec(), expected: layout.len(), got: values.len() }.into());
        }
        Ok(PlainTensor { layout, values })
    }

    /// A tensor whose memory is `values` under any dense layout.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Layout`] if `values` are not exactly the elements of `layout`.
    pub fn from_memory(layout: Layout, values: Vec<E>) -> Result<Self, Error> {
        layout.check_dense(values.len())?;
        Ok(PlainTensor { layout, values })
    }

    /// The values in memory order.
    pub fn values(&self) -> &[E] {
        &self.values
    }

    /// The values in memory order, to be written.
    pub fn values_mut(&mut self) -> &mut [E] {
        &mut self.values
    }

    /// The values in logical order.
    pub fn to_logical(&self) -> Vec<E> {
        walk::gather(&self.layout, &self.values)
    }
}

impl<E: Element> Tensor for PlainTensor<E> {
    type Elem = E;

    fn layout(&self) -> Layout {
        self.layout.clone()
    }

    fn memory(&self) -> Memory<'_, E> {
        Memory::Dense(&self.values)
    }
}

impl<E: Element> TensorMut for PlainTensor<E> {
    fn memory_mut(&mut self) -> MemoryMut<'_, E> {
        MemoryMut::Dense(&mut self.values)
    }
}
