//! A mapping of names to arrays: a model, its gradients, or an optimiser's buffers.

use numpy::PyUntypedArrayMethods;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping};

use super::apart::lie_apart;
use super::read::{Readable, Views};
use super::write::{ViewsMut, Writable};
use super::{Array, TypedArray};
use crate::error::{refused, refused_in};
use crate::work::run;

/// Arrays under names, in the mapping's order.
pub(crate) struct Model<'py> {
    py: Python<'py>,
    arrays: Vec<(String, Array<'py>)>,
}

/// Arrays of a model, borrowed for reading.
pub(crate) struct BorrowedArrays<'py> {
    arrays: Vec<(String, Readable<'py>)>,
}

/// Arrays of a model, some of them borrowed for writing.
pub(crate) struct WritableArrays<'py> {
    arrays: Vec<(String, Writable<'py>)>,
}

/// Refuses an object that is not a mapping.
pub(crate) fn must_be_mapping<'a, 'py>(
    object: &'a Bound<'py, PyAny>,
    what: &str,
) -> PyResult<&'a Bound<'py, PyMapping>> {
    object.cast::<PyMapping>().map_err(|_| {
        let kind = object.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
        refused(format!("{what} must be a dict from names to values, this is a {kind}"))
    })
}

/// The items of a mapping whose keys are names.
pub(crate) fn named<'py>(object: &Bound<'py, PyAny>, what: &str) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    let name = |key: &Bound<'py, PyAny>| {
        key.extract::<String>()
            .map_err(|_| refused(format!("{what} has the key {key:?}; the names of layers are strings")))
    };
    if let Ok(dict) = object.cast::<PyDict>() {
        return dict.iter().map(|(key, value)| Ok((name(&key)?, value))).collect();
    }
    must_be_mapping(object, what)?
        .items()?
        .iter()
        .map(|item| {
            let (key, value): (Bound<'py, PyAny>, Bound<'py, PyAny>) = item.extract()?;
            Ok((name(&key)?, value))
        })
        .collect()
}

impl<'py> Model<'py> {
    /// The arrays of a mapping. `what` is its name in error messages.
    pub(crate) fn of(object: &Bound<'py, PyAny>, what: &str) -> PyResult<Self> {
        Self::of_those(object, what, |_| true)
    }

    /// The arrays of a mapping with wanted names.
    pub(crate) fn of_those(object: &Bound<'py, PyAny>, what: &str, wanted: impl Fn(&str) -> bool) -> PyResult<Self> {
        let items = named(object, what)?.into_iter().filter(|(name, _)| wanted(name));
        let arrays = items.map(|(name, value)| {
            Array::of(&value).map(|array| (name.clone(), array)).map_err(|e| e.in_layer(object.py(), &name))
        });
        Ok(Model { py: object.py(), arrays: arrays.collect::<PyResult<_>>()? })
    }

    /// Borrows all arrays for reading.
    pub(crate) fn read(&self) -> PyResult<BorrowedArrays<'py>> {
        let borrow = |(name, array): &(String, Array<'py>)| {
            Ok((name.clone(), Readable::of(array).map_err(|error| error.in_layer(self.py, name))?))
        };
        Ok(BorrowedArrays { arrays: self.arrays.iter().map(borrow).collect::<PyResult<_>>()? })
    }

    /// Borrows the wanted arrays for writing. The others are listed with their shapes and not touched.
    pub(crate) fn write(&self, written: impl Fn(&str) -> bool) -> PyResult<WritableArrays<'py>> {
        lie_apart([self], &written)?;
        let borrow = |(name, array): &(String, Array<'py>)| {
            let lent = if written(name) { Writable::of(array) } else { Writable::listed(array) };
            Ok((name.clone(), lent.map_err(|error| error.in_layer(self.py, name))?))
        };
        Ok(WritableArrays { arrays: self.arrays.iter().map(borrow).collect::<PyResult<_>>()? })
    }

    /// Refuses arrays that cannot be pruned, for a call without a strategy that could exclude them.
    pub(crate) fn must_be_float(&self) -> PyResult<()> {
        self.named().try_for_each(|(name, array)| array.must_be_float().map_err(|error| error.in_layer(self.py, name)))
    }

    /// Reads it: while other Python threads run where nothing can write its memory.
    pub(crate) fn reading<R: Send>(&self, read: impl FnOnce(&Views<'_>) -> R + Send) -> PyResult<R> {
        let lent = self.read()?;
        let views = lent.views();
        run(self.py, self.is_frozen(), || read(&views))
    }

    /// The arrays by name.
    pub(super) fn named(&self) -> impl Iterator<Item = (&str, &Array<'py>)> {
        self.arrays.iter().map(|(name, array)| (name.as_str(), array))
    }

    /// True if nothing can write any of the arrays.
    pub(crate) fn is_frozen(&self) -> bool {
        self.arrays.iter().all(|(_, array)| array.frozen)
    }
}

impl BorrowedArrays<'_> {
    /// The elements.
    pub(crate) fn views(&self) -> Views<'_> {
        Views(self.arrays.iter().map(|(name, array)| (name.as_str(), array.view())).collect())
    }
}

impl WritableArrays<'_> {
    /// The elements.
    pub(crate) fn views(&mut self) -> ViewsMut<'_> {
        ViewsMut(self.arrays.iter_mut().map(|(name, array)| (name.as_str(), array.view())).collect())
    }
}

impl Array<'_> {
    /// The length of each axis.
    pub(crate) fn shape(&self) -> &[usize] {
        match &self.typed {
            TypedArray::F32(array) => array.shape(),
            TypedArray::F64(array) => array.shape(),
            TypedArray::F16(array) => array.shape(),
            TypedArray::Bf16(array) => array.shape(),
            TypedArray::Opaque(shape, _) => shape,
        }
    }
}

/// Errors that name a layer.
pub(crate) trait InLayer {
    /// The same error with the layer's name.
    fn in_layer(self, py: Python<'_>, name: &str) -> Self;
}

impl InLayer for PyErr {
    fn in_layer(self, py: Python<'_>, name: &str) -> Self {
        if self.is_instance_of::<crate::error::PruneError>(py) {
            refused_in(&format!("layer `{}`", prune_core::printable(name)), self.value(py))
        } else {
            self
        }
    }
}
