//! Scores other than magnitude that rank elements.

use numpy::PyArray1;
use prune_core::{LayerRef, Score, Subject};
use pyo3::prelude::*;

use crate::array::{Array, Readable};
use crate::error::refused;
use crate::number::{axis as axis_of, shown};
use crate::work::here;

/// The score of each element, as a new array of float64 of the array's shape. Higher scores rank first. Pass it to a
/// mask function with by="value", or with by="magnitude" if the scores are the weights themselves.
///
/// score: "magnitude", "random" (by name and seed), "saliency" and "snip" (evidence: gradients, shaped as the array),
/// "wanda" (evidence: the L2 norm of each input, shaped as the array without output_axis, which is the last unless
/// given), "given" (evidence: the scores).
///
/// Raises PruneError for an unknown score, and if evidence is missing or has another shape.
#[pyfunction]
#[pyo3(signature = (array, score, evidence=None, *, output_axis=None, name="", seed=0))]
pub(crate) fn scores<'py>(
    array: &Bound<'py, PyAny>,
    score: &str,
    evidence: Option<&Bound<'py, PyAny>>,
    output_axis: Option<&Bound<'py, PyAny>>,
    name: &str,
    seed: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let known = || Score::names().map(|known| format!("'{known}'")).collect::<Vec<_>>().join(", ");
    let score = Score::named(score, seed)
        .ok_or_else(|| refused(format!("score is '{}'; it can be {}", prune_core::printable(score), known())))?;
    let readable = |array: &Bound<'py, PyAny>| -> PyResult<Readable<'py>> {
        let array = Array::of(array)?;
        array.must_be_float()?;
        Readable::of(&array)
    };
    let (lent, evidence) = (readable(array)?, evidence.map(readable).transpose()?);
    let (weights, evidence) = (lent.view(), evidence.as_ref().map(Readable::view));
    let (weights, evidence) = (weights.layer(), evidence.as_ref().map(|view| view.layer()));
    let mut subject = Subject::new(name, &weights);
    if let Some(evidence) = &evidence {
        subject = subject.with_evidence(evidence);
    }
    if let Some(axis) = output_axis {
        subject = subject.with_output_axis(place(axis, &weights)?);
    }
    let values = here(|| score.of(&subject).and_then(|scores| scores.layer().to_logical_f64()))?.map_err(refused)?;
    let shape = weights.shape().to_vec();
    PyArray1::from_vec(array.py(), values).call_method1("reshape", (shape,))
}

/// An axis of a layer, as an index from the first one.
fn place(axis: &Bound<'_, PyAny>, layer: &LayerRef<'_>) -> PyResult<usize> {
    let (given, rank) = (axis_of("output_axis", axis)?, layer.rank());
    let counted = if given < 0 { given.checked_add_unsigned(rank) } else { Some(given) };
    counted
        .and_then(|axis| usize::try_from(axis).ok())
        .filter(|&axis| axis < rank)
        .ok_or_else(|| refused(format!("output_axis is {}, the array has {rank} axes", shown(axis))))
}
