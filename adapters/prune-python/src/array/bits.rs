//! 16-bit integers as the bits of bf16, for which numpy has no type.

use half::bf16;
use ndarray::{ArrayViewD, ArrayViewMutD};
use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::error::refused;

/// A view of bf16 values for numpy, which has no type of its own for them.
///
/// `Bf16(bits)` takes an array of int16 or uint16 with the bits of bf16 values, such as
/// `tensor.view(torch.int16).numpy()`. It can be passed wherever an array can. Nothing is copied, and writing writes
/// the array. Arrays of `ml_dtypes.bfloat16` need no such view.
///
/// Raises PruneError if the array is of another type.
#[pyclass(module = "prune_rs", frozen)]
pub(crate) struct Bf16 {
    /// The array of integers.
    #[pyo3(get)]
    pub(crate) array: Py<PyAny>,
}

#[pymethods]
impl Bf16 {
    #[new]
    fn new(bits: &Bound<'_, PyAny>) -> PyResult<Self> {
        let array = bits
            .cast::<PyUntypedArray>()
            .map_err(|_| refused("Bf16 takes a numpy array of int16 or uint16, the bits of bf16 values"))?;
        let dtype = array.dtype();
        if !matches!((dtype.kind(), dtype.itemsize()), (b'i' | b'u', 2)) {
            return Err(refused(format!(
                "Bf16 takes an array of int16 or uint16, the bits of bf16 values, not of {dtype}"
            )));
        }
        Ok(Bf16 { array: array.clone().into_any().unbind() })
    }
}

/// The same memory as bf16.
#[expect(unsafe_code, reason = "ndarray casts views as raw ones alone; the safe twin is a copy of every element")]
pub(super) fn as_bf16(view: ArrayViewD<'_, u16>) -> ArrayViewD<'_, bf16> {
    let raw = view.raw_view().cast::<bf16>();
    // SAFETY: `bf16` is a transparent wrapper around `u16`, for which every bit pattern is valid. Shape, strides and
    // lifetime are those of `view`, which is lent for reading.
    unsafe { raw.deref_into_view() }
}

/// The same memory as bf16, for writing.
#[expect(unsafe_code, reason = "as for `as_bf16`")]
pub(super) fn as_bf16_mut(mut view: ArrayViewMutD<'_, u16>) -> ArrayViewMutD<'_, bf16> {
    let raw = view.raw_view_mut().cast::<bf16>();
    // SAFETY: as in `as_bf16`; `view` is the only way to the memory as long as it lives, and it ends here.
    unsafe { raw.deref_into_view_mut() }
}
