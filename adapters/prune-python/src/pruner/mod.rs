//! The pruner: it carries out a strategy on arrays, epoch by epoch and step by step (`event.rs`).

mod event;
mod shared;

use prune_schedule::{Moment, Pruner as CorePruner};
use pyo3::prelude::*;
use pyo3::types::PyType;

use self::event::moment_of;
use self::shared::Shared;
use crate::array::Model;
use crate::error::refused;
use crate::evidence::{Arguments, EvidenceArrays};
use crate::facts::ModelFacts;
use crate::json::{text_of, to_python};
use crate::masks::{Masks, hold_present, hold_sets, revivals_of};
use crate::number::count;
use crate::prepared::Prepared;
use crate::report::Report;
use crate::strategy::{Strategy, strategy_of};
use crate::work::here;

/// Carries out a strategy on a model: makes masks at the ends of epochs or steps, applies them, keeps pruned elements
/// at zero, and reports each event.
///
/// strategy: a Strategy, a dict or a string. masks: the masks in force, for a model that has been pruned before.
/// defaults: "library" (without an axis, N:M runs along the last one) or "files" (along the first axis of inputs).
/// couplings: lists of (name, axis) whose channels are kept or pruned together. layers: a dict from names to
/// LayerFacts.
///
/// A model is a dict from names to arrays. Arrays to be written must be writable numpy arrays. `gradients`, `scores`
/// and `rewind` are dicts of arrays with the shapes of the weights, for the methods that need them. `inputs` is a dict
/// of the L2 norms of each layer's inputs, with the shape of the weight without its output axis, or a function (name,
/// Masks) that measures them.
///
/// Raises PruneError with the epoch, layer and value. The model and the pruner are then as they were.
#[pyclass(module = "prune_rs", name = "Pruner", frozen)]
pub(crate) struct Pruner {
    pruner: Shared,
    model: ModelFacts,
}

#[pymethods]
impl Pruner {
    #[new]
    #[pyo3(signature = (strategy, masks=None, *, defaults="library", couplings=None, layers=None))]
    fn new(
        strategy: &Bound<'_, PyAny>,
        masks: Option<&Bound<'_, PyAny>>,
        defaults: &str,
        couplings: Option<&Bound<'_, PyAny>>,
        layers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let masks = masks.map(Masks::from_any).transpose()?.unwrap_or_default();
        let model = ModelFacts::of(defaults, couplings, layers)?;
        let pruner = model.put_into(CorePruner::with_masks(strategy_of(strategy)?, masks.masks));
        Ok(Pruner { pruner: Shared::new(pruner), model })
    }

    /// Tests every event still to come against a model, before any training. Returns what is worth a warning, in words.
    ///
    /// arrays: a dict from names to arrays; they are not written.
    ///
    /// Raises PruneError for the first event that the model cannot have.
    fn check(&self, arrays: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
        let model = Model::of(arrays, "arrays")?;
        let pruner = &*self.pruner.read()?;
        let warnings = model.reading(|views| pruner.check(views))?.map_err(refused)?;
        Ok(warnings.iter().map(ToString::to_string).collect())
    }

    /// Begins the training: carries out the event at epoch 0, if there is one, and returns its Report, else None. The
    /// same as end_epoch(0, arrays).
    ///
    /// arrays: a dict from names to arrays. Each layer that the event masks must be writable.
    /// gradients, scores: dicts of arrays shaped as the weights. inputs: a dict of the L2 norms of each layer's inputs,
    /// or a function (name, Masks) that measures them. rewind: a dict of the weights to go back to. Only some methods
    /// look at these.
    ///
    /// Raises PruneError; the arrays and the pruner have not changed then.
    #[pyo3(signature = (arrays, *, gradients=None, inputs=None, scores=None, rewind=None))]
    fn start<'py>(
        &self,
        arrays: &Bound<'py, PyAny>,
        gradients: Option<&Bound<'py, PyAny>>,
        inputs: Option<&Bound<'py, PyAny>>,
        scores: Option<&Bound<'py, PyAny>>,
        rewind: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Report>> {
        self.end(Moment::Epoch(0), arrays, None, &Arguments { gradients, inputs, scores, rewind })
    }

