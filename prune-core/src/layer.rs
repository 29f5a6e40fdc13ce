//! Layers with their element type erased, and the trait by which a model shows its layers.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::element::{Element, ElementType};
use crate::error::{Error, ErrorKind};
use crate::layout::Layout;
use crate::tensor::{Lent, LentMut, Tensor, TensorMut};

/// A tensor of any element type, lent for reading. Models mix ranks and element types, so this is what they hand over.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum LayerRef<'a> {
    /// A tensor of `f32`.
    F32(Lent<'a, f32>),
    /// A tensor of `f64`.
    F64(Lent<'a, f64>),
    /// A tensor of `f16`.
    F16(Lent<'a, half::f16>),
    /// A tensor of `bf16`.
    Bf16(Lent<'a, half::bf16>),
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

/// Runs `$body` with `$lent` bound to what any variant of `$layer` (an enum `$Layer` over the element types) holds.
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
        <T::Elem as crate::element::sealed::Sealed>::lent(Lent::new(tensor.layout(), tensor.memory()))
    }

    /// A layer of layout and memory as they are lent.
    pub fn lent<E: Element>(lent: Lent<'a, E>) -> Self {
        E::lent(lent)
    }

    /// The layout claimed.
    pub fn layout(&self) -> &Layout {
        for_any_type!(LayerRef, self, lent => &lent.layout)
    }

    /// The length of each dimension.
    pub fn shape(&self) -> &[usize] {
        self.layout().shape()
    }

    /// How many dimensions there are.
    pub fn rank(&self) -> usize {
        self.layout().rank()
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.layout().len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element type.
    pub fn element_type(&self) -> ElementType {
        match self {
            LayerRef::F32(_) => ElementType::F32,
            LayerRef::F64(_) => ElementType::F64,
            LayerRef::F16(_) => ElementType::F16,
            LayerRef::Bf16(_) => ElementType::Bf16,
        }
    }

    /// The same layer, lent on for a shorter time; a gathered copy is copied once more.
    pub(crate) fn lend(&self) -> LayerRef<'_> {
        self.as_shared()
    }

    /// Checks the layout claimed against the memory lent.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for_any_type!(LayerRef, self, lent => lent.dense().map(|_| ()))
    }

    /// Calls `visit` with every element, widened to `f64`, in logical order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Layout`] where the backend's claim is false.
    pub fn for_each_logical(&self, mut visit: impl FnMut(f64)) -> Result<(), Error> {
        for_any_type!(LayerRef, self, lent => {
            let (layout, values) = lent.dense()?;
            crate::walk::logical(&layout, |position| visit(values[position].to_f64()));
        });
        Ok(())
    }

    /// The elements, widened to `f64`, in logical order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Layout`] where the backend's claim is false.
    pub fn to_logical_f64(&self) -> Result<Vec<f64>, Error> {
        // Not before the layout is known to be true of memory is any taken for it.
        for_any_type!(LayerRef, self, lent => {
            let (layout, values) = lent.dense()?;
            let mut logical = Vec::with_capacity(values.len());
            crate::walk::logical(&layout, |position| logical.push(values[position].to_f64()));
            Ok(logical)
        })
    }
}

impl<'a> LayerMut<'a> {
    /// A backend's tensor as a layer.
    pub fn of<T: TensorMut + ?Sized>(tensor: &'a mut T) -> Self {
        let layout = tensor.layout();
        <T::Elem as crate::element::sealed::Sealed>::lent_mut(LentMut::new(layout, tensor.memory_mut()))
    }

    /// A layer of layout and memory as they are lent.
    pub fn lent<E: Element>(lent: LentMut<'a, E>) -> Self {
        E::lent_mut(lent)
    }

    /// The same layer for reading; gathers where the memory has gaps.
    pub fn as_ref(&self) -> LayerRef<'_> {
        for_any_type!(LayerMut, self, lent => LayerRef::lent(lent.lend()))
    }

    /// The same layer, lent on for a shorter time.
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
}

impl core::fmt::Debug for LayerMut<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "LayerMut({:?})", self.layout())
    }
}

