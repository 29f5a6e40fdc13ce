//! Masks of one array, and of several arrays in one ranking.

use prune_core::{Blocks, Channels, Error, LayerRef, Layers, Mask as CoreMask, Norm, Pool, Ranked, Selector, Unit};
use pyo3::prelude::*;

use crate::array::{Array, Model, Readable, View};
use crate::error::refused;
use crate::mask::{Mask, mask_of};
use crate::masks::Masks;
use crate::number::{
    axes as axes_of, axis as axis_of, density as density_of, lengths, one_of, pattern as pattern_of, rank_by,
};
use crate::work::run;

/// Reads one array. If nothing can write its memory, other Python threads run meanwhile.
pub(crate) fn reading<R: Send>(
    array: &Bound<'_, PyAny>,
    read: impl FnOnce(&LayerRef<'_>) -> Result<R, Error> + Send,
) -> PyResult<R> {
    let array_of = Array::of(array)?;
    array_of.must_be_float()?;
    let lent = Readable::of(&array_of)?;
    let view: View<'_> = lent.view();
    run(array.py(), array_of.frozen, || read(&view.layer()))?.map_err(refused)
}

/// The selection from one array, among the alive elements.
fn selected(
    array: &Bound<'_, PyAny>,
    (by, alive): (&str, Option<&Bound<'_, PyAny>>),
    select: impl FnOnce(Selector, Ranked<'_>) -> Result<CoreMask, Error> + Send,
) -> PyResult<Mask> {
    let selector = Selector::default().with_rank_by(rank_by(by)?).with_count_ties(false);
    let alive = alive.map(mask_of).transpose()?;
    reading(array, |layer| select(selector, Ranked::new("", layer).with_alive(alive.as_ref()))).map(Mask::from)
}

/// The mask that keeps the elements of greatest magnitude: exactly the fraction `density`, even with ties and zeros.
///
/// array: float32, float64, float16 or bfloat16, of any shape and memory layout; it is not changed. density: the
/// fraction kept, above 0 and at most 1. sparsity: the fraction removed; give one of the two. by: "magnitude", or
/// "value" if the array has scores, of which the highest are kept. alive: a Mask; only elements that it keeps may be
/// chosen, but density still counts all elements.
///
/// Raises PruneError for NaN, for other types, and if more elements are asked for than are alive.
#[pyfunction]
#[pyo3(signature = (array, density=None, *, sparsity=None, by="magnitude", alive=None))]
pub(crate) fn mask_unstructured(
    array: &Bound<'_, PyAny>,
    density: Option<&Bound<'_, PyAny>>,
    sparsity: Option<&Bound<'_, PyAny>>,
    by: &str,
    alive: Option<&Bound<'_, PyAny>>,
) -> PyResult<Mask> {
    let density = density_of(density, sparsity)?;
    selected(array, (by, alive), |selector, layer| Ok(selector.unstructured(layer, density)?.mask))
}

/// The mask that keeps N of every M consecutive elements along an axis, those of greatest magnitude.
///
/// pattern: "2:4" or (2, 4); N is the number kept. axis: the last one by default; negative ones count from the end. A
/// last group of fewer than M elements keeps at most N of them.
///
/// by and alive are those of mask_unstructured.
///
/// Raises PruneError as mask_unstructured does, and for a pattern that is not 1 <= N <= M or an axis that does not
/// exist.
#[pyfunction]
#[pyo3(signature = (array, pattern, axis=None, *, by="magnitude", alive=None))]
pub(crate) fn mask_n_m(
    array: &Bound<'_, PyAny>,
    pattern: &Bound<'_, PyAny>,
    axis: Option<&Bound<'_, PyAny>>,
    by: &str,
    alive: Option<&Bound<'_, PyAny>>,
) -> PyResult<Mask> {
    let (pattern, axis) = (pattern_of(pattern)?, axis.map_or(Ok(-1), |axis| axis_of("axis", axis))?);
    selected(array, (by, alive), |selector, layer| Ok(selector.n_m(layer, pattern, axis)?.mask))
}

/// The mask that keeps whole blocks: exactly the fraction `density` of their number.
///
/// sizes: the length of a block along each axis of axes, or along the last ones. pool: "mean" or "max", the score of a
/// block from its elements' magnitudes. Blocks at the far edge are smaller, and count as one each.
///
/// density, sparsity, by and alive are those of mask_unstructured.
///
/// Raises PruneError as mask_unstructured does, and for blocks of length 0, of more axes than the array has, or along
/// an axis that does not exist.
#[pyfunction]
#[pyo3(signature = (array, sizes, density=None, *, sparsity=None, axes=None, pool="mean", by="magnitude", alive=None))]
#[expect(clippy::too_many_arguments, reason = "arguments of Python, most of them by name")]
pub(crate) fn mask_blocks(
    array: &Bound<'_, PyAny>,
    sizes: &Bound<'_, PyAny>,
    density: Option<&Bound<'_, PyAny>>,
    sparsity: Option<&Bound<'_, PyAny>>,
    axes: Option<&Bound<'_, PyAny>>,
    pool: &str,
    by: &str,
    alive: Option<&Bound<'_, PyAny>>,
) -> PyResult<Mask> {
    let density = density_of(density, sparsity)?;
    let pool = one_of("pool", pool, &[("mean", Pool::Mean), ("max", Pool::Max)])?;
    let axes = axes.map_or(Ok(Vec::new()), |axes| axes_of("axes", axes))?;
    let unit = Unit::from(Blocks::new(&lengths("sizes", sizes)?, &axes, pool).map_err(refused)?);
    selected(array, (by, alive), |selector, layer| Ok(selector.units(layer, &unit, density)?.mask))
}

/// The mask that keeps whole channels, those of the greatest norm: exactly the fraction `density` of the indices of an
/// axis.
///
/// axis: the axis whose indices are the channels. norm: "l1", "l2" or "max".
///
/// density, sparsity, by and alive are those of mask_unstructured.
///
/// Raises PruneError as mask_unstructured does, and for an axis that does not exist.
#[pyfunction]
#[pyo3(signature = (array, density=None, *, axis, sparsity=None, norm="l2", by="magnitude", alive=None))]
pub(crate) fn mask_channels(
    array: &Bound<'_, PyAny>,
    density: Option<&Bound<'_, PyAny>>,
    axis: &Bound<'_, PyAny>,
    sparsity: Option<&Bound<'_, PyAny>>,
    norm: &str,
    by: &str,
    alive: Option<&Bound<'_, PyAny>>,
) -> PyResult<Mask> {
    let density = density_of(density, sparsity)?;
    let norm = one_of("norm", norm, &[("l1", Norm::L1), ("l2", Norm::L2), ("max", Norm::Max)])?;
    let unit = Unit::from(Channels::new(axis_of("axis", axis)?, norm));
    selected(array, (by, alive), |selector, layer| Ok(selector.units(layer, &unit, density)?.mask))
}

/// The mask that keeps the best fraction `density` of each index of an axis, such as each output, and ranks each by
/// itself.
///
/// axis: the axis whose indices are ranked separately.
///
/// density, sparsity, by and alive are those of mask_unstructured.
///
/// Raises PruneError as mask_unstructured does, and for an axis that does not exist.
#[pyfunction]
#[pyo3(signature = (array, density=None, *, axis, sparsity=None, by="magnitude", alive=None))]
pub(crate) fn mask_per_output(
    array: &Bound<'_, PyAny>,
    density: Option<&Bound<'_, PyAny>>,
    axis: &Bound<'_, PyAny>,
    sparsity: Option<&Bound<'_, PyAny>>,
    by: &str,
    alive: Option<&Bound<'_, PyAny>>,
) -> PyResult<Mask> {
    let (density, axis) = (density_of(density, sparsity)?, axis_of("axis", axis)?);
    selected(array, (by, alive), |selector, layer| Ok(selector.each_along(layer, density, axis)?.mask))
}

/// Masks of arrays in one ranking: the best fraction `density` of all elements together. A layer may keep nothing.
///
/// arrays: a dict from names to arrays, of any ranks and types. Of equal scores, the smaller name ranks first, then the
/// lower index. alive: Masks, or a dict of them, with the same names.
///
/// density, sparsity and by are those of mask_unstructured.
///
/// Raises PruneError as mask_unstructured does, naming the array.
#[pyfunction]
#[pyo3(signature = (arrays, density=None, *, sparsity=None, by="magnitude", alive=None))]
pub(crate) fn mask_global(
    arrays: &Bound<'_, PyAny>,
    density: Option<&Bound<'_, PyAny>>,
    sparsity: Option<&Bound<'_, PyAny>>,
    by: &str,
    alive: Option<&Bound<'_, PyAny>>,
) -> PyResult<Masks> {
    let density = density_of(density, sparsity)?;
    let selector = Selector::default().with_rank_by(rank_by(by)?);
    let alive = alive.map(Masks::from_any).transpose()?.unwrap_or_default();
    let arrays = Model::of(arrays, "arrays")?;
    arrays.must_be_float()?;
    let made = arrays.reading(|model| {
        let layers = model.layers();
        let rank = |(name, layer)| Ranked::new(name, layer).with_alive(alive.masks.get(name));
        let ranked: Vec<Ranked<'_>> = layers.iter().map(|(name, layer)| rank((name.as_ref(), layer))).collect();
        let selected = selector.global(&ranked, density)?;
        Ok::<_, Error>(ranked.iter().zip(selected).map(|(layer, made)| (layer.name.to_owned(), made.mask)).collect())
    })?;
    Ok(Masks { masks: made.map_err(refused)? })
}
