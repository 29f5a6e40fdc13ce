//! Parameters as ndarray arrays: row-major, each of its logical rank.

use std::borrow::Cow;

use ndarray::{ArrayD, ArrayViewD, ArrayViewMutD, IxDyn};
use prune_ndarray::{Element, LayerMut, LayerRef, Layers, LayersMut, PruneExt};

use crate::nn::real::Real;
use crate::nn::spec::ParamSpec;
use crate::nn::storage::{Order, ParamSet, ParamStorage};

/// One array for each parameter, of the parameter's logical shape.
#[derive(Clone, Debug, PartialEq)]
pub struct NdarrayParams<T> {
    specs: Vec<ParamSpec>,
    /// Always in standard layout: they are lent as views only, which cannot change it.
    arrays: Vec<ArrayD<T>>,
}

impl<T> NdarrayParams<T> {
    /// Names and arrays, in the order of the model.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, ArrayViewD<'_, T>)> {
        self.specs.iter().zip(&self.arrays).map(|(spec, array)| (spec.name.as_str(), array.view()))
    }

    /// Names and arrays to write, in the order of the model.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, ArrayViewMutD<'_, T>)> {
        self.specs.iter().zip(&mut self.arrays).map(|(spec, array)| (spec.name.as_str(), array.view_mut()))
    }
}

impl<T: Real> ParamStorage<T> for NdarrayParams<T> {
    fn zeros(specs: &[ParamSpec]) -> Self {
        let arrays = specs.iter().map(|spec| ArrayD::zeros(IxDyn(&spec.shape))).collect();
        Self { specs: specs.to_vec(), arrays }
    }
}

impl<T: Real> ParamSet<T> for NdarrayParams<T> {
    fn specs(&self) -> &[ParamSpec] {
        &self.specs
    }

    fn order(&self) -> Order {
        Order::RowMajor
    }

    fn values(&self, index: usize) -> &[T] {
        // An array in standard layout lends its memory; see the field.
        self.arrays[index].as_slice().unwrap_or_default()
    }

    fn values_mut(&mut self, index: usize) -> &mut [T] {
        self.arrays[index].as_slice_mut().unwrap_or_default()
    }
}

impl<T: Real + Element> Layers for NdarrayParams<T> {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        let named = self.specs.iter().zip(&self.arrays);
        named.map(|(spec, array)| (Cow::Borrowed(spec.name.as_str()), array.layer())).collect()
    }
}

impl<T: Real + Element> LayersMut for NdarrayParams<T> {
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
        let named = self.specs.iter().zip(&mut self.arrays);
        named.map(|(spec, array)| (Cow::Borrowed(spec.name.as_str()), array.layer_mut())).collect()
    }
}