    /// Ends an epoch of training: carries out its event in place, if there is one, and returns the Report, or else
    /// None.
    ///
    /// epoch: counted from 1. arrays: a dict from names to arrays. Each layer that the event masks must be writable.
    /// All masks are made before the first weight is written.
    /// buffers: a list of dicts of the optimiser's buffers by the same names, such as [momentum]. The event's masks
    /// hold them too. Give [] if there are none. Without this argument the report says that they are to be held.
    /// gradients, scores: dicts of arrays shaped as the weights. inputs: a dict of the L2 norms of each layer's inputs,
    /// or a function (name, Masks) that measures them. rewind: a dict of the weights to go back to. Only some methods
    /// look at these.
    ///
    /// Raises PruneError; the arrays, the buffers and the pruner have not changed then.
    #[pyo3(signature = (epoch, arrays, *, buffers=None, gradients=None, inputs=None, scores=None, rewind=None))]
    #[expect(clippy::too_many_arguments, reason = "arguments of Python, all but two by name")]
    fn end_epoch<'py>(
        &self,
        epoch: &Bound<'py, PyAny>,
        arrays: &Bound<'py, PyAny>,
        buffers: Option<Vec<Bound<'py, PyAny>>>,
        gradients: Option<&Bound<'py, PyAny>>,
        inputs: Option<&Bound<'py, PyAny>>,
        scores: Option<&Bound<'py, PyAny>>,
        rewind: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Report>> {
        let evidence = Arguments { gradients, inputs, scores, rewind };
        self.end(Moment::Epoch(count("epoch", epoch)?), arrays, buffers.as_deref(), &evidence)
    }

    /// Ends a step of the optimiser: carries out its event, if there is one, and returns its Report, else None. A
    /// strategy with events in steps needs this call after every step. after_step makes it, counts the steps and holds
    /// the zeros too.
    ///
    /// step: counted from 1 over the whole training. The other arguments are those of end_epoch.
    ///
    /// Raises PruneError; the arrays, the buffers and the pruner have not changed then.
    #[pyo3(signature = (step, arrays, *, buffers=None, gradients=None, inputs=None, scores=None, rewind=None))]
    #[expect(clippy::too_many_arguments, reason = "arguments of Python, all but two by name")]
    fn end_step<'py>(
        &self,
        step: &Bound<'py, PyAny>,
        arrays: &Bound<'py, PyAny>,
        buffers: Option<Vec<Bound<'py, PyAny>>>,
        gradients: Option<&Bound<'py, PyAny>>,
        inputs: Option<&Bound<'py, PyAny>>,
        scores: Option<&Bound<'py, PyAny>>,
        rewind: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Report>> {
        let evidence = Arguments { gradients, inputs, scores, rewind };
        self.end(Moment::Step(count("step", step)?), arrays, buffers.as_deref(), &evidence)
    }

    /// Begins a step, between its backward pass and the optimiser's step: takes note of the gradients. Returns True if
    /// the optimiser is to move the parameters. If it returns False, the step's event takes the place of the
    /// optimiser's step.
    ///
    /// gradients: a dict of arrays shaped as the weights. They are looked at only if `observes` is True.
    ///
    /// Raises PruneError for gradients of other shapes or types than before.
    fn before_step(&self, gradients: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.take_note(gradients)?;
        let pruner = self.pruner.read()?;
        Ok(!pruner.replaces_step(pruner.step_in_training()))
    }

