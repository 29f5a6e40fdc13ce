//! Memory that no Python code can write, so that it can be read while other Python threads run.
//!
//! A JAX array on the CPU may lie in the memory of a numpy array (`jax.device_put`). The owner of that array must not
//! write it meanwhile; if it does, `work` turns the consequences into an error.

use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};

/// The longest chain of views that is followed. Arrays behind longer chains count as writable.
const LONGEST_CHAIN: usize = 16;

/// True if a read-only array is a view of memory that nothing should write: of a JAX array or of `bytes`. A read-only
/// view of a writable array changes with that array. The owner of a read-only array can make it writable, so such an
/// array is not frozen either.
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

/// True for an array of JAX, whose values should never change.
pub(super) fn is_jax(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let module = object.get_type().module()?;
    let module = module.to_string_lossy();
    Ok(module == "jaxlib" || module.starts_with("jaxlib.") || module.starts_with("jax."))
}
