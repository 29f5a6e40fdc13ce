//! Python values as the text of a literal, which strategies are parsed from.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::error::refused;
use crate::number::shown;

/// The deepest nesting. The parser of texts refuses at the same depth.
const DEEPEST: usize = 32;

/// The literal of a strategy's dict. Its numbers may be numpy's.
pub(crate) fn literal(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut text = String::new();
    write(value, &mut text, 0)?;
    Ok(text)
}

fn write(value: &Bound<'_, PyAny>, text: &mut String, depth: usize) -> PyResult<()> {
    if depth > DEEPEST {
        return Err(refused(format!("the strategy is nested more than {DEEPEST} deep")));
    }
    let plain = value.is_none()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>();
    if plain {
        text.push_str(value.repr()?.to_str()?);
    } else if let Ok(string) = value.cast::<PyString>() {
        // This is the representation of `str` itself; a subclass may have another one.
        text.push_str(PyString::new(value.py(), string.to_str()?).repr()?.to_str()?);
    } else if let Ok(dict) = value.cast::<PyDict>() {
        text.push('{');
        for (key, value) in dict {
            write(&key, text, depth + 1)?;
            text.push_str(": ");
            write(&value, text, depth + 1)?;
            text.push_str(", ");
        }
        text.push('}');
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        items(tuple.iter(), ('(', ')'), text, depth)?;
    } else if let Ok(list) = value.cast::<PyList>() {
        items(list.iter(), ('[', ']'), text, depth)?;
    } else if value.getattr("ndim").and_then(|axes| axes.extract::<usize>()).is_ok_and(|axes| axes == 0) {
        // A scalar of numpy, JAX or torch.
        let item = value.call_method0("item").map_err(|_| unfit(value))?;
        if item.is(value) || item.hasattr("ndim")? {
            return Err(unfit(value));
        }
        write(&item, text, depth + 1)?;
    } else {
        return Err(unfit(value));
    }
    Ok(())
}

fn items<'py>(
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    (open, close): (char, char),
    text: &mut String,
    depth: usize,
) -> PyResult<()> {
    text.push(open);
    for item in items {
        write(&item, text, depth + 1)?;
        text.push_str(", ");
    }
    text.push(close);
    Ok(())
}

fn unfit(value: &Bound<'_, PyAny>) -> PyErr {
    refused(format!(
        "the strategy holds {}; it is made of dicts, tuples, lists, strings, numbers and booleans",
        shown(value)
    ))
}
