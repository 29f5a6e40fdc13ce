//! Masks applied to one array, and activations pruned.

use prune_core::{ActivationPruner, ActivationRule, ActivationScope};
use pyo3::prelude::*;

use crate::array::{Array, Bf16, Writable};
use crate::error::refused;
use crate::mask::{Mask, mask_of};
use crate::number::{density as density_of, one_of, pattern as pattern_of};
use crate::select::reading;
use crate::work::{here, run};

/// Writes +0.0 where the mask does not keep, in place; kept elements stay as they are, to the bit.
///
/// array: a writable numpy array of the mask's shape, of any memory layout. mask: a Mask or an array of bool.
///
/// Raises PruneError, before anything is written, for another shape or type and for read-only arrays.
#[pyfunction]
pub(crate) fn apply_mask(array: &Bound<'_, PyAny>, mask: &Bound<'_, PyAny>) -> PyResult<()> {
    let mask = mask_of(mask)?;
    let array = Array::of(array)?;
    array.must_be_float()?;
    let mut lent = Writable::of(&array)?;
    here(|| lent.view().layer_mut().apply_mask(&mask))?.map_err(refused)
}

/// The number of elements outside the mask that are not zero. Zeros of both signs count as zero.
///
/// array: an array of the mask's shape, which is only read. mask: a Mask or an array of bool.
///
/// Raises PruneError for another shape or type.
#[pyfunction]
pub(crate) fn revivals(array: &Bound<'_, PyAny>, mask: &Bound<'_, PyAny>) -> PyResult<usize> {
    let mask = mask_of(mask)?;
    reading(array, |layer| layer.revivals(&mask))
}

/// A copy of activations that keeps the greatest magnitudes of each sample (each index of the first axis), and the mask
/// for the backward pass.
///
/// x: an array; it is not changed. density: the fraction of each sample that is kept. sparsity: the fraction removed,
/// in its place. scope: "sample", or "tensor" to rank the whole at once.
///
/// Raises PruneError for NaN and for other types.
#[pyfunction]
#[pyo3(signature = (x, density=None, *, sparsity=None, scope="sample"))]
pub(crate) fn prune_act_unstruct<'py>(
    x: &Bound<'py, PyAny>,
    density: Option<&Bound<'py, PyAny>>,
    sparsity: Option<&Bound<'py, PyAny>>,
    scope: &str,
) -> PyResult<(Bound<'py, PyAny>, Mask)> {
    let scopes = [("sample", ActivationScope::PerSample), ("tensor", ActivationScope::WholeTensor)];
    activations(x, ActivationRule::Unstructured(density_of(density, sparsity)?), one_of("scope", scope, &scopes)?)
}

/// A copy of activations that keeps N of every M consecutive elements of the last axis, and the mask for the backward
/// pass.
///
/// x: an array; it is not changed. pattern: "2:4" or (2, 4).
///
/// Raises PruneError for NaN and for other types.
#[pyfunction]
pub(crate) fn prune_act_struct<'py>(
    x: &Bound<'py, PyAny>,
    pattern: &Bound<'py, PyAny>,
) -> PyResult<(Bound<'py, PyAny>, Mask)> {
    activations(x, ActivationRule::Nm(pattern_of(pattern)?), ActivationScope::PerSample)
}

fn activations<'py>(
    x: &Bound<'py, PyAny>,
    rule: ActivationRule,
    scope: ActivationScope,
) -> PyResult<(Bound<'py, PyAny>, Mask)> {
    let mut pruner = ActivationPruner::new(rule).with_scope(scope);
    // A bad type is refused before a copy is made.
    Array::of(x)?.must_be_float()?;
    let numpy = x.py().import("numpy")?;
    let copy = match x.cast::<Bf16>() {
        Ok(wrapped) => {
            let copy = numpy.call_method1("array", (&wrapped.get().array,))?;
            Bound::new(x.py(), Bf16 { array: copy.unbind() })?.into_any()
        }
        Err(_) => numpy.call_method1("array", (x,))?,
    };
    let array = Array::of(&copy)?;
    let mut lent = Writable::of(&array)?;
    let mut view = lent.view();
    // Nothing else has this copy.
    run(x.py(), true, || pruner.prune(view.layer_mut()))?.map_err(refused)?;
    drop(lent);
    Ok((copy, pruner.mask().clone().into()))
}
