//! An event that is ready to happen.

use std::sync::Mutex;

use prune_schedule::{Moment, PreparedMasks};
use pyo3::prelude::*;

use crate::error::refused;
use crate::masks::Masks;
use crate::report::Report;

/// An event that is ready. Its masks and its report exist, but nothing has been written.
///
/// Either apply `writes` to the arrays yourself, as where(mask, weight, 0), and pass this to Pruner.commit_written; or
/// let Pruner.commit write. It can be committed once.
#[pyclass(module = "prune_rs", name = "Prepared", frozen)]
pub(crate) struct Prepared {
    prepared: Mutex<Option<PreparedMasks<'static>>>,
}

impl Prepared {
    pub(crate) fn new(prepared: PreparedMasks<'static>) -> Self {
        Prepared { prepared: Mutex::new(Some(prepared)) }
    }

    /// Takes the event out. It cannot be used again.
    pub(crate) fn take(&self) -> PyResult<PreparedMasks<'static>> {
        let taken = self.prepared.lock().ok().and_then(|mut prepared| prepared.take());
        taken.ok_or_else(|| refused("this event has been committed; prepare the next one"))
    }

    fn look<R>(&self, look: impl FnOnce(&PreparedMasks<'static>) -> R) -> PyResult<R> {
        let prepared = self.prepared.lock().map_err(refused)?;
        prepared.as_ref().map(look).ok_or_else(|| refused("this event has been committed; look at the report of that"))
    }
}

#[pymethods]
impl Prepared {
    /// The masks that the event makes, by layer.
    #[getter]
    fn masks(&self) -> PyResult<Masks> {
        self.look(|prepared| prepared.masks().clone().into())
    }

    /// The elements that stay as they are: write zero outside these masks. They keep less than `masks` if elements are
    /// opened again, since those start at zero. They are empty if nothing is to be written.
    #[getter]
    fn writes(&self) -> PyResult<Masks> {
        self.look(|prepared| prepared.writes().clone().into())
    }

    /// Every parameter is first set back to its value at the end of this epoch; None if there is none.
    #[getter]
    fn rewinds_to(&self) -> PyResult<Option<u64>> {
        self.look(PreparedMasks::rewinds_to)
    }

    /// The report of the event, for when it is committed.
    #[getter]
    fn report(&self) -> PyResult<Report> {
        self.look(|prepared| Report { report: prepared.report().clone() })
    }

    /// The epoch that the event ends, or None for an event at a step.
    #[getter]
    fn epoch(&self) -> PyResult<Option<u64>> {
        self.look(|prepared| match prepared.moment() {
            Moment::Epoch(epoch) => Some(epoch),
            Moment::Step(_) => None,
        })
    }

    /// The step that the event ends, or None for an event at an epoch.
    #[getter]
    fn step(&self) -> PyResult<Option<u64>> {
        self.look(|prepared| match prepared.moment() {
            Moment::Step(step) => Some(step),
            Moment::Epoch(_) => None,
        })
    }

    fn __repr__(&self) -> PyResult<String> {
        self.look(|prepared| format!("<prepared event of {}, {} masks>", prepared.moment(), prepared.masks().len()))
    }
}
