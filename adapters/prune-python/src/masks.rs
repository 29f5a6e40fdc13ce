//! Masks by name.

use prune_core::{LayersMut, Masks as CoreMasks};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyType};

use crate::array::{InLayer, Model, lie_apart, named};
use crate::error::refused;
use crate::mask::{Mask, mask_of};
use crate::work::here;

/// Masks by the names of their layers. They keep pruned weights at zero, and an optimiser's buffers of the same names.
///
/// Masks(masks) takes a mapping from names to Mask or arrays of bool. It can be read as a dict in the order of names.
#[pyclass(module = "prune_rs", name = "Masks", mapping, eq)]
#[derive(PartialEq, Clone, Default)]
pub(crate) struct Masks {
    pub(crate) masks: CoreMasks,
}

impl From<CoreMasks> for Masks {
    fn from(masks: CoreMasks) -> Self {
        Masks { masks }
    }
}

impl Masks {
    /// Masks, or a mapping of masks.
    pub(crate) fn from_any(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(masks) = value.cast::<Masks>() {
            return Ok(masks.try_borrow()?.clone());
        }
        let mask = |(name, value): (String, Bound<'_, PyAny>)| {
            let mask = mask_of(&value).map_err(|error| error.in_layer(value.py(), &name))?;
            Ok((name, mask))
        };
        let masks = named(value, "masks")?.into_iter().map(mask).collect::<PyResult<CoreMasks>>()?;
        Ok(masks.into())
    }
}

/// The arrays with a wanted name of each mapping. With each mapping comes its name in error messages.
pub(crate) fn models_of<'a, 'py: 'a>(
    sets: impl IntoIterator<Item = (&'static str, &'a Bound<'py, PyAny>)>,
    wanted: impl Fn(&str) -> bool,
) -> PyResult<Vec<Model<'py>>> {
    sets.into_iter().map(|(label, set)| Model::of_those(set, label, &wanted)).collect()
}