/// Names with layers: what a model, its gradients or an optimiser's buffers show of themselves.
///
/// Object-safe and small: a model implements it by listing its parameters, in any order. For a one-off, a vector or an
/// array of pairs `(name, layer)` will do.
///
/// # Examples
///
/// ```
/// use prune_core::{Layers, LayerRef, PlainTensor};
/// use std::borrow::Cow;
///
/// struct Model { kernel: PlainTensor<f32>, bias: PlainTensor<f32> }
///
/// impl Layers for Model {
///     fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
///         vec![("fc.kernel".into(), LayerRef::of(&self.kernel)), ("fc.bias".into(), LayerRef::of(&self.bias))]
///     }
/// }
///
/// let model = Model {
///     kernel: PlainTensor::from_logical(&[2, 2], vec![1.0, 2.0, 3.0, 4.0])?,
///     bias: PlainTensor::from_logical(&[2], vec![0.0, 0.0])?,
/// };
/// assert_eq!(model.layers()[0].1.shape(), [2, 2]);
/// # Ok::<(), prune_core::Error>(())
/// ```
pub trait Layers {
    /// Every parameter with its name. No name may stand twice.
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)>;
}

/// [`Layers`] that can be written.
pub trait LayersMut: Layers {
    /// Every parameter with its name, as [`Layers::layers`] lists them.
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)>;
}

macro_rules! layers_of_pairs {
    ($([$($generic:tt)*] $pairs:ty),*) => {$(
        impl<N: AsRef<str> $($generic)*> Layers for $pairs {
            fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
                self.iter().map(|(name, layer)| (name.as_ref().into(), layer.as_shared())).collect()
            }
        }
    )*};
}

/// What a list of pairs may hold.
trait AsShared {
    fn as_shared(&self) -> LayerRef<'_>;
}

impl AsShared for LayerRef<'_> {
    fn as_shared(&self) -> LayerRef<'_> {
        for_any_type!(LayerRef, self, lent => {
            let memory = match &lent.memory {
                crate::tensor::Memory::Dense(values) => crate::tensor::Memory::Dense(values),
                crate::tensor::Memory::Gathered(values) => crate::tensor::Memory::Gathered(values.clone()),
            };
            LayerRef::lent(Lent::new(lent.layout.clone(), memory))
        })
    }
}

impl AsShared for LayerMut<'_> {
    fn as_shared(&self) -> LayerRef<'_> {
        self.as_ref()
    }
}

layers_of_pairs!(
    [] [(N, LayerRef<'_>)], [] Vec<(N, LayerRef<'_>)>, [, const C: usize] [(N, LayerRef<'_>); C],
    [] [(N, LayerMut<'_>)], [] Vec<(N, LayerMut<'_>)>, [, const C: usize] [(N, LayerMut<'_>); C]
);

impl<N: AsRef<str>> LayersMut for [(N, LayerMut<'_>)] {
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
        self.iter_mut().map(|(name, layer)| (Cow::Borrowed((*name).as_ref()), layer.reborrow())).collect()
    }
}

impl<N: AsRef<str>> LayersMut for Vec<(N, LayerMut<'_>)> {
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
        self.as_mut_slice().layers_mut()
    }
}

impl<N: AsRef<str>, const C: usize> LayersMut for [(N, LayerMut<'_>); C] {
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
        self.as_mut_slice().layers_mut()
    }
}

/// Refuses a list in which a name stands twice.
pub(crate) fn distinct<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(ErrorKind::DuplicateLayer { name: name.to_owned() }.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::tensor::Memory;
    use crate::{Density, NmPattern, Ranked, Selector};

    fn claims(shape: &[usize], strides: &[isize], values: &'static [f32]) -> LayerRef<'static> {
        LayerRef::lent(Lent::new(Layout::new(shape, strides, 0).unwrap(), Memory::Dense(values)))
    }

    fn is_layout(error: &Error) -> bool {
        matches!(error.kind, ErrorKind::Layout { .. })
    }

    /// Lengths whose sum overflows, and which no memory could be taken for: an error each, before any is.
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
        assert!(first(selector.n_of_m_concatenated(&ranked, pattern).unwrap_err()));
        assert!(layers[0].to_logical_f64().is_err_and(|error| is_layout(&error)));
    }

    /// The strides and the other lengths of an empty tensor mean nothing, whatever they are.
    #[test]
    fn empty_tensors_may_claim_any_strides() {
        let pattern = NmPattern::new(2, 4).unwrap();
        for (shape, strides) in
            [([0, usize::MAX], [5, 7]), ([usize::MAX, 0], [isize::MIN, isize::MAX]), ([0, 0], [3, 3])]
        {
            let layer = claims(&shape, &strides, &[]);
            for axis in [0, 1] {
                let selected = Selector::default().n_of_m(&Ranked::new("a", &layer), pattern, axis).unwrap();
                assert_eq!((selected.mask.shape(), selected.mask.kept_len()), (&shape[..], 0));
            }
        }
    }
}
