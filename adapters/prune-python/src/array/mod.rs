//! Arrays of Python as layers. `read` lends them for reading, and `write` for writing. `bits` views 16-bit integers as
//! bf16, `apart` refuses arrays that share memory, and `model` is a mapping from names to arrays.

mod apart;
mod bits;
mod frozen;
mod model;
mod read;
mod write;

pub(crate) use apart::lie_apart;
pub(crate) use bits::Bf16;
pub(crate) use model::{BorrowedArrays, InLayer, Model, must_be_mapping, named};
pub(crate) use read::{Readable, View, Views};
pub(crate) use write::Writable;

use half::f16;
use numpy::{PyArrayDescrMethods, PyArrayDyn, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::error::{PruneError, refused};

/// The most axes that numpy's own crate can lend.
const MOST_AXES: usize = 32;

/// An array by the type of its elements.
pub(crate) enum TypedArray<'py> {
    F32(Bound<'py, PyArrayDyn<f32>>),
    F64(Bound<'py, PyArrayDyn<f64>>),
    F16(Bound<'py, PyArrayDyn<f16>>),
    /// bf16, viewed as integers with the same bits.
    Bf16(Bound<'py, PyArrayDyn<u16>>),
    /// An array that is not pruned: its shape, and the reason.
    Opaque(Vec<usize>, String),
}

/// An array, with facts about its memory.
pub(crate) struct Array<'py> {
    pub(crate) typed: TypedArray<'py>,
    /// True if numpy allows writes.
    writeable: bool,
    /// True if nothing can write its memory as long as it exists.
    pub(crate) frozen: bool,
    /// The reason why it cannot be written, if it cannot.
    pub(crate) read_only: Option<&'static str>,
}

impl<'py> Array<'py> {
    /// An array of any object that numpy can convert.
    pub(crate) fn of(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(wrapped) = object.cast::<Bf16>() {
            let array = wrapped.get().array.bind(object.py()).clone();
            return Self::of_array(array.cast_into()?, true, None);
        }
        if let Ok(array) = object.cast::<PyUntypedArray>() {
            return Self::of_array(array.clone(), false, None);
        }
        let numpy = object.py().import("numpy")?;
        let kind = object.get_type().name()?;
        if object.is_instance_of::<PyString>() || object.is_none() {
            return Err(refused(format!("an array is needed, this is a {kind}")));
        }
        let array = numpy.call_method1("asarray", (object,)).map_err(|error| {
            interrupt_or(object.py(), error, |error| refused(format!("numpy makes no array of this {kind}: {error}")))
        })?;
        let read_only = "it is no numpy array but was made into one, so that writing would change a copy";
        let array = Self::of_array(array.cast_into()?, false, Some(read_only))?;
        // Numpy's view of some JAX arrays has a capsule as its base, which does not name the JAX array.
        let frozen = array.frozen || (!array.writeable && frozen::is_jax(object)?);
        Ok(Array { frozen, ..array })
    }

    fn of_array(array: Bound<'py, PyUntypedArray>, bits: bool, copied: Option<&'static str>) -> PyResult<Self> {
        let writeable: bool = array.getattr("flags")?.getattr("writeable")?.extract()?;
        let frozen = !writeable && frozen::is_frozen(array.as_any())?;
        let read_only = copied.or_else(|| (!writeable).then_some("its memory is read-only"));
        Ok(Array { typed: typed(array, bits)?, writeable, frozen, read_only })
    }
}

/// An array with its element type.
fn typed<'py>(array: Bound<'py, PyUntypedArray>, bits: bool) -> PyResult<TypedArray<'py>> {
    let opaque = |why: String| Ok(TypedArray::Opaque(array.shape().to_vec(), why));
    let dtype = array.dtype();
    if dtype.is_native_byteorder() == Some(false) {
        return opaque(format!("its bytes are in the order of another machine ({dtype}); convert it with `astype`"));
    }
    if array.ndim() > MOST_AXES {
        return opaque(format!("it has {} axes, more than {MOST_AXES}; reshape it", array.ndim()));
    }
    if !is_even(&array) {
        return opaque("its elements are not aligned in memory; copy it with `numpy.array(x)`".to_owned());
    }
    if bits {
        return Ok(TypedArray::Bf16(array.call_method1("view", ("uint16",))?.cast_into()?));
    }
    Ok(match array.dtype().num() {
        11 => TypedArray::F32(array.into_any().cast_into()?),
        12 => TypedArray::F64(array.into_any().cast_into()?),
        23 => TypedArray::F16(array.into_any().cast_into()?),
        _ if array.dtype().getattr("name")?.extract::<String>().is_ok_and(|name| name == "bfloat16") => {
            TypedArray::Bf16(array.call_method1("view", ("uint16",))?.cast_into()?)
        }
        _ => {
            let dtype = array.dtype();
            return opaque(format!(
                "its elements are of type {dtype}; float32, float64, float16 and bfloat16 are pruned, `astype` converts"
            ));
        }
    })
}

/// True if the array is aligned and its strides are multiples of the element size.
fn is_even(array: &Bound<'_, PyUntypedArray>) -> bool {
    let size = array.dtype().itemsize() as isize;
    let mut steps = array.strides().iter().zip(array.shape()).filter(|&(_, &length)| length > 1);
    array.is_aligned() && size > 0 && steps.all(|(stride, _)| stride % size == 0)
}

/// Passes on an exception that asks to stop, such as Ctrl-C, and a PruneError. Rewords any other.
pub(crate) fn interrupt_or(py: Python<'_>, error: PyErr, word: impl FnOnce(PyErr) -> PyErr) -> PyErr {
    if error.is_instance_of::<pyo3::exceptions::PyException>(py) && !error.is_instance_of::<PruneError>(py) {
        word(error)
    } else {
        error
    }
}

impl Array<'_> {
    /// Refuses an array that cannot be pruned, for a call without a strategy that could exclude the array.
    pub(crate) fn must_be_float(&self) -> PyResult<()> {
        match &self.typed {
            TypedArray::Opaque(_, why) => Err(refused(format!("it cannot be pruned: {why}"))),
            _ => Ok(()),
        }
    }
}