    /// Ends a step: carries out its event, if there is one, and writes +0.0 outside the masks in force, in the arrays
    /// and in each dict of buffers. The pruner counts the steps. Returns the event's Report, else None.
    ///
    /// arrays: a dict from names to arrays. buffers: a list of dicts of the optimiser's buffers by the same names, []
    /// if there are none. Without it an event's report says that they are to be held.
    ///
    /// Raises PruneError, before the event happens, if an array is missing, of another shape or type, or read-only.
    #[pyo3(signature = (arrays, buffers=None))]
    fn after_step<'py>(
        &self,
        arrays: &Bound<'py, PyAny>,
        buffers: Option<Vec<Bound<'py, PyAny>>>,
    ) -> PyResult<Option<Report>> {
        let sets = buffers.iter().flatten().map(|set| ("buffers", set));
        // The hold comes before the event, which may open elements that the optimiser has just moved outside the masks.
        hold_sets(self.pruner.read()?.held(), std::iter::once(("arrays", arrays)).chain(sets))?;
        let step = self.pruner.read()?.step_in_training();
        self.end(Moment::Step(step), arrays, buffers.as_deref(), &Arguments::default())
    }

    /// Takes note of the gradients of one backward pass, for an event that asks for them.
    ///
    /// gradients: a dict of arrays shaped as the weights. They are looked at only if `observes` is True.
    ///
    /// Raises PruneError for gradients of other shapes or types than before.
    fn observe(&self, gradients: &Bound<'_, PyAny>) -> PyResult<()> {
        self.take_note(gradients)
    }

    /// True if an event looks at gradients that are shown now: the event that ends the epoch in training, or the step.
    #[getter]
    fn observes(&self) -> PyResult<bool> {
        Ok(self.pruner.read()?.observes())
    }

    /// True if the event at a step takes the place of the optimiser's step.
    ///
    /// step: counted from 1 over the whole training.
    ///
    /// Raises PruneError if the step is not a count.
    fn replaces_step(&self, step: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.pruner.read()?.replaces_step(count("step", step)?))
    }

    /// Prepares the event that ends an epoch, or a step: makes its masks and its report, and writes nothing. Returns
    /// None if there is no event; call pass_by then. The pruner is not changed.
    ///
    /// arrays: a dict from names to arrays, which are only read. epoch or step: the moment, one of the two.
    /// gradients, scores: dicts of arrays shaped as the weights. inputs: a dict of the L2 norms of each layer's inputs,
    /// or a function (name, Masks) that measures them. rewind: a dict of the weights to go back to. Only some methods
    /// look at these.
    ///
    /// Raises PruneError as end_epoch does.
    #[pyo3(signature = (arrays, *, epoch=None, step=None, gradients=None, inputs=None, scores=None, rewind=None))]
    #[expect(clippy::too_many_arguments, reason = "arguments of Python, all but one by name")]
    fn prepare<'py>(
        &self,
        arrays: &Bound<'py, PyAny>,
        epoch: Option<&Bound<'py, PyAny>>,
        step: Option<&Bound<'py, PyAny>>,
        gradients: Option<&Bound<'py, PyAny>>,
        inputs: Option<&Bound<'py, PyAny>>,
        scores: Option<&Bound<'py, PyAny>>,
        rewind: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Prepared>> {
        let given = EvidenceArrays::of(&Arguments { gradients, inputs, scores, rewind })?;
        let views = given.views();
        let prepared = self.ready(moment_of(epoch, step)?, arrays, &given, &views)?;
        Ok(prepared.map(|prepared| Prepared::new(prepared.detached())))
    }

    /// Ends an epoch, or a step, that has no event.
    ///
    /// epoch or step: the moment, one of the two.
    ///
    /// Raises PruneError if there is an event, and for a moment that has been.
    #[pyo3(signature = (*, epoch=None, step=None))]
    fn pass_by(&self, epoch: Option<&Bound<'_, PyAny>>, step: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        self.pruner.write()?.pass(moment_of(epoch, step)?).map_err(refused)
    }

    /// Writes a prepared event to the arrays, in place, and puts its masks in force. If the event sets parameters back,
    /// call commit_written instead. The event is used up, even if it is refused.
    ///
    /// prepared: what prepare returned. arrays, buffers: as for end_epoch.
    ///
    /// Raises PruneError if the pruner has gone on since, and for arrays that do not fit. Nothing has been written
    /// then.
    #[pyo3(signature = (prepared, arrays, buffers=None))]
    fn commit<'py>(
        &self,
        prepared: &Prepared,
        arrays: &Bound<'py, PyAny>,
        buffers: Option<Vec<Bound<'py, PyAny>>>,
    ) -> PyResult<Report> {
        self.commit_to(prepared.take()?, arrays, buffers.as_deref())
    }

    /// Puts the masks of a prepared event in force, after the caller has written them. Give `arrays` as they are now to
    /// have their zeros checked and counted. Without them the report says that nobody has looked. The event is used up,
    /// even if it is refused.
    ///
    /// prepared: what prepare returned. arrays: a dict from names to arrays, which are only read. buffers_held: True if
    /// the caller holds the optimiser's buffers too, or there are none; otherwise the report says that they are to be
    /// held.
    ///
    /// Raises PruneError if the pruner has gone on since, and if an element is not zero that should be.
    #[pyo3(signature = (prepared, arrays=None, *, buffers_held=false))]
    fn commit_written(
        &self,
        prepared: &Prepared,
        arrays: Option<&Bound<'_, PyAny>>,
        buffers_held: bool,
    ) -> PyResult<Report> {
        let report = match arrays {
            None => self.pruner.write()?.commit_written(prepared.take()?, None),
            Some(arrays) => {
                let model = Model::of(arrays, "arrays")?;
                let (pruner, prepared) = (&mut *self.pruner.write()?, prepared.take()?);
                model.reading(|views| pruner.commit_written(prepared, Some(views)))?
            }
        }
        .map_err(refused)?;
        Ok(Report { report: if buffers_held { report.with_buffers_held() } else { report } })
    }

    /// Writes +0.0 outside the masks in force, in place. Call it after every step of the optimiser, with the weights
    /// and with every dict of buffers of the same names and shapes. Arrays without a mask are not touched.
    ///
    /// arrays: a dict from names to writable numpy arrays, with one for every mask.
    ///
    /// Raises PruneError, before anything is written, if an array is missing, of another shape or type, or read-only.
    fn hold(&self, arrays: &Bound<'_, PyAny>) -> PyResult<()> {
        hold_sets(self.pruner.read()?.held(), [("arrays", arrays)])
    }

    /// As hold, on each of several dicts. One call is faster than one for each dict.
    ///
    /// sets: a list of dicts as hold takes them.
    ///
    /// Raises PruneError, before anything is written, if an array is missing, of another shape or type, or read-only.
    fn hold_each(&self, sets: Vec<Bound<'_, PyAny>>) -> PyResult<()> {
        hold_sets(self.pruner.read()?.held(), sets.iter().map(|set| ("arrays", set)))
    }

    /// As hold, on a dict that may lack arrays. Returns the names of the masks without an array.
    ///
    /// arrays: a dict from names to writable numpy arrays.
    ///
    /// Raises PruneError, before anything is written, if an array is of another shape or type, or read-only.
    fn hold_present(&self, arrays: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
        hold_present(self.pruner.read()?.held(), arrays)
    }

    /// The number of elements outside the masks in force that are not zero, of either sign.
    ///
    /// arrays: a dict from names to arrays, with one for every mask.
    ///
    /// Raises PruneError if an array is missing, or of another shape.
    fn revivals(&self, arrays: &Bound<'_, PyAny>) -> PyResult<usize> {
        revivals_of(self.pruner.read()?.held(), arrays)
    }

    /// A copy of the masks as they were last made and applied.
    #[getter]
    fn masks(&self) -> PyResult<Masks> {
        Ok(self.pruner.read()?.masks().clone().into())
    }

    /// A copy of the masks that hold uses: `masks` without those that float.
    #[getter]
    fn held(&self) -> PyResult<Masks> {
        Ok(self.pruner.read()?.held().clone().into())
    }

    /// The strategy that it carries out.
    #[getter]
    fn strategy(&self) -> PyResult<Strategy> {
        Ok(Strategy { strategy: self.pruner.read()?.strategy().clone() })
    }

    /// The last epoch that has ended, or None.
    #[getter]
    fn last_epoch(&self) -> PyResult<Option<u64>> {
        Ok(self.pruner.read()?.last_epoch())
    }

    /// The last step that has ended, if the strategy has events in steps, or None.
    #[getter]
    fn last_step(&self) -> PyResult<Option<u64>> {
        Ok(self.pruner.read()?.last_step())
    }

    /// The number of the step in training: the one after last_step, and 1 before any has ended.
    #[getter]
    fn step_in_training(&self) -> PyResult<u64> {
        Ok(self.pruner.read()?.step_in_training())
    }

    /// True if the epoch in training uses the straight-through estimator, so that forward passes need forward_masks.
    #[getter]
    fn passes_straight_through(&self) -> PyResult<bool> {
        Ok(self.pruner.read()?.passes_straight_through())
    }

    /// The masks for the next forward pass: under "straight_through" those of the weights as they are now, else those
    /// that are held.
    ///
    /// arrays: a dict from names to arrays, which are only read. gradients, inputs, scores: as for end_epoch.
    ///
    /// Raises PruneError as end_epoch does.
    #[pyo3(signature = (arrays, *, gradients=None, inputs=None, scores=None))]
    fn forward_masks<'py>(
        &self,
        arrays: &Bound<'py, PyAny>,
        gradients: Option<&Bound<'py, PyAny>>,
        inputs: Option<&Bound<'py, PyAny>>,
        scores: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Masks> {
        let given = EvidenceArrays::of(&Arguments { gradients, inputs, scores, rewind: None })?;
        let views = given.views();
        let model = Model::of(arrays, "arrays")?;
        let lent = model.read()?;
        let pruner = self.pruner.read()?;
        let masks = here(|| pruner.forward_masks_with(&lent.views(), given.evidence(&views)))?;
        given.raised(&views).map_or(Ok(()), Err)?;
        Ok(masks.map_err(refused)?.into())
    }

    /// The pruner's whole state as a dict of plain values. Save it beside the weights and the optimiser's buffers.
    fn state_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.pruner.read()?.state())
    }

    /// Goes on from a saved state. Defaults, couplings and layers stay as they are.
    ///
    /// state: a dict of state_dict, or JSON of one.
    ///
    /// Raises PruneError for a state of another strategy. Pruner.from_state_dict also takes the strategy of the state.
    fn load_state_dict(&self, state: &Bound<'_, PyAny>) -> PyResult<()> {
        let loaded = CorePruner::from_json(&text_of(state, "the state")?).map_err(refused)?;
        let mut pruner = self.pruner.write()?;
        if loaded.strategy() != pruner.strategy() {
            return Err(refused(format!(
                "the state is of another strategy, {}; Pruner.from_state_dict takes that one",
                loaded.strategy()
            )));
        }
        *pruner = self.model.put_into(loaded);
        Ok(())
    }

    /// The pruner that was saved, with its strategy.
    ///
    /// state: a dict of state_dict, or JSON of one. defaults, couplings, layers: as for Pruner; a state does not hold
    /// them.
    ///
    /// Raises PruneError for anything but a state.
    #[classmethod]
    #[pyo3(signature = (state, *, defaults="library", couplings=None, layers=None))]
    fn from_state_dict(
        _: &Bound<'_, PyType>,
        state: &Bound<'_, PyAny>,
        defaults: &str,
        couplings: Option<&Bound<'_, PyAny>>,
        layers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let model = ModelFacts::of(defaults, couplings, layers)?;
        let loaded = CorePruner::from_json(&text_of(state, "the state")?).map_err(refused)?;
        Ok(Pruner { pruner: Shared::new(model.put_into(loaded)), model })
    }

    fn __repr__(&self) -> PyResult<String> {
        let pruner = self.pruner.read()?;
        let ended =
            pruner.last_epoch().map_or_else(|| "not begun".to_owned(), |epoch| format!("epoch {epoch} has ended"));
        Ok(format!("<pruner of {} events, {ended}, {} masks>", pruner.strategy().len(), pruner.masks().len()))
    }
}
