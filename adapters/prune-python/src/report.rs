//! The report of an event.

use prune_core::Density;
use prune_schedule::{LayerReport as CoreLayer, Report as CoreReport, Totals as CoreTotals, UnitCounts};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::json::{from_json, pickled, to_python};

/// The report of an event. str() of it is an aligned table; to_dict() has every figure.
#[pyclass(module = "prune_rs", name = "Report", frozen, eq)]
#[derive(PartialEq)]
pub(crate) struct Report {
    pub(crate) report: CoreReport,
}

/// The report of an event on one layer. The figures of Totals are in counts, and are attributes too.
#[pyclass(module = "prune_rs", name = "LayerReport", frozen)]
pub(crate) struct LayerReport {
    layer: CoreLayer,
}

/// Counts of elements, over a layer or several.
#[pyclass(module = "prune_rs", name = "Totals", frozen)]
pub(crate) struct Totals {
    totals: CoreTotals,
}

#[pymethods]
impl Report {
    /// The epoch that the event ended; 0 is before training. For an event at a step, the epoch in training.
    #[getter]
    fn epoch(&self) -> u64 {
        self.report.epoch
    }

    /// The step that the event ended, if it is counted in steps; otherwise None.
    #[getter]
    fn step(&self) -> Option<u64> {
        self.report.step
    }

    /// The event's key in the strategy, such as "10", "10..=20" or "-1".
    #[getter]
    fn event(&self) -> &str {
        &self.report.event
    }

    /// The method's name.
    #[getter]
    fn method(&self) -> &str {
        &self.report.method
    }

    /// The target in both ways: "keeps 10%, removes 90%". Empty if layers have values of their own.
    #[getter]
    fn target(&self) -> &str {
        &self.report.target
    }

    /// True if the mask is not held, but made anew at the end of the next epoch.
    #[getter]
    fn floats(&self) -> bool {
        self.report.floats
    }

    /// True if no mask changed and only zeros were overwritten.
    #[getter]
    fn unchanged(&self) -> bool {
        self.report.unchanged
    }

    /// True if the masks are only for forward passes, and nothing was written.
    #[getter]
    fn forward_only(&self) -> bool {
        self.report.forward_only
    }

    /// True if the caller wrote the masks, and the arrays were not checked afterwards.
    #[getter]
    fn unchecked(&self) -> bool {
        self.report.unchecked
    }

    /// True if the event closes what was held open, and the optimiser's buffers have not been held since.
    #[getter]
    fn buffers_open(&self) -> bool {
        self.report.buffers_open
    }

    /// The next step for the caller after the event, in words, or None. It is to hold the optimiser's buffers, if the
    /// call was not given them.
    #[getter]
    fn next_step(&self) -> Option<&'static str> {
        self.report.next_step()
    }

    /// Returns the report of the same event for a caller who has held the optimiser's buffers since, or has none.
    fn with_buffers_held(&self) -> Self {
        Report { report: self.report.clone().with_buffers_held() }
    }

    /// Before the masks were applied, every parameter was set back to its value at the end of this epoch. None if there
    /// is none.
    #[getter]
    fn rewound_to(&self) -> Option<u64> {
        self.report.rewound_to
    }

    /// The layers that the event selected, in the model's order.
    #[getter]
    fn layers(&self) -> Vec<LayerReport> {
        self.report.layers.iter().map(|layer| LayerReport { layer: layer.clone() }).collect()
    }

    /// The sums over those layers.
    #[getter]
    fn selected(&self) -> Totals {
        Totals { totals: self.report.selected }
    }

    /// The sums over all arrays of the model, selected or not.
    #[getter]
    fn all(&self) -> Totals {
        Totals { totals: self.report.all }
    }

    /// The warnings, in words.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.report.warnings.iter().map(ToString::to_string).collect()
    }

    /// Every figure, as dicts and lists.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.report)
    }

    fn __str__(&self) -> String {
        self.report.to_string()
    }

    fn __repr__(&self) -> String {
        self.report.to_string()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        pickled::<Self>(py, &self.report)
    }

    #[staticmethod]
    fn _from_json(text: &str) -> PyResult<Self> {
        Ok(Report { report: from_json(text)? })
    }
}

