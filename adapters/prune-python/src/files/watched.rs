//! Work on files, which Ctrl-C can stop, and its report.

use std::fmt::Display;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use prune_files::{Error, Watch};
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Serialize;

use crate::error::refused;
use crate::json::to_python;
use crate::work::here;

/// The time between two checks for a signal.
const GLANCE: Duration = Duration::from_millis(50);

/// The report of work on files. str() of it is a table; to_dict() has every figure, and each key is also an attribute.
#[pyclass(module = "prune_rs", name = "FileReport", frozen)]
pub(crate) struct FileReport {
    text: String,
    figures: Py<PyDict>,
}

#[pymethods]
impl FileReport {
    /// Every figure, as dicts and lists.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("copy")?.call_method1("deepcopy", (&self.figures,))
    }

    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let found = self.figures.bind(py).get_item(name)?;
        found.ok_or_else(|| PyAttributeError::new_err(format!("this report has no figure `{name}`")))
    }

    fn __dir__(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let keys = self.figures.bind(py).keys().extract::<Vec<String>>()?;
        Ok(keys.into_iter().chain(["to_dict".to_owned()]).collect())
    }

    fn __str__(&self) -> &str {
        &self.text
    }

    fn __repr__(&self) -> &str {
        &self.text
    }
}

/// Runs work on files on a thread of its own, while other Python threads run too. A signal stops it. It then cleans up,
/// and the signal's exception is raised.
pub(super) fn watched<T: Display + Serialize + Send>(
    py: Python<'_>,
    work: impl FnOnce(&Watch) -> Result<T, Error> + Send,
) -> PyResult<FileReport> {
    let watch = Watch::default();
    let mut interrupted = Ok(());
    let done = py.detach(|| {
        thread::scope(|scope| {
            let (done, wait) = channel();
            let watch = &watch;
            scope.spawn(move || done.send(here(|| work(watch))));
            loop {
                match wait.recv_timeout(GLANCE) {
                    Ok(done) => return Some(done),
                    Err(RecvTimeoutError::Disconnected) => return None,
                    Err(RecvTimeoutError::Timeout) if interrupted.is_err() => {}
                    Err(RecvTimeoutError::Timeout) => {
                        interrupted = Python::attach(|py| py.check_signals());
                        watch.stop.store(interrupted.is_err(), Ordering::Relaxed);
                    }
                }
            }
        })
    });
    let done = done.ok_or_else(|| refused("the work on files ended without a result; this is a fault of prune-rs"))?;
    // If the work finished before it saw the signal, its output is in its place. The signal's exception is raised
    // anyway.
    interrupted?;
    let report = done?.map_err(refused)?;
    let figures = to_python(py, &report)?.cast_into::<PyDict>()?.unbind();
    Ok(FileReport { text: report.to_string(), figures })
}
