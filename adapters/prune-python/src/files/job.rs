//! The arguments that functions on checkpoints share.

use std::path::PathBuf;

use prune_files::{Job, events_of, with_axis};
use prune_schedule::{Event, Filter, Glob, GroupAxis, Key, Strategy};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::error::refused;
use crate::number::{axis as axis_of, shown};
use crate::strategy::strategy_of;

/// The arguments of a call.
pub(super) struct CallArguments<'a, 'py> {
    pub(super) strategy: Option<&'a Bound<'py, PyAny>>,
    pub(super) epoch: Option<u64>,
    pub(super) axis: Option<&'a Bound<'py, PyAny>>,
    pub(super) filter: Filter,
    pub(super) beside: SideFiles,
}

/// Files with values for the model's layers.
pub(super) struct SideFiles {
    pub(super) scores: Option<FilePath>,
    pub(super) gradients: Option<FilePath>,
    pub(super) inputs: Option<FilePath>,
    pub(super) masks: Option<FilePath>,
}

impl SideFiles {
    /// Adds these files to a job.
    pub(super) fn put_into(self, mut job: Job) -> Job {
        let path = |file: Option<FilePath>| file.map(|path| path.0);
        job.scores = path(self.scores);
        job.gradients = path(self.gradients);
        job.inputs = path(self.inputs);
        job.masks = path(self.masks);
        job
    }
}

impl CallArguments<'_, '_> {
    /// The job for a model.
    pub(super) fn job(self, model: FilePath) -> PyResult<Job> {
        let job = Job::new(model.0, self.events()?).with_filter(self.filter);
        Ok(self.beside.put_into(job))
    }

    /// The events in order; none if masks are applied as they are.
    fn events(&self) -> PyResult<Vec<(Option<Key>, Event)>> {
        let Some(table) = self.strategy else {
            return match (&self.beside.masks, self.axis, self.epoch) {
                (Some(_), None, None) => Ok(Vec::new()),
                (Some(_), ..) => Err(refused("masks are applied as they are; leave axis and epoch out")),
                (None, ..) => {
                    Err(refused("say what is done: a strategy, one event such as {\"method\": ...}, or masks"))
                }
            };
        };
        let alone = is_event(table)?;
        let strategy = strategy_for_files(table, self.axis)?;
        let events = events_of(&strategy, self.epoch).map_err(refused)?;
        // A single event was given without a key, so messages must not name one.
        Ok(events.into_iter().map(|(key, event)| (key.filter(|_| !alone), event)).collect())
    }
}

/// A strategy, or one event without a key. Events without an axis get the given one.
pub(super) fn strategy_for_files(table: &Bound<'_, PyAny>, axis: Option<&Bound<'_, PyAny>>) -> PyResult<Strategy> {
    let strategy = if is_event(table)? {
        let only = PyDict::new(table.py());
        only.set_item(0, table)?;
        strategy_of(only.as_any())?
    } else {
        strategy_of(table)?
    };
    match axis {
        Some(axis) => with_axis(&strategy, group_axis(axis)?).map_err(refused),
        None => Ok(strategy),
    }
}

/// True if a dict is one event, not a table of events.
fn is_event(table: &Bound<'_, PyAny>) -> PyResult<bool> {
    table.cast::<PyDict>().map_or(Ok(false), |dict| dict.contains("method"))
}

/// An axis by its index or its role.
pub(super) fn group_axis(axis: &Bound<'_, PyAny>) -> PyResult<GroupAxis> {
    match axis.cast::<PyString>().ok().map(|word| word.to_string()).as_deref() {
        Some("reduction") => Ok(GroupAxis::Reduction),
        Some("output") => Ok(GroupAxis::Output),
        Some(_) => Err(refused(format!("axis is {}; it is a whole number, 'reduction' or 'output'", shown(axis)))),
        None => Ok(GroupAxis::Index(axis_of("axis", axis)?)),
    }
}

/// The filter that leaves layers out or adds them.
pub(super) fn filter(include: Vec<String>, exclude: Vec<String>, also: Vec<String>, all: bool) -> Filter {
    let globs = |patterns: Vec<String>| patterns.into_iter().map(Glob::new).collect();
    Filter { include: globs(include), exclude: globs(exclude), also: globs(also), all }
}

/// The path of a file or folder.
pub(crate) struct FilePath(pub(super) PathBuf);

impl<'py> FromPyObject<'_, 'py> for FilePath {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let path = object.extract::<PathBuf>();
        path.map(FilePath).map_err(|_| refused(format!("a path is needed, this is {}", shown(&object))))
    }
}
