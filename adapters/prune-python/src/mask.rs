//! A mask of one tensor.

use std::hash::{DefaultHasher, Hash, Hasher};

use numpy::{PyReadonlyArrayDyn, ToPyArray};
use prune_core::{Density, Mask as CoreMask};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyType};

use crate::error::refused;
use crate::number::{axis as axis_of, lengths, pattern as pattern_of, shown};
use crate::work::{here, run};

/// The elements of a tensor that are kept: one bit for each, in row-major order, for any memory layout of the tensor.
///
/// Masks are values: they never change, are equal if they have the same shape and keep the same elements, can be keys
/// of dicts, and can be pickled. `a & b`, `a | b`, `a - b` and `~a` are the intersection, union, difference and
/// complement. `a <= b` is True if b keeps everything that a keeps. len(mask) is the number of elements, kept or not.
#[pyclass(module = "prune_rs", name = "Mask", frozen)]
#[derive(Clone)]
pub(crate) struct Mask {
    pub(crate) mask: CoreMask,
}

impl From<CoreMask> for Mask {
    fn from(mask: CoreMask) -> Self {
        Mask { mask }
    }
}

/// A mask, or an array of truth values as a mask.
pub(crate) fn mask_of(value: &Bound<'_, PyAny>) -> PyResult<CoreMask> {
    if let Ok(mask) = value.cast::<Mask>() {
        return Ok(mask.get().mask.clone());
    }
    from_bools(value)
}

fn from_bools(value: &Bound<'_, PyAny>) -> PyResult<CoreMask> {
    let py = value.py();
    let not_one = || refused(format!("a mask is a Mask or an array of bool, this is {}", shown(value)));
    let array = py.import("numpy")?.call_method1("asarray", (value,));
    let array = array.map_err(|error| crate::array::interrupt_or(py, error, |_| not_one()))?;
    if array.getattr("dtype")?.getattr("kind")?.extract::<String>()? != "b" {
        return Err(not_one());
    }
    // In row-major order. The array is copied only if it has another order.
    let array = py.import("numpy")?.call_method1("ascontiguousarray", (array,))?;
    let shape: Vec<usize> =
        value.getattr("shape").and_then(|shape| shape.extract()).or_else(|_| array.getattr("shape")?.extract())?;
    let bytes: PyReadonlyArrayDyn<'_, u8> = array.call_method1("view", ("uint8",))?.extract().map_err(|_| not_one())?;
    let bytes = bytes.as_slice().map_err(refused)?;
    here(|| CoreMask::from_bytes(&shape, bytes))?.map_err(refused)
}

#[pymethods]
impl Mask {
    /// A mask of the elements that are True in an array of bool, of any shape and layout.
    ///
    /// Raises PruneError for an array of any other type.
    #[classmethod]
    fn from_numpy(_: &Bound<'_, PyType>, kept: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(from_bools(kept)?.into())
    }

    /// A mask of this shape that keeps everything.
    #[classmethod]
    fn all(_: &Bound<'_, PyType>, shape: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(CoreMask::all(&lengths("shape", shape)?).map_err(refused)?.into())
    }

