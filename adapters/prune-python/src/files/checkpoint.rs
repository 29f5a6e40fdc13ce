//! Checkpoints in safetensors: pruning, checks and inspection.

use prune_files::{Destination, Format, Want, write_masks, write_zero_masks};
use pyo3::prelude::*;

use super::job::{CallArguments, FilePath, SideFiles, filter, group_axis, strategy_for_files};
use super::watched::{FileReport, watched};
use crate::error::refused;
use crate::number::{density as density_of, one_of, pattern as pattern_of};

/// Writes a checkpoint with zeros outside the masks of a strategy's events, whole or not at all.
///
/// model: a .safetensors file, a folder or an index. output: the file or folder to write; None replaces the model.
/// strategy: a Strategy, dict or text, or one event such as {"method": "unstr_global", "density": 0.1}; it may be left
/// out if masks are given. epoch: apply only the strategy's event at the end of this epoch. format: "dense" or
/// "bitmask". force: replace an output that exists. axis: a whole number, "reduction" or "output", for events without
/// an axis; by default the first axis of inputs. include, exclude: patterns that narrow the selection. also: patterns
/// of tensors whose names are not known. all: every floating tensor of two axes or more. scores, gradients, inputs,
/// masks: safetensors files with values for the model's layers.
///
/// Raises PruneError; the output has not changed then.
#[pyfunction]
#[pyo3(signature = (model, output, strategy=None, *, epoch=None, format="dense", force=false, axis=None, include=Vec::new(),
    exclude=Vec::new(), also=Vec::new(), all=false, scores=None, gradients=None, inputs=None, masks=None))]
#[expect(clippy::too_many_arguments, reason = "arguments of Python, most of them by name")]
pub(crate) fn apply(
    py: Python<'_>,
    model: FilePath,
    output: Option<FilePath>,
    strategy: Option<&Bound<'_, PyAny>>,
    epoch: Option<u64>,
    format: &str,
    force: bool,
    axis: Option<&Bound<'_, PyAny>>,
    include: Vec<String>,
    exclude: Vec<String>,
    also: Vec<String>,
    all: bool,
    scores: Option<FilePath>,
    gradients: Option<FilePath>,
    inputs: Option<FilePath>,
    masks: Option<FilePath>,
) -> PyResult<FileReport> {
    let format = one_of("format", format, &[("dense", Format::Dense), ("bitmask", Format::Bitmask)])?;
    let filter = filter(include, exclude, also, all);
    let beside = SideFiles { scores, gradients, inputs, masks };
    let job = CallArguments { strategy, epoch, axis, filter, beside }.job(model)?;
    let to = Destination { path: output.map(|path| path.0), force };
    watched(py, |watch| prune_files::apply(&job, &to, format, watch))
}

/// Writes the masks that apply would use, as a safetensors file of booleans under the layers' names. With from_zeros,
/// the masks keep exactly the elements that are not zero.
///
/// The other arguments are those of apply. Raises PruneError as apply does.
#[pyfunction]
#[pyo3(signature = (model, output, strategy=None, *, from_zeros=false, epoch=None, force=false, axis=None,
    include=Vec::new(), exclude=Vec::new(), also=Vec::new(), all=false, scores=None, gradients=None, inputs=None, masks=None))]
#[expect(clippy::too_many_arguments, reason = "arguments of Python, most of them by name")]
pub(crate) fn mask(
    py: Python<'_>,
    model: FilePath,
    output: FilePath,
    strategy: Option<&Bound<'_, PyAny>>,
    from_zeros: bool,
    epoch: Option<u64>,
    force: bool,
    axis: Option<&Bound<'_, PyAny>>,
    include: Vec<String>,
    exclude: Vec<String>,
    also: Vec<String>,
    all: bool,
    scores: Option<FilePath>,
    gradients: Option<FilePath>,
    inputs: Option<FilePath>,
    masks: Option<FilePath>,
) -> PyResult<FileReport> {
    let filter = filter(include, exclude, also, all);
    let beside = SideFiles { scores, gradients, inputs, masks };
    if from_zeros {
        if strategy.is_some() || epoch.is_some() || axis.is_some() {
            return Err(refused("from_zeros reads masks off the weights alone; leave strategy, epoch and axis out"));
        }
        let job = beside.put_into(prune_files::Job::new(model.0, Vec::new()).with_filter(filter));
        return watched(py, |watch| write_zero_masks(&job, &output.0, force, watch));
    }
    let job = CallArguments { strategy, epoch, axis, filter, beside }.job(model)?;
    watched(py, |watch| write_masks(&job, &output.0, force, watch))
}

