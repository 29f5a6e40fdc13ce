//! The only exception, and the conversion of errors into it.

use core::fmt::Display;

use pyo3::exceptions::PyValueError;
use pyo3::{PyErr, create_exception};

create_exception!(
    prune_rs,
    PruneError,
    PyValueError,
    "What was refused, in which layer and why, and what to do instead. Nothing has been written when it is raised, unless its text says otherwise."
);

/// The exception with the text of an error.
pub(crate) fn refused(error: impl Display) -> PyErr {
    PruneError::new_err(error.to_string())
}

/// The same, with the name of an argument or layer.
pub(crate) fn refused_in(place: &str, error: impl Display) -> PyErr {
    PruneError::new_err(format!("{place}: {error}"))
}
