//! ONNX models without some of their channels, and checkpoints that are cut in the same way.

use std::collections::BTreeMap;

use prune_core::Density;
use prune_files::{ChannelMethod, ChannelScore, ShrinkBy, ShrinkJob, ShrinkOutputs, SliceJob};
use prune_schedule::Glob;
use pyo3::prelude::*;

use super::job::FilePath;
use super::watched::{FileReport, watched};
use crate::array::named;
use crate::error::refused;
use crate::number::{density as density_of, lengths, one_of};

/// Takes channels, neurons and heads out of an ONNX model and writes the smaller one, whole or not at all.
///
/// Give one of: density (the fraction of channels kept), sparsity, keep_macs (the largest fraction of multiply-adds
/// kept), keep_params (the same for parameters), masks (a safetensors file; channels that it closes whole are taken
/// out), dead=True (take out channels that have no effect). method: "channel_unified_local" or "channel_global".
/// min_density: the least density of each family. score: "l2", "l1" or "random", with seed. multiple: counts are
/// rounded to multiples of this. inputs: a dict from names to shapes, if the file leaves lengths open. include,
/// exclude: patterns of weights. explain: say why the rest stays. kept: a .json file to write, for slice. force:
/// replace outputs that exist.
///
/// Raises PruneError; no output has changed then.
#[pyfunction]
#[pyo3(signature = (model, output, *, density=None, sparsity=None, keep_macs=None, keep_params=None, masks=None, dead=false,
    method="channel_unified_local", min_density=None, score="l2", seed=0, multiple=4, inputs=None, include=Vec::new(),
    exclude=Vec::new(), explain=false, kept=None, force=false))]
#[expect(clippy::too_many_arguments, reason = "arguments of Python, most of them by name")]
pub(crate) fn shrink(
    py: Python<'_>,
    model: FilePath,
    output: FilePath,
    density: Option<&Bound<'_, PyAny>>,
    sparsity: Option<&Bound<'_, PyAny>>,
    keep_macs: Option<&Bound<'_, PyAny>>,
    keep_params: Option<&Bound<'_, PyAny>>,
    masks: Option<FilePath>,
    dead: bool,
    method: &str,
    min_density: Option<&Bound<'_, PyAny>>,
    score: &str,
    seed: u64,
    multiple: usize,
    inputs: Option<&Bound<'_, PyAny>>,
    include: Vec<String>,
    exclude: Vec<String>,
    explain: bool,
    kept: Option<FilePath>,
    force: bool,
) -> PyResult<FileReport> {
    let methods = [
        ("channel_unified_local", ChannelMethod::ChannelUnifiedLocal),
        ("channel_global", ChannelMethod::ChannelGlobal),
    ];
    let method = one_of("method", method, &methods)?;
    let scores = [("l2", ChannelScore::L2), ("l1", ChannelScore::L1), ("random", ChannelScore::Random { seed })];
    let score = one_of("score", score, &scores)?;
    let fraction = |value: Option<&Bound<'_, PyAny>>| -> PyResult<Option<Density>> {
        value.map(|value| density_of(Some(value), None)).transpose()
    };
    let share = (density.is_some() || sparsity.is_some()).then(|| density_of(density, sparsity)).transpose()?;
    let min_density = fraction(min_density)?;
    let by = match (share, fraction(keep_macs)?, fraction(keep_params)?, masks, dead) {
        (Some(density), None, None, None, false) => ShrinkBy::Density { method, density, min_density },
        (None, Some(fraction), None, None, false) => ShrinkBy::MultiplyAdds { method, fraction, min_density },
        (None, None, Some(fraction), None, false) => ShrinkBy::Parameters { method, fraction, min_density },
        (None, None, None, Some(masks), false) if min_density.is_none() => ShrinkBy::Masks(masks.0),
        (None, None, None, None, true) if min_density.is_none() => ShrinkBy::Dead,
        (None, None, None, ..) if min_density.is_some() => {
            return Err(refused("min_density is for what is ranked: density, sparsity, keep_macs and keep_params"));
        }
        _ => return Err(refused("give one of density, sparsity, keep_macs, keep_params, masks and dead")),
    };
    if multiple == 0 {
        return Err(refused("multiple must be 1 or more; 1 rounds nothing"));
    }
    let mut shapes = BTreeMap::new();
    for (name, shape) in inputs.map_or(Ok(Vec::new()), |inputs| named(inputs, "inputs"))? {
        shapes.insert(name, lengths("the shape of an input", &shape)?);
    }
    let globs = |patterns: Vec<String>| patterns.into_iter().map(Glob::new).collect();
    let job = ShrinkJob::new(model.0, by)
        .with_score(score)
        .with_multiple(multiple)
        .with_inputs(shapes)
        .with_include(globs(include))
        .with_exclude(globs(exclude))
        .with_explain(explain);
    let to = ShrinkOutputs { model: output.0, kept: kept.map(|path| path.0), force };
    watched(py, |watch| prune_files::shrink(&job, &to, watch))
}

/// Cuts a checkpoint as its ONNX model was cut, so that training can go on: the exported weights, and optimiser buffers
/// of the same names and shapes.
///
/// kept: the indices kept, as shrink wrote them. names: a .json table from names of the checkpoint to names of the
/// model, for tensors whose values differ. force: replace an output that exists.
///
/// Raises PruneError; no output has changed then.
#[pyfunction]
#[pyo3(signature = (checkpoint, output, kept, *, names=None, force=false))]
pub(crate) fn slice(
    py: Python<'_>,
    checkpoint: FilePath,
    output: FilePath,
    kept: FilePath,
    names: Option<FilePath>,
    force: bool,
) -> PyResult<FileReport> {
    let job = SliceJob { checkpoint: checkpoint.0, kept: kept.0, names: names.map(|path| path.0) };
    watched(py, |watch| prune_files::slice(&job, &output.0, force, watch))
}