/// Lends all arrays of several models for writing.
pub(crate) fn writing<R>(models: &[Model<'_>], write: impl FnOnce(&mut [&mut dyn LayersMut]) -> R) -> PyResult<R> {
    let mut lent = models.iter().map(|model| model.write(|_| true)).collect::<PyResult<Vec<_>>>()?;
    let mut views: Vec<_> = lent.iter_mut().map(|lent| lent.views()).collect();
    let mut sets: Vec<_> = views.iter_mut().map(|views| views as &mut dyn LayersMut).collect();
    here(|| write(&mut sets))
}

/// Holds the arrays of several sets to masks in place. Arrays without a mask are not touched.
pub(crate) fn hold_sets<'a, 'py: 'a>(
    masks: &CoreMasks,
    sets: impl IntoIterator<Item = (&'static str, &'a Bound<'py, PyAny>)>,
) -> PyResult<()> {
    let models = models_of(sets, |name| masks.get(name).is_some())?;
    lie_apart(models.iter(), |_| true)?;
    writing(&models, |sets| masks.hold_each(sets))?.map_err(refused)
}

/// Holds the arrays of a set that have a mask. Returns the names of masks without an array.
pub(crate) fn hold_present(masks: &CoreMasks, arrays: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    let masked = |name: &str| masks.get(name).is_some();
    let model = Model::of_those(arrays, "arrays", masked)?;
    let mut lent = model.write(masked)?;
    let absent = here(|| masks.hold_present(&mut lent.views()))?.map_err(refused)?;
    Ok(absent.into_iter().map(str::to_owned).collect())
}

/// The number of elements outside masks that are not zero.
pub(crate) fn revivals_of(masks: &CoreMasks, arrays: &Bound<'_, PyAny>) -> PyResult<usize> {
    let model = Model::of_those(arrays, "arrays", |name| masks.get(name).is_some())?;
    model.reading(|views| masks.revivals(views))?.map_err(refused)
}

#[pymethods]
impl Masks {
    #[new]
    #[pyo3(signature = (masks=None))]
    fn new(masks: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        masks.map_or_else(|| Ok(Self::default()), Self::from_any)
    }

    /// The masks of a model that is sparse already: they keep the elements that are not zero. A layer of two axes or
    /// more gets a mask if 5% to 99.9% of it is zero. Returns the masks, and the names of layers that are almost all
    /// zero and get none.
    #[classmethod]
    fn from_zeros(_: &Bound<'_, PyType>, arrays: &Bound<'_, PyAny>) -> PyResult<(Self, Vec<String>)> {
        let found = Model::of(arrays, "arrays")?.reading(|views| CoreMasks::from_zeros(views))?.map_err(refused)?;
        Ok((found.masks.into(), found.open.into_iter().map(|open| open.layer).collect()))
    }

    /// Writes +0.0 outside the masks, in place, in every array that has a mask. Other arrays are not touched.
    ///
    /// arrays: a dict from names to writable numpy arrays, which has one for every mask.
    ///
    /// Raises PruneError, before anything is written, if an array is missing, of another shape or type, or read-only.
    fn hold(&self, arrays: &Bound<'_, PyAny>) -> PyResult<()> {
        hold_sets(&self.masks, [("arrays", arrays)])
    }

    /// As hold, on several dicts at once: weights, and an optimiser's buffers of the same names. This is faster than
    /// one call for each.
    fn hold_each(&self, sets: Vec<Bound<'_, PyAny>>) -> PyResult<()> {
        hold_sets(&self.masks, sets.iter().map(|set| ("arrays", set)))
    }

    /// As hold, on a dict that may lack arrays. Returns the names of masks without an array.
    fn hold_present(&self, arrays: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
        hold_present(&self.masks, arrays)
    }

    /// The number of elements outside the masks that are not zero. Zeros of both signs count as zero.
    fn revivals(&self, arrays: &Bound<'_, PyAny>) -> PyResult<usize> {
        revivals_of(&self.masks, arrays)
    }

    /// The masks as a safetensors file in memory: a tensor of booleans under each name, as in a file of `prune mask`.
    fn to_safetensors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = here(|| prune_files::masks_to_safetensors(&self.masks))?.map_err(refused)?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Masks from the bytes of a safetensors file: tensors of 0 and 1, either booleans or of another type for masks.
    ///
    /// Raises PruneError if it is no such file, or has other tensors.
    #[classmethod]
    fn from_safetensors(_: &Bound<'_, PyType>, bytes: &Bound<'_, PyAny>) -> PyResult<Self> {
        let bytes = bytes.cast::<PyBytes>().map_err(|_| refused("bytes of a safetensors file are needed"))?;
        Ok(here(|| prune_files::masks_from_safetensors(bytes.as_bytes()))?.map_err(refused)?.into())
    }

    /// The names, in order.
    fn keys(&self) -> Vec<String> {
        self.masks.iter().map(|(name, _)| name.to_owned()).collect()
    }

    /// The masks, in the order of names.
    fn values(&self) -> Vec<Mask> {
        self.masks.iter().map(|(_, mask)| mask.clone().into()).collect()
    }

    /// Names and masks, in the order of names.
    fn items(&self) -> Vec<(String, Mask)> {
        self.masks.iter().map(|(name, mask)| (name.to_owned(), mask.clone().into())).collect()
    }

    /// The mask of a layer, or `default` if it has none.
    #[pyo3(signature = (name, default=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.masks.get(name) {
            Some(mask) => Ok(Some(Mask::from(mask.clone()).into_pyobject(py)?.into_any())),
            None => Ok(default),
        }
    }

    fn __getitem__(&self, name: &str) -> PyResult<Mask> {
        self.masks.get(name).map(|mask| mask.clone().into()).ok_or_else(|| PyKeyError::new_err(name.to_owned()))
    }

    fn __setitem__(&mut self, name: String, mask: &Bound<'_, PyAny>) -> PyResult<()> {
        self.masks.insert(name, mask_of(mask)?);
        Ok(())
    }

    fn __delitem__(&mut self, name: &str) -> PyResult<()> {
        self.masks.remove(name).map(|_| ()).ok_or_else(|| PyKeyError::new_err(name.to_owned()))
    }

    fn __contains__(&self, name: &Bound<'_, PyAny>) -> bool {
        name.extract::<String>().is_ok_and(|name| self.masks.get(&name).is_some())
    }

    fn __len__(&self) -> usize {
        self.masks.len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, pyo3::types::PyIterator>> {
        self.keys().into_pyobject(py)?.try_iter()
    }

    fn __repr__(&self) -> String {
        let lines: Vec<String> =
            self.masks.iter().map(|(name, mask)| format!("  {}: {mask}", prune_core::printable(name))).collect();
        format!(
            "<masks of {} layers>{}{}",
            self.masks.len(),
            if lines.is_empty() { "" } else { "\n" },
            lines.join("\n")
        )
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let make = py.get_type::<Self>().getattr("from_safetensors")?;
        Ok((make, (self.to_safetensors(py)?,)).into_pyobject(py)?.into_any())
    }
}
