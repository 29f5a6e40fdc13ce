//! Arrays lent for reading.

use std::borrow::Cow;

use half::{bf16, f16};
use ndarray::ArrayViewD;
use numpy::{Element, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use prune_core::{LayerRef, Layers};
use prune_ndarray::PruneExt;
use pyo3::prelude::*;

use super::bits::as_bf16;
use super::{Array, TypedArray};
use crate::error::refused;

/// An array under a borrow, so that this module does not write it meanwhile.
pub(crate) enum Readable<'py> {
    F32(PyReadonlyArrayDyn<'py, f32>),
    F64(PyReadonlyArrayDyn<'py, f64>),
    F16(PyReadonlyArrayDyn<'py, f16>),
    Bf16(PyReadonlyArrayDyn<'py, u16>),
    Opaque(Vec<usize>, String),
}

/// Its elements.
pub(crate) enum View<'a> {
    F32(ArrayViewD<'a, f32>),
    F64(ArrayViewD<'a, f64>),
    F16(ArrayViewD<'a, f16>),
    Bf16(ArrayViewD<'a, bf16>),
    Opaque(&'a [usize], &'a str),
}

impl<'py> Readable<'py> {
    /// Borrows an array.
    pub(crate) fn of(array: &Array<'py>) -> PyResult<Self> {
        Ok(match &array.typed {
            TypedArray::F32(array) => Readable::F32(borrow(array)?),
            TypedArray::F64(array) => Readable::F64(borrow(array)?),
            TypedArray::F16(array) => Readable::F16(borrow(array)?),
            TypedArray::Bf16(array) => Readable::Bf16(borrow(array)?),
            TypedArray::Opaque(shape, why) => {
                LayerRef::opaque(shape, why).map_err(refused)?;
                Readable::Opaque(shape.clone(), why.clone())
            }
        })
    }

    /// Its elements.
    pub(crate) fn view(&self) -> View<'_> {
        match self {
            Readable::F32(array) => View::F32(array.as_array()),
            Readable::F64(array) => View::F64(array.as_array()),
            Readable::F16(array) => View::F16(array.as_array()),
            Readable::Bf16(array) => View::Bf16(as_bf16(array.as_array())),
            Readable::Opaque(shape, why) => View::Opaque(shape, why),
        }
    }
}

fn borrow<'py, T: Element>(array: &Bound<'py, PyArrayDyn<T>>) -> PyResult<PyReadonlyArrayDyn<'py, T>> {
    let lent = array.try_readonly().map_err(|_| refused("the array is being written at this moment; pass a copy"))?;
    room_for_a_copy(array)?;
    Ok(lent)
}

/// Refuses an array with gaps or repeats if memory has no room for a copy. A broadcast view may have any size.
pub(super) fn room_for_a_copy<T: Element>(array: &Bound<'_, PyArrayDyn<T>>) -> PyResult<()> {
    if array.is_contiguous() {
        return Ok(());
    }
    let elements = array.shape().iter().try_fold(1usize, |elements, &length| elements.checked_mul(length));
    let room = elements.is_some_and(|elements| Vec::<T>::new().try_reserve_exact(elements).is_ok());
    if room {
        Ok(())
    } else {
        Err(refused(format!("there is no memory for a copy of an array of shape {:?}", array.shape())))
    }
}

impl View<'_> {
    /// The elements as a layer.
    pub(crate) fn layer(&self) -> LayerRef<'_> {
        match self {
            View::F32(view) => view.layer(),
            View::F64(view) => view.layer(),
            View::F16(view) => view.layer(),
            View::Bf16(view) => view.layer(),
            View::Opaque(shape, why) => match LayerRef::opaque(shape, why) {
                Ok(layer) => layer,
                Err(error) => unreachable!("the shape was counted when the array was borrowed: {error}"),
            },
        }
    }
}

/// The elements of named arrays: a model for reading.
pub(crate) struct Views<'a>(pub(super) Vec<(&'a str, View<'a>)>);

impl Layers for Views<'_> {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        self.0.iter().map(|(name, view)| (Cow::Borrowed(*name), view.layer())).collect()
    }
}
