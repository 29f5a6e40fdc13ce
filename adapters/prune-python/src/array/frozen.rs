//! Memory that Python code has no way to write, so that it can be read while other Python threads run.
//!
//! A JAX array on the CPU may lie in memory of a numpy array (`jax.device_put`), which its owner must not write meanwhile;
//! `work` makes an error of what comes of that.

use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};

/// Longer chains of views than this are not followed: they count as writable.
const LONGEST_CHAIN: usize = 16;

/// True if a read-only array is a view of memory that is not meant to be written: of a JAX array, or of `bytes`. A read-only view of an
/// array that can be written changes with it, and whoever owns a read-only array can make it writable.
pub(super) fn is_frozen(array: &Bound<'_, PyAny>) -> PyResult<bool> {
    let mut at = array.clone();
    for _ in 0..LONGEST_CHAIN {
        if at.is_instance_of::<PyBytes>() || is_jax(&at)? {
            return Ok(true);
        }
        at = if at.is_instance_of::<PyMemoryView>() {
            at.getattr("obj")?
        } else if at.cast::<PyUntypedArray>().is_ok() && !at.getattr("flags")?.getattr("writeable")?.extract()? {
            at.getattr("base")?
        } else {
            return Ok(false);
        };
    }
    Ok(false)
}

/// True if it is an array of JAX, whose values are not meant to change.
pub(super) fn is_jax(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let module = object.get_type().module()?;
    let module = module.to_string_lossy();
    Ok(module == "jaxlib" || module.starts_with("jaxlib.") || module.starts_with("jax."))
}
