//! Memory that nothing can write, so that it can be read while other Python threads run.

use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Longer chains of views than this are not followed: they count as writable.
const LONGEST_CHAIN: usize = 16;

/// Whether a read-only array is a view of memory that nobody can write: of a JAX array, or of `bytes`. A read-only view of an
/// array that can be written changes with it, and whoever owns a read-only array can make it writable.
pub(super) fn is_frozen(array: &Bound<'_, PyAny>) -> PyResult<bool> {
    let mut at = array.clone();
    for _ in 0..LONGEST_CHAIN {
        if at.is_instance_of::<PyBytes>() {
            return Ok(true);
        }
        if at.cast::<PyUntypedArray>().is_err() {
            let module = at.get_type().module()?;
            let module = module.to_string();
            return Ok(module == "jaxlib" || module.starts_with("jaxlib.") || module.starts_with("jax."));
        }
        if at.getattr("flags")?.getattr("writeable")?.extract()? {
            return Ok(false);
        }
        at = at.getattr("base")?;
    }
    Ok(false)
}
