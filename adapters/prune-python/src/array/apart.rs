//! The check that arrays to be written share no memory. Numpy's own crate detects views of one array that overlap, but
//! not arrays over one foreign buffer, such as two of `numpy.frombuffer`.

use std::ops::Range;

use numpy::{Element, PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::model::Model;
use super::{Array, TypedArray};
use crate::error::refused_in;

/// The number of solutions that numpy tries in its search for an element that two arrays share.
const MOST_WORK: usize = 100_000;

/// Refuses models if two arrays to be written share bytes through different owners.
///
/// O(n log n) in the number of arrays, if none overlap.
pub(crate) fn lie_apart<'a, 'py: 'a>(
    models: impl IntoIterator<Item = &'a Model<'py>>,
    written: impl Fn(&str) -> bool,
) -> PyResult<()> {
    let arrays = models.into_iter().flat_map(|model| model.named()).filter(|(name, _)| written(name));
    let mut places: Vec<(Range<usize>, &str, &Array<'_>)> =
        arrays.filter_map(|(name, array)| Some((array.place()?, name, array))).collect();
    places.sort_unstable_by_key(|(bytes, ..)| bytes.start);
    let mut open: Vec<(Range<usize>, &Array<'_>)> = Vec::new();
    for (bytes, name, array) in places {
        open.retain(|(before, _)| before.end > bytes.start);
        for (_, before) in &open {
            if before.owner()? != array.owner()? && before.shares_memory(array)? {
                let why = "its memory may be that of another array of this call; pass one array for both, or copies";
                return Err(refused_in(&format!("layer `{}`", prune_core::printable(name)), why));
            }
        }
        open.push((bytes, array));
    }
    Ok(())
}

impl Array<'_> {
    /// The addresses from the first to the last byte of its elements; `None` if it has no elements that could be
    /// written.
    fn place(&self) -> Option<Range<usize>> {
        match &self.typed {
            TypedArray::F32(array) => place(array),
            TypedArray::F64(array) => place(array),
            TypedArray::F16(array) => place(array),
            TypedArray::Bf16(array) => place(array),
            TypedArray::Opaque(..) => None,
        }
    }

    /// True if the two arrays share an element, or if that would take long to find out. Columns of one matrix
    /// interleave and share nothing.
    fn shares_memory(&self, other: &Array<'_>) -> PyResult<bool> {
        let (Some(this), Some(other)) = (self.object(), other.object()) else { return Ok(false) };
        let py = this.py();
        let limit = PyDict::new(py);
        limit.set_item("max_work", MOST_WORK)?;
        let shares = py.import("numpy")?.call_method("shares_memory", (this, other), Some(&limit));
        match shares {
            Ok(shares) => shares.extract(),
            Err(error) if error.is_instance_of::<PyException>(py) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// The array as it came from Python.
    fn object(&self) -> Option<&Bound<'_, PyAny>> {
        match &self.typed {
            TypedArray::F32(array) => Some(array.as_any()),
            TypedArray::F64(array) => Some(array.as_any()),
            TypedArray::F16(array) => Some(array.as_any()),
            TypedArray::Bf16(array) => Some(array.as_any()),
            TypedArray::Opaque(..) => None,
        }
    }

    /// The identity of the memory's owner: an array, or the object that the last array in the chain of views was made
    /// from.
    fn owner(&self) -> PyResult<usize> {
        let Some(mut at) = self.object().cloned() else { return Ok(0) };
        while at.cast::<PyUntypedArray>().is_ok() {
            let base = at.getattr("base")?;
            if base.is_none() {
                break;
            }
            at = base;
        }
        Ok(at.as_ptr() as usize)
    }
}

fn place<T: Element>(array: &Bound<'_, PyArrayDyn<T>>) -> Option<Range<usize>> {
    if array.is_empty() {
        return None;
    }
    let start = array.data() as usize;
    let reach = array.shape().iter().zip(array.strides()).map(|(&length, &stride)| stride * (length as isize - 1));
    let (below, above) = reach.fold((0, 0), |(below, above), reach| (below + reach.min(0), above + reach.max(0)));
    Some(start.checked_add_signed(below)?..start.checked_add_signed(above)? + size_of::<T>())
}
