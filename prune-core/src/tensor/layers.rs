//! The traits by which a model lists its layers.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::error::{Error, ErrorKind};
use crate::tensor::{LayerMut, LayerRef};

/// Names with layers: a model, its gradients or an optimiser's buffers.
///
/// Object-safe and small: a model implements it by listing its parameters, in any order. For a single use, a vector
/// or an array of pairs `(name, layer)` is enough.
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
    /// Every parameter with its name. No name may appear twice.
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

/// The layer of a pair, for reading.
trait AsShared {
    fn as_shared(&self) -> LayerRef<'_>;
}

impl AsShared for LayerRef<'_> {
    fn as_shared(&self) -> LayerRef<'_> {
        self.lend()
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

/// Refuses a list in which a name appears twice.
pub(crate) fn distinct<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(ErrorKind::DuplicateLayer { name: name.to_owned() }.into());
        }
    }
    Ok(())
}
