//! A strategy, and its timeline.

use prune_core::Density;
use prune_schedule::Strategy as CoreStrategy;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyType};

use crate::error::refused;
use crate::json::to_python;
use crate::literal::literal;
use crate::number::shown;

/// A strategy: a table from epochs, or steps of the optimiser, to events.
///
/// Strategy(table) takes a dict like jax_pruning's, or a string: a Python literal, JSON or TOML. All of it is checked
/// at once. str() of it is the Python literal, which parses to an equal strategy.
///
/// Raises PruneError with the epoch, the layer and the value, and the nearest known name.
#[pyclass(module = "prune_rs", name = "Strategy", frozen, eq)]
#[derive(PartialEq, Clone)]
pub(crate) struct Strategy {
    pub(crate) strategy: CoreStrategy,
}

/// A strategy, made from one, a dict or a string.
pub(crate) fn strategy_of(table: &Bound<'_, PyAny>) -> PyResult<CoreStrategy> {
    if let Ok(strategy) = table.cast::<Strategy>() {
        return Ok(strategy.get().strategy.clone());
    }
    let text = if let Ok(text) = table.cast::<PyString>() {
        text.to_str()?.to_owned()
    } else if table.is_instance_of::<PyDict>() {
        literal(table)?
    } else {
        return Err(refused(format!(
            "a strategy is a Strategy, a dict from epochs to events such as {{5: {{\"method\": \"unstr_global\", \"density\": 0.1}}}}, or \
             a string of one; this is {}",
            shown(table)
        )));
    };
    text.parse().map_err(refused)
}

#[pymethods]
impl Strategy {
    #[new]
    fn new(table: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Strategy { strategy: strategy_of(table)? })
    }

    /// The strategy as a dict with the keys of a Python literal: whole numbers for single epochs, strings for ranges
    /// and steps.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("ast")?.call_method1("literal_eval", (self.strategy.to_python(),))
    }

    /// The strategy as JSON.
    fn to_json(&self) -> String {
        self.strategy.to_json()
    }

    /// The strategy as TOML.
    fn to_toml(&self) -> String {
        self.strategy.to_toml()
    }

    /// The events in the order in which they happen, each with its key: [(1, {"method": ...}), ("5..=9", ...)].
    #[getter]
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.to_dict(py)?.call_method0("items")?.try_iter()?.collect::<PyResult<Vec<_>>>()?)
    }

    /// The events in order, without any model.
    fn timeline(&self) -> Timeline {
        Timeline { strategy: self.strategy.clone() }
    }

    /// The same events for a training of `to` epochs instead of `from_`.
    fn scale_epochs(&self, from_: u64, to: u64) -> PyResult<Self> {
        Ok(Strategy { strategy: self.strategy.scale_epochs(from_, to).map_err(refused)? })
    }

    /// The last epoch in any key; None if no key has one.
    #[getter]
    fn last_event_epoch(&self) -> Option<u64> {
        self.strategy.last_event_epoch()
    }

    /// The last step in any key; None if no key has one.
    #[getter]
    fn last_event_step(&self) -> Option<u64> {
        self.strategy.last_event_step()
    }

    /// True if any event is counted in steps of the optimiser. A Pruner must then be told of every step.
    #[getter]
    fn has_steps(&self) -> bool {
        self.strategy.has_steps()
    }

    /// True if any event looks at gradients, so that a training loop must show them to a Pruner.
    #[getter]
    fn observes(&self) -> bool {
        self.strategy.observes()
    }

    fn __len__(&self) -> usize {
        self.strategy.len()
    }

    fn __str__(&self) -> String {
        self.strategy.to_python()
    }

    fn __repr__(&self) -> String {
        format!("Strategy({})", self.strategy.to_python())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyType>, (String,)) {
        (py.get_type::<Self>(), (self.strategy.to_python(),))
    }
}

/// The events of a strategy in the order in which they happen, one row for each event, or for each layer if layers have
/// values of their own. str() of it is an aligned table.
#[pyclass(module = "prune_rs", name = "Timeline", frozen)]
pub(crate) struct Timeline {
    strategy: CoreStrategy,
}

#[pymethods]
impl Timeline {
    /// The rows, each a dict with "epochs", "method", "layers", "target", "density" (the fraction kept, or None),
    /// "sparsity" and "how".
    #[getter]
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let timeline = self.strategy.timeline();
        let rows = to_python(py, &timeline)?;
        for (row, told) in rows.try_iter()?.zip(timeline.rows()) {
            row?.set_item("sparsity", told.density.map(Density::sparsity))?;
        }
        Ok(rows)
    }

    fn __len__(&self) -> usize {
        self.strategy.timeline().rows().len()
    }

    fn __str__(&self) -> String {
        self.strategy.timeline().to_string()
    }

    fn __repr__(&self) -> String {
        self.__str__()
    }
}
