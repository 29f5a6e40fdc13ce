//! Arrays lent for writing, in place.

use std::borrow::Cow;

use half::{bf16, f16};
use ndarray::ArrayViewMutD;
use numpy::{Element, PyArrayDyn, PyArrayMethods, PyReadwriteArrayDyn, PyUntypedArrayMethods};
use prune_core::{LayerMut, LayerRef, Layers, LayersMut};
use prune_ndarray::{LendMut, PruneExt};
use pyo3::prelude::*;

use super::bits::as_bf16_mut;
use super::read::room_for_a_copy;
use super::{Array, TypedArray};
use crate::error::refused;

/// An array under an exclusive borrow, so that this module does not touch it meanwhile.
pub(crate) enum Writable<'py> {
    F32(PyReadwriteArrayDyn<'py, f32>),
    F64(PyReadwriteArrayDyn<'py, f64>),
    F16(PyReadwriteArrayDyn<'py, f16>),
    Bf16(PyReadwriteArrayDyn<'py, u16>),
    /// An array that is listed and not written.
    Opaque(Vec<usize>, String),
}

/// Its elements.
pub(crate) enum ViewMut<'a> {
    F32(ArrayViewMutD<'a, f32>),
    F64(ArrayViewMutD<'a, f64>),
    F16(ArrayViewMutD<'a, f16>),
    Bf16(ArrayViewMutD<'a, bf16>),
    Opaque(&'a [usize], &'a str),
}

impl<'py> Writable<'py> {
    /// Borrows an array for writing.
    pub(crate) fn of(array: &Array<'py>) -> PyResult<Self> {
        if let Some(why) = array.read_only {
            return Err(refused(format!("{why}; pass a numpy array of its own memory, such as `numpy.array(x)`")));
        }
        Ok(match &array.typed {
            TypedArray::F32(array) => Writable::F32(borrow(array)?),
            TypedArray::F64(array) => Writable::F64(borrow(array)?),
            TypedArray::F16(array) => Writable::F16(borrow(array)?),
            TypedArray::Bf16(array) => Writable::Bf16(borrow(array)?),
            TypedArray::Opaque(_, why) => return Err(refused(why)),
        })
    }

    /// Lists an array without borrowing it.
    pub(super) fn listed(array: &Array<'py>) -> PyResult<Self> {
        let shape = array.shape().to_vec();
        LayerRef::opaque(&shape, "").map_err(refused)?;
        Ok(Writable::Opaque(shape, "it is not written here".to_owned()))
    }

    /// Its elements.
    pub(crate) fn view(&mut self) -> ViewMut<'_> {
        match self {
            Writable::F32(array) => ViewMut::F32(array.as_array_mut()),
            Writable::F64(array) => ViewMut::F64(array.as_array_mut()),
            Writable::F16(array) => ViewMut::F16(array.as_array_mut()),
            Writable::Bf16(array) => ViewMut::Bf16(as_bf16_mut(array.as_array_mut())),
            Writable::Opaque(shape, why) => ViewMut::Opaque(shape, why),
        }
    }
}

fn borrow<'py, T: Element>(array: &Bound<'py, PyArrayDyn<T>>) -> PyResult<PyReadwriteArrayDyn<'py, T>> {
    if !elements_are_apart(array) {
        return Err(refused(
            "several of its elements lie at one place in memory; pass a copy, such as `numpy.array(x)`",
        ));
    }
    room_for_a_copy(array)?;
    array.try_readwrite().map_err(|_| {
        refused(
            "its memory may be that of another array of this call, or is in use; pass one array for both, or copies",
        )
    })
}

/// True if no two elements share memory: in the order of steps, each step is at least as long as the reach of all
/// shorter ones.
fn elements_are_apart<T: Element>(array: &Bound<'_, PyArrayDyn<T>>) -> bool {
    if array.is_contiguous() || array.len() <= 1 {
        return true;
    }
    let steps = array.shape().iter().zip(array.strides()).filter(|&(&length, _)| length > 1);
    let mut steps: Vec<(usize, usize)> = steps.map(|(&length, stride)| (stride.unsigned_abs(), length)).collect();
    steps.sort_unstable();
    let mut reach = size_of::<T>();
    steps.into_iter().all(|(stride, length)| {
        let apart = stride >= reach;
        reach = stride.saturating_mul(length);
        apart
    })
}

impl ViewMut<'_> {
    /// The elements as a layer for writing.
    pub(crate) fn layer_mut(&mut self) -> LayerMut<'_> {
        match self {
            ViewMut::F32(view) => view.lend_mut(),
            ViewMut::F64(view) => view.lend_mut(),
            ViewMut::F16(view) => view.lend_mut(),
            ViewMut::Bf16(view) => view.lend_mut(),
            ViewMut::Opaque(shape, why) => match LayerMut::opaque(shape, why) {
                Ok(layer) => layer,
                Err(error) => unreachable!("the shape was counted when the array was listed: {error}"),
            },
        }
    }

    fn layer(&self) -> LayerRef<'_> {
        match self {
            ViewMut::F32(view) => view.layer(),
            ViewMut::F64(view) => view.layer(),
            ViewMut::F16(view) => view.layer(),
            ViewMut::Bf16(view) => view.layer(),
            ViewMut::Opaque(shape, why) => match LayerRef::opaque(shape, why) {
                Ok(layer) => layer,
                Err(error) => unreachable!("the shape was counted when the array was listed: {error}"),
            },
        }
    }
}

/// The elements of named arrays: a model for writing.
pub(crate) struct ViewsMut<'a>(pub(super) Vec<(&'a str, ViewMut<'a>)>);

impl Layers for ViewsMut<'_> {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        self.0.iter().map(|(name, view)| (Cow::Borrowed(*name), view.layer())).collect()
    }
}

impl LayersMut for ViewsMut<'_> {
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
        self.0.iter_mut().map(|(name, view)| (Cow::Borrowed(*name), view.layer_mut())).collect()
    }
}