    /// A mask of this shape from packed bits, in the form of `to_bytes`: bit `i % 8` of byte `i // 8` is the element of
    /// row-major index `i`.
    ///
    /// Raises PruneError if there are more or fewer bytes, or if bits after the last element are set.
    #[classmethod]
    fn from_bytes(_: &Bound<'_, PyType>, shape: &Bound<'_, PyAny>, bits: &Bound<'_, PyAny>) -> PyResult<Self> {
        let shape = lengths("shape", shape)?;
        let bits =
            bits.cast::<PyBytes>().map_err(|_| refused(format!("bits must be bytes, this is {}", shown(bits))))?;
        let bits = bits.as_bytes();
        let elements = shape.iter().try_fold(1usize, |all, &length| all.checked_mul(length));
        if elements.map(|elements| elements.div_ceil(8)) != Some(bits.len()) {
            let needed =
                elements.map_or_else(|| "more than memory can hold".to_owned(), |all| all.div_ceil(8).to_string());
            return Err(refused(format!(
                "a mask of shape {shape:?} has {needed} bytes of bits, but {} were given",
                bits.len()
            )));
        }
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |word, &byte| word << 8 | u64::from(byte));
        Ok(CoreMask::from_words(&shape, bits.chunks(8).map(word).collect()).map_err(refused)?.into())
    }

    /// The packed bits, for `from_bytes`. `numpy.unpackbits(..., bitorder="little")` reads them too.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut bits: Vec<u8> = self.mask.words().iter().flat_map(|word| word.to_le_bytes()).collect();
        bits.truncate(self.mask.len().div_ceil(8));
        PyBytes::new(py, &bits)
    }

    /// A new array of bool in the mask's shape, row-major. It is True for each kept element.
    fn to_numpy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let bytes = run(py, true, || self.mask.to_bytes())?;
        let array = numpy::PyArray1::from_vec(py, bytes);
        array.call_method1("view", ("bool",))?.call_method1("reshape", (self.mask.shape().to_vec(),))
    }

    #[pyo3(signature = (dtype=None, copy=None))]
    fn __array__<'py>(
        &self,
        py: Python<'py>,
        dtype: Option<Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if copy == Some(false) {
            return Err(refused("a mask is packed, so that an array of it is a copy"));
        }
        let array = self.to_numpy(py)?;
        match dtype {
            Some(dtype) => array.call_method1("astype", (dtype,)),
            None => Ok(array),
        }
    }

    /// The row-major indices of the kept elements, ascending: an array of int64.
    fn kept_indices<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        let indices: Vec<i64> = py.detach(|| self.mask.kept_indices().map(|index| index as i64).collect());
        indices.to_pyarray(py).into_any()
    }

    /// The shape of the masked tensor.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, pyo3::types::PyTuple>> {
        pyo3::types::PyTuple::new(py, self.mask.shape())
    }

    /// The number of elements kept.
    #[getter]
    fn kept(&self) -> usize {
        self.mask.kept_len()
    }

    /// The fraction kept; 1 if there are no elements, and None if there are some and none is kept.
    #[getter]
    fn density(&self) -> Option<f64> {
        self.fraction().map(Density::get)
    }

    /// The fraction removed; None if there are elements and none is kept.
    #[getter]
    fn sparsity(&self) -> Option<f64> {
        self.fraction().map(Density::sparsity)
    }

    /// True if it keeps at most N of every M consecutive elements along an axis. `pattern` is "N:M" or (N, M).
    #[pyo3(signature = (pattern, axis=None))]
    fn fits_pattern(&self, pattern: &Bound<'_, PyAny>, axis: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let axis = axis.map_or(Ok(-1), |axis| axis_of("axis", axis))?;
        let pattern = pattern_of(pattern)?;
        let counts = here(|| self.mask.pattern_counts(pattern, axis))?.map_err(refused)?;
        Ok(counts.over == 0)
    }

    fn __len__(&self) -> usize {
        self.mask.len()
    }

    fn __bool__(&self) -> bool {
        true
    }

    fn __and__(&self, other: &Self) -> PyResult<Self> {
        Ok(self.mask.intersection(&other.mask).map_err(refused)?.into())
    }

    fn __or__(&self, other: &Self) -> PyResult<Self> {
        Ok(self.mask.union(&other.mask).map_err(refused)?.into())
    }

    fn __sub__(&self, other: &Self) -> PyResult<Self> {
        Ok(self.mask.difference(&other.mask).map_err(refused)?.into())
    }

    fn __invert__(&self) -> Self {
        self.mask.complement().into()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Mask>().is_ok_and(|other| other.get().mask == self.mask)
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.mask.hash(&mut hasher);
        hasher.finish()
    }

    fn __le__(&self, other: &Self) -> PyResult<bool> {
        self.mask.is_subset(&other.mask).map_err(refused)
    }

    fn __ge__(&self, other: &Self) -> PyResult<bool> {
        other.mask.is_subset(&self.mask).map_err(refused)
    }

    fn __repr__(&self) -> String {
        format!("<{}>", self.mask)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let make = py.get_type::<Self>().getattr("from_bytes")?;
        let state = (self.mask.shape().to_vec(), self.to_bytes(py));
        Ok((make, state).into_pyobject(py)?.into_any())
    }
}

impl Mask {
    fn fraction(&self) -> Option<Density> {
        match self.mask.len() {
            0 => Some(Density::ONE),
            elements => Density::new(self.mask.kept_len() as f64 / elements as f64).ok(),
        }
    }
}
