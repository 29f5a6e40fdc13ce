//! Numbers and words in arguments, and their checks.

use prune_core::{Density, NmPattern, RankBy};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};

use crate::error::refused;

/// A density from one of two arguments: the fraction kept, or the fraction removed.
pub(crate) fn density(density: Option<&Bound<'_, PyAny>>, sparsity: Option<&Bound<'_, PyAny>>) -> PyResult<Density> {
    match (density, sparsity) {
        (Some(kept), None) => Density::new(float("density", kept)?).map_err(refused),
        (None, Some(removed)) => Density::from_sparsity(float("sparsity", removed)?).map_err(refused),
        (None, None) => Err(refused("pass density, the fraction kept, or sparsity, the fraction removed")),
        (Some(_), Some(_)) => Err(refused("pass density or sparsity, not both")),
    }
}

/// A number that is neither a truth value nor a string.
fn float(name: &str, value: &Bound<'_, PyAny>) -> PyResult<f64> {
    let number = if value.is_instance_of::<PyBool>() { None } else { value.extract::<f64>().ok() };
    number.ok_or_else(|| refused(format!("{name} must be a number, this is {}", shown(value))))
}

/// A whole number that may be an axis.
pub(crate) fn axis(name: &str, value: &Bound<'_, PyAny>) -> PyResult<isize> {
    let number = if value.is_instance_of::<PyBool>() { None } else { value.extract::<isize>().ok() };
    number.ok_or_else(|| refused(format!("{name} must be a whole number, this is {}", shown(value))))
}

/// A count.
pub(crate) fn count(name: &str, value: &Bound<'_, PyAny>) -> PyResult<u64> {
    let number = if value.is_instance_of::<PyBool>() { None } else { value.extract::<u64>().ok() };
    number.ok_or_else(|| refused(format!("{name} must be a whole number of 0 or more, this is {}", shown(value))))
}

/// Whole numbers: one, or several.
pub(crate) fn axes(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<isize>> {
    if let Ok(one) = axis(name, value) {
        return Ok(vec![one]);
    }
    let several = || refused(format!("{name} must be whole numbers, this is {}", shown(value)));
    let items = if value.is_instance_of::<PyString>() { None } else { value.try_iter().ok() };
    items.ok_or_else(several)?.map(|item| axis(name, &item?).map_err(|_| several())).collect()
}

/// Lengths: one, or several.
pub(crate) fn lengths(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
    let positive = |length: isize| {
        usize::try_from(length).map_err(|_| refused(format!("{name} must be 0 or more, this is {}", shown(value))))
    };
    axes(name, value)?.into_iter().map(positive).collect()
}

/// N:M, as a string such as `"2:4"` or as two numbers `(N, M)`.
pub(crate) fn pattern(value: &Bound<'_, PyAny>) -> PyResult<NmPattern> {
    if let Ok(text) = value.cast::<PyString>() {
        return text.to_str()?.parse().map_err(refused);
    }
    match lengths("pattern", value).ok().as_deref() {
        Some(&[n, m]) => NmPattern::new(n, m).map_err(refused),
        _ => Err(refused(format!("pattern must be \"N:M\" or (N, M), N kept of every M, this is {}", shown(value)))),
    }
}

/// The ranking: by `magnitude`, or by `value` of scores.
pub(crate) fn rank_by(by: &str) -> PyResult<RankBy> {
    one_of("by", by, &[("magnitude", RankBy::Magnitude), ("value", RankBy::Value)])
}

/// One of several allowed words.
pub(crate) fn one_of<T: Copy>(name: &str, word: &str, words: &[(&str, T)]) -> PyResult<T> {
    let known = words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
    known.ok_or_else(|| {
        let words: Vec<String> = words.iter().map(|(known, _)| format!("'{known}'")).collect();
        refused(format!("{name} is '{}'; it can be {}", prune_core::printable(word), words.join(" or ")))
    })
}

/// A value for an error message, cut short.
pub(crate) fn shown(value: &Bound<'_, PyAny>) -> String {
    let kind = value.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
    let text: String =
        value.repr().map_or_else(|_| String::new(), |repr| repr.to_string_lossy().chars().take(60).collect());
    format!("{} ({kind})", prune_core::printable(&text))
}