/// Checks a checkpoint against a pattern, a density or masks. The report's `holds` is True if it conforms.
///
/// Give one of: pattern, "2:4" or (2, 4), with axis as in apply; density or sparsity, of each layer or, with together,
/// of all layers; masks, a safetensors file.
///
/// axis, include, exclude, also and all are those of apply.
///
/// Raises PruneError unless one of pattern, density, sparsity and masks is given, for a model that cannot be read, and
/// for masks that do not fit it. A model that does not conform raises nothing.
#[pyfunction]
#[pyo3(signature = (model, *, pattern=None, density=None, sparsity=None, masks=None, axis=None, together=false,
    include=Vec::new(), exclude=Vec::new(), also=Vec::new(), all=false))]
#[expect(clippy::too_many_arguments, reason = "arguments of Python, most of them by name")]
pub(crate) fn check(
    py: Python<'_>,
    model: FilePath,
    pattern: Option<&Bound<'_, PyAny>>,
    density: Option<&Bound<'_, PyAny>>,
    sparsity: Option<&Bound<'_, PyAny>>,
    masks: Option<FilePath>,
    axis: Option<&Bound<'_, PyAny>>,
    together: bool,
    include: Vec<String>,
    exclude: Vec<String>,
    also: Vec<String>,
    all: bool,
) -> PyResult<FileReport> {
    let density = (density.is_some() || sparsity.is_some()).then(|| density_of(density, sparsity)).transpose()?;
    if pattern.is_none() && axis.is_some() {
        return Err(refused("axis is for the groups of a pattern; leave it out"));
    }
    if density.is_none() && together {
        return Err(refused("together is for a density; leave it out"));
    }
    let want = match (pattern, density, masks) {
        (Some(pattern), None, None) => {
            Want::Pattern { pattern: pattern_of(pattern)?, axis: axis.map(group_axis).transpose()? }
        }
        (None, Some(density), None) => Want::Density { density, together },
        (None, None, Some(masks)) => Want::Masks(masks.0),
        _ => return Err(refused("say what is checked: one of pattern, density, sparsity and masks")),
    };
    let filter = filter(include, exclude, also, all);
    watched(py, |watch| prune_files::check(&model.0, &want, &filter, watch))
}

/// The contents of a checkpoint: types, shapes, densities, and the N:M patterns that it has.
///
/// model: a .safetensors file, a folder or an index.
///
/// Raises PruneError for a model that cannot be read; the message says what the file is.
#[pyfunction]
pub(crate) fn inspect(py: Python<'_>, model: FilePath) -> PyResult<FileReport> {
    watched(py, |watch| prune_files::inspect(&model.0, watch))
}

/// A preview of a strategy on a checkpoint, from its headers alone.
///
/// model: a .safetensors file, a folder or an index. strategy: a Strategy, dict or text, or one event. axis, include,
/// exclude, also and all are those of apply.
///
/// Raises PruneError for a model that cannot be read, and for a strategy that does not fit it; the message names the
/// event and the layer.
#[pyfunction]
#[pyo3(signature = (model, strategy, *, axis=None, include=Vec::new(), exclude=Vec::new(), also=Vec::new(), all=false))]
#[expect(clippy::too_many_arguments, reason = "arguments of Python, most of them by name")]
pub(crate) fn preview(
    py: Python<'_>,
    model: FilePath,
    strategy: &Bound<'_, PyAny>,
    axis: Option<&Bound<'_, PyAny>>,
    include: Vec<String>,
    exclude: Vec<String>,
    also: Vec<String>,
    all: bool,
) -> PyResult<FileReport> {
    let (strategy, filter) = (strategy_for_files(strategy, axis)?, filter(include, exclude, also, all));
    watched(py, |_| prune_files::preview(&model.0, &strategy, &filter))
}

/// Turns a checkpoint in the bitmask format back into a dense one, bit for bit.
///
/// model: the file or folder in the bitmask format. output: the file or folder to write. force: replace an output that
/// exists.
///
/// Raises PruneError for a model that is damaged or in another format, and for an output that exists. The output has
/// not changed then.
#[pyfunction]
#[pyo3(signature = (model, output, *, force=false))]
pub(crate) fn expand(py: Python<'_>, model: FilePath, output: FilePath, force: bool) -> PyResult<FileReport> {
    let to = Destination { path: Some(output.0), force };
    watched(py, |watch| prune_files::expand(&model.0, &to, watch))
}
