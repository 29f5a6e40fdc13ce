//! Layers with their element type erased.

use crate::element_type::ElementType;
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::layout::Layout;
use crate::tensor::element::sealed::Sealed;
use crate::tensor::{Element, LentMut, LentTensor, Memory, MemoryMut, Tensor, TensorMut};
use crate::walk;

/// A tensor of any element type, lent for reading. Models mix ranks and element types, so they lend their layers as
/// this.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum LayerRef<'a> {
    /// A tensor of `f32`.
    F32(LentTensor<'a, f32>),
    /// A tensor of `f64`.
    F64(LentTensor<'a, f64>),
    /// A tensor of `f16`.
    F16(LentTensor<'a, half::f16>),
    /// A tensor of `bf16`.
    Bf16(LentTensor<'a, half::bf16>),
}

/// A tensor of any element type, lent for writing.
#[non_exhaustive]
pub enum LayerMut<'a> {
    /// A tensor of `f32`.
    F32(LentMut<'a, f32>),
    /// A tensor of `f64`.
    F64(LentMut<'a, f64>),
    /// A tensor of `f16`.
    F16(LentMut<'a, half::f16>),
    /// A tensor of `bf16`.
    Bf16(LentMut<'a, half::bf16>),
}

/// Runs `$body` with `$lent` bound to the content of any variant of `$layer` (an enum `$Layer` over the element
/// types).
macro_rules! for_any_type {
    ($Layer:ident, $layer:expr, $lent:ident => $body:expr) => {
        match $layer {
            $Layer::F32($lent) => $body,
            $Layer::F64($lent) => $body,
            $Layer::F16($lent) => $body,
            $Layer::Bf16($lent) => $body,
        }
    };
}
pub(crate) use for_any_type;

impl<'a> LayerRef<'a> {
    /// A backend's tensor as a layer.
    pub fn of<T: Tensor + ?Sized>(tensor: &'a T) -> Self {
        <T::Elem as Sealed>::lent(LentTensor::new(tensor.layout(), tensor.memory()))
    }

    /// A layer from a lent layout and memory.
    pub fn lent<E: Element>(lent: LentTensor<'a, E>) -> Self {
        E::lent(lent)
    }

    /// A parameter of this shape whose elements are not accessible, with the reason: a type that is not pruned, or
    /// memory of another device. It is listed like every other layer, so that its name is known. Every operation that
    /// needs its elements is refused with [`ErrorKind::Opaque`], which gives the reason; other operations are not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeOverflow`].
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{Density, LayerRef, PruneExt, Selector};
    ///
    /// let counts = LayerRef::opaque(&[2, 2], "its elements are 64-bit integers")?;
    /// assert_eq!((counts.shape(), counts.opaque_reason()), (&[2, 2][..], Some("its elements are 64-bit integers")));
    /// let refused = Selector::magnitude().unstructured(&counts, Density::new(0.5)?).unwrap_err();
    /// assert_eq!(refused.to_string(), "it cannot be pruned: its elements are 64-bit integers; exclude it");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn opaque(shape: &[usize], why: &'a str) -> Result<Self, Error> {
        Ok(LayerRef::F32(LentTensor::new(Layout::row_major(shape)?, Memory::Opaque(why))))
    }

    /// The reason why the elements are not accessible; none if they are.
    pub fn opaque_reason(&self) -> Option<&str> {
        for_any_type!(LayerRef, self, lent => match &lent.memory {
            Memory::Opaque(why) => Some(*why),
            Memory::Dense(_) | Memory::Gathered(_) => None,
        })
    }

    /// The layout claimed.
    pub fn layout(&self) -> &Layout {
        for_any_type!(LayerRef, self, lent => &lent.layout)
    }

    /// The length of each dimension.
    pub fn shape(&self) -> &[usize] {
        self.layout().shape()
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.layout().rank()
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.layout().len()
    }

    /// True if there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element type; always `f32` for an opaque layer.
    pub fn element_type(&self) -> ElementType {
        match self {
            LayerRef::F32(_) => ElementType::F32,
            LayerRef::F64(_) => ElementType::F64,
            LayerRef::F16(_) => ElementType::F16,
            LayerRef::Bf16(_) => ElementType::Bf16,
        }
    }

    /// The same layer, lent for a shorter time; a gathered copy is copied once more.
    pub(crate) fn lend(&self) -> LayerRef<'_> {
        for_any_type!(LayerRef, self, lent => LayerRef::lent(lent.lend()))
    }

    /// Checks the layout claimed against the memory lent.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for_any_type!(LayerRef, self, lent => lent.dense().map(|_| ()))
    }

    /// Calls `visit` with every element, widened to `f64`, in logical order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Layout`] if the backend's claim is false.
    pub fn for_each_logical(&self, mut visit: impl FnMut(f64)) -> Result<(), Error> {
        for_any_type!(LayerRef, self, lent => {
            let (layout, values) = lent.dense()?;
            walk::logical(&layout, |position| visit(values[position].to_f64()));
        });
        Ok(())
    }

    /// The elements, widened to `f64`, in logical order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Layout`] if the backend's claim is false.
    pub fn to_logical_f64(&self) -> Result<Vec<f64>, Error> {
        // Allocate only after checking the layout.
        for_any_type!(LayerRef, self, lent => {
            let (layout, values) = lent.dense()?;
            let mut logical = Vec::with_capacity(values.len());
            walk::logical(&layout, |position| logical.push(values[position].to_f64()));
            Ok(logical)
        })
    }

    /// The same elements in the same logical order under another shape, by strides alone: a (9 x 32) matrix that
    /// holds a convolution kernel becomes a `[3, 3, 1, 32]` tensor with that tensor's axes, masks and saved files.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Reshape`] if the lengths differ or if it would take a copy, [`ErrorKind::ShapeOverflow`].
    pub fn with_shape(self, shape: &[usize]) -> Result<Self, Error> {
        Ok(match self {
            LayerRef::F32(lent) => LayerRef::F32(lent.reshape(shape)?),
            LayerRef::F64(lent) => LayerRef::F64(lent.reshape(shape)?),
            LayerRef::F16(lent) => LayerRef::F16(lent.reshape(shape)?),
            LayerRef::Bf16(lent) => LayerRef::Bf16(lent.reshape(shape)?),
        })
    }
}

impl<'a> LayerMut<'a> {
    /// A backend's tensor as a layer.
    pub fn of<T: TensorMut + ?Sized>(tensor: &'a mut T) -> Self {
        let layout = tensor.layout();
        <T::Elem as Sealed>::lent_mut(LentMut::new(layout, tensor.memory_mut()))
    }

    /// A layer from a lent layout and memory.
    pub fn lent<E: Element>(lent: LentMut<'a, E>) -> Self {
        E::lent_mut(lent)
    }

    /// As [`LayerRef::opaque`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeOverflow`].
    pub fn opaque(shape: &[usize], why: &'a str) -> Result<Self, Error> {
        Ok(LayerMut::F32(LentMut::new(Layout::row_major(shape)?, MemoryMut::Opaque(why))))
    }

    /// The same layer for reading; gathers a copy if the memory has gaps.
    pub fn as_ref(&self) -> LayerRef<'_> {
        for_any_type!(LayerMut, self, lent => LayerRef::lent(lent.lend()))
    }

    /// As [`LayerRef::element_type`].
    pub fn element_type(&self) -> ElementType {
        match self {
            LayerMut::F32(_) => ElementType::F32,
            LayerMut::F64(_) => ElementType::F64,
            LayerMut::F16(_) => ElementType::F16,
            LayerMut::Bf16(_) => ElementType::Bf16,
        }
    }

    /// The identity of this memory, if another layer can be a handle to the same; see
    /// [`Guarded::identity`](crate::Guarded::identity).
    pub(crate) fn identity(&self) -> Option<usize> {
        for_any_type!(LayerMut, self, lent => match &lent.memory {
            MemoryMut::Guarded(guarded) => guarded.identity(),
            MemoryMut::Dense(_) | MemoryMut::Strided(_) | MemoryMut::Opaque(_) => None,
        })
    }

    /// The same layer, lent for a shorter time.
    pub fn reborrow(&mut self) -> LayerMut<'_> {
        for_any_type!(LayerMut, self, lent => LayerMut::lent(lent.reborrow()))
    }

    /// The layout claimed.
    pub fn layout(&self) -> &Layout {
        for_any_type!(LayerMut, self, lent => &lent.layout)
    }

    /// The length of each dimension.
    pub fn shape(&self) -> &[usize] {
        self.layout().shape()
    }

    /// As [`LayerRef::with_shape`].
    ///
    /// # Errors
    ///
    /// As [`LayerRef::with_shape`].
    pub fn with_shape(self, shape: &[usize]) -> Result<Self, Error> {
        Ok(match self {
            LayerMut::F32(lent) => LayerMut::F32(lent.reshape(shape)?),
            LayerMut::F64(lent) => LayerMut::F64(lent.reshape(shape)?),
            LayerMut::F16(lent) => LayerMut::F16(lent.reshape(shape)?),
            LayerMut::Bf16(lent) => LayerMut::Bf16(lent.reshape(shape)?),
        })
    }
}

impl core::fmt::Debug for LayerMut<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "LayerMut({:?})", self.layout())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::error::ErrorKind;
    use crate::{Density, NmPattern, Ranked, Selector};

    fn claims(shape: &[usize], strides: &[isize], values: &'static [f32]) -> LayerRef<'static> {
        LayerRef::lent(LentTensor::new(Layout::new(shape, strides, 0).unwrap(), Memory::Dense(values)))
    }

    fn is_layout(error: &Error) -> bool {
        matches!(error.kind, ErrorKind::Layout { .. })
    }

    /// Lengths whose sum overflows, and lengths too large to allocate: each is an error before any allocation.
    #[test]
    fn claims_beyond_any_memory_are_refused() {
        let layers = ["a", "b", "c"].map(|_| claims(&[isize::MAX as usize], &[1], &[1.0, 2.0]));
        let ranked: Vec<Ranked<'_>> =
            ["a", "b", "c"].iter().zip(&layers).map(|(name, l)| Ranked::new(name, l)).collect();
        let (half, pattern) = (Density::new(0.5).unwrap(), NmPattern::new(2, 4).unwrap());
        let selector = Selector::default();
        let first = |error: Error| error.layer.as_deref() == Some("a") && is_layout(&error);
        assert!(first(selector.global(&ranked, half).unwrap_err()));
        assert!(first(selector.top(&ranked, 1).unwrap_err()));
        assert!(first(selector.n_m_concatenated(&ranked, pattern).unwrap_err()));
        assert!(layers[0].to_logical_f64().is_err_and(|error| is_layout(&error)));
    }

    /// The strides and the other lengths of an empty tensor mean nothing.
    #[test]
    fn empty_tensors_may_claim_any_strides() {
        let pattern = NmPattern::new(2, 4).unwrap();
        for (shape, strides) in
            [([0, usize::MAX], [5, 7]), ([usize::MAX, 0], [isize::MIN, isize::MAX]), ([0, 0], [3, 3])]
        {
            let layer = claims(&shape, &strides, &[]);
            for axis in [0, 1] {
                let selected = Selector::default().n_m(Ranked::new("a", &layer), pattern, axis).unwrap();
                assert_eq!((selected.mask.shape(), selected.mask.kept_len()), (&shape[..], 0));
            }
        }
    }
}
