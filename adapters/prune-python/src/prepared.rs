//! An event that is ready to happen.

use std::sync::Mutex;

use prune_schedule::{Moment, Prepared as CorePrepared};
use pyo3::prelude::*;

use crate::error::refused;
use crate::masks::Masks;
use crate::report::Report;

/// An event that is ready to happen: its masks and its report are made, and nothing has been written.
///
/// Apply `writes` to the arrays yourself, as where(mask, weight, 0), and hand it to Pruner.commit_written; or let
/// Pruner.commit write. It can be committed once.
#[pyclass(module = "prune_rs", name = "Prepared", frozen)]
pub(crate) struct Prepared {
    prepared: Mutex<Option<CorePrepared<'static>>>,
}

impl Prepared {
    pub(crate) fn new(prepared: CorePrepared<'static>) -> Self {
        Prepared { prepared: Mutex::new(Some(prepared)) }
    }

    /// Uses it up.
    pub(crate) fn take(&self) -> PyResult<CorePrepared<'static>> {
        let taken = self.prepared.lock().ok().and_then(|mut prepared| prepared.take());
        taken.ok_or_else(|| refused("this event has been committed; prepare the next one"))
    }

    fn look<R>(&self, look: impl FnOnce(&CorePrepared<'static>) -> R) -> PyResult<R> {
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

    /// The elements that may stay as they are: write zero outside these masks. They keep less than `masks` where elements are opened again,
    /// which start at zero, and are empty where nothing is written.
    #[getter]
    fn writes(&self) -> PyResult<Masks> {
        self.look(|prepared| prepared.writes().clone().into())
    }

    /// To the end of which epoch every parameter is set back before that, or None.
    #[getter]
    fn rewinds_to(&self) -> PyResult<Option<u64>> {
        self.look(CorePrepared::rewinds_to)
    }

    /// The report of the event, once it is committed.
    #[getter]
    fn report(&self) -> PyResult<Report> {
        self.look(|prepared| Report { report: prepared.report().clone() })
    }

    /// The epoch at whose end it happens, or None for an event at a step.
    #[getter]
    fn epoch(&self) -> PyResult<Option<u64>> {
        self.look(|prepared| match prepared.moment() {
            Moment::Epoch(epoch) => Some(epoch),
            Moment::Step(_) => None,
        })
    }

    /// The step after which it happens, or None for an event at an epoch.
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