#[pymethods]
impl LayerReport {
    /// The layer's name.
    #[getter]
    fn layer(&self) -> &str {
        &self.layer.layer
    }

    /// Its shape.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.layer.shape)
    }

    /// The layer's target in both ways.
    #[getter]
    fn target(&self) -> &str {
        &self.layer.target
    }

    /// The axis of N:M groups, channels or ranked outputs; otherwise None.
    #[getter]
    fn axis(&self) -> Option<usize> {
        self.layer.axis
    }

    /// Blocks or channels as (asked or None, kept, of); None for single elements and N:M.
    #[getter]
    fn units(&self) -> Option<(Option<usize>, usize, usize)> {
        self.layer.units.map(|UnitCounts { asked, kept, of, .. }| (asked, kept, of))
    }

    /// The figures.
    #[getter]
    fn counts(&self) -> Totals {
        Totals { totals: self.layer.counts }
    }

    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        self.counts().into_pyobject(py)?.getattr(name)
    }

    /// Every figure, as a dict.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.layer)
    }

    fn __repr__(&self) -> String {
        let CoreTotals { kept, elements, .. } = self.layer.counts;
        format!(
            "<layer {} of shape {:?} keeping {kept} of {elements}>",
            prune_core::printable(&self.layer.layer),
            self.layer.shape
        )
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        pickled::<Self>(py, &self.layer)
    }

    #[staticmethod]
    fn _from_json(text: &str) -> PyResult<Self> {
        Ok(LayerReport { layer: from_json(text)? })
    }
}

#[pymethods]
impl Totals {
    /// The number of elements.
    #[getter]
    fn elements(&self) -> usize {
        self.totals.elements
    }

    /// The number of elements that the event asked to keep; None if it asked for units of different sizes.
    #[getter]
    fn asked(&self) -> Option<usize> {
        self.totals.asked
    }

    /// The number of elements that the masks keep after the event.
    #[getter]
    fn kept(&self) -> usize {
        self.totals.kept
    }

    /// The number of elements that are not zero after the event.
    #[getter]
    fn non_zero(&self) -> usize {
        self.totals.non_zero
    }

    /// The number of elements that were kept before the event and are no longer, zeros among them.
    #[getter]
    fn closed(&self) -> usize {
        self.totals.closed
    }

    /// The number of closed elements that were not zero.
    #[getter]
    fn newly_pruned(&self) -> usize {
        self.totals.newly_pruned
    }

    /// The number of elements that earlier events had closed and this one opened again.
    #[getter]
    fn reopened(&self) -> usize {
        self.totals.reopened
    }

    /// For a floating mask, the number of elements that replaced others since it was last made.
    #[getter]
    fn swaps(&self) -> usize {
        self.totals.swaps
    }

    /// The number of elements with the score at which the selection stopped; for N:M, of groups in which a tie was
    /// broken.
    #[getter]
    fn ties(&self) -> usize {
        self.totals.ties
    }

    /// The fraction of the squared norm that was kept; None if the norm is not finite.
    #[getter]
    fn norm_kept(&self) -> Option<f64> {
        self.totals.norm_kept
    }

    /// The number of N:M groups that keep fewer elements than the pattern says, because too few were alive.
    #[getter]
    fn short_groups(&self) -> usize {
        self.totals.short_groups
    }

    /// The fraction kept; None if there are elements and none is kept.
    #[getter]
    fn density(&self) -> Option<f64> {
        self.totals.density().map(Density::get)
    }

    /// The fraction removed; None if there are elements and none is kept.
    #[getter]
    fn sparsity(&self) -> Option<f64> {
        self.totals.density().map(Density::sparsity)
    }

    /// Every figure, as a dict.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.totals)
    }

    fn __repr__(&self) -> String {
        format!("<{} of {} kept>", self.totals.kept, self.totals.elements)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        pickled::<Self>(py, &self.totals)
    }

    #[staticmethod]
    fn _from_json(text: &str) -> PyResult<Self> {
        Ok(Totals { totals: from_json(text)? })
    }
}
