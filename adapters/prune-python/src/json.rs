//! Values that serde writes, as dicts and lists of Python.

use pyo3::PyTypeInfo;
use pyo3::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::refused;

/// A value in the form that `json.loads` gives.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    let text = serde_json::to_string(value).map_err(refused)?;
    py.import("json")?.call_method1("loads", (text,))
}

/// JSON of a dict, or of JSON that is a string or bytes.
pub(crate) fn text_of(value: &Bound<'_, PyAny>, what: &str) -> PyResult<String> {
    if let Ok(text) = value.extract::<String>() {
        return Ok(text);
    }
    if let Ok(bytes) = value.extract::<Vec<u8>>().map(String::from_utf8) {
        return bytes.map_err(|_| refused(format!("{what} is not UTF-8")));
    }
    let text = value.py().import("json")?.call_method1("dumps", (value,));
    let text = text.map_err(|error| {
        crate::array::interrupt_or(value.py(), error, |error| refused(format!("{what} cannot be read: {error}")))
    })?;
    text.extract()
}

/// The pickled form of an object, which `_from_json` reads.
pub(crate) fn pickled<'py, P: PyTypeInfo>(py: Python<'py>, figures: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    let text = serde_json::to_string(figures).map_err(refused)?;
    Ok((py.get_type::<P>().getattr("_from_json")?, (text,)).into_pyobject(py)?.into_any())
}

/// The object that `pickled` wrote.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> PyResult<T> {
    serde_json::from_str(text).map_err(refused)
}
