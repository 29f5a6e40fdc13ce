//! Prepares an event: everything is read, made and tested, and nothing is written.

use prune_core::{Layers, Masks};

use super::Pruner;
use super::buffers::close_more;
use super::candidate::{Candidate, LayerMask};
use super::clock::{Clock, Token};
use super::event::Maker;
use super::evidence::{EventEvidence, Evidence};
use super::listed::LayerList;
use super::report::{Outcome, Report};
use crate::event::{Event, Rule};
use crate::key::Key;
use crate::moment::Moment;
use crate::plan::EventPlan;
use crate::prune_error::PruneError;

/// An event that is ready to be committed: its masks and its report are made, and nothing has been written.
///
/// [`Pruner::commit`] writes it to a model. A caller whose weights this crate cannot write applies
/// [`PreparedMasks::writes`] and calls [`Pruner::commit_written`]. It belongs to the state of the pruner that made it,
/// and to layers of the shapes that were read: a pruner that has gone on refuses it.
#[must_use = "nothing has been written until it is committed"]
pub struct PreparedMasks<'e> {
    pub(super) token: Token,
    pub(super) moment: Moment,
    /// True if the masks float on from here.
    pub(super) floats_on: bool,
    /// The new masks.
    pub(super) masks: Masks,
    /// The elements that are alive from now on, in layers where the event has reopened some.
    pub(super) opened: Masks,
    /// The elements that may stay as they are: zero is written outside.
    pub(super) writes: Masks,
    /// The layers that are written, with their shapes.
    pub(super) written: Vec<(String, Vec<usize>)>,
    /// The parameters to which the model is set back.
    pub(super) rewound: Option<LayerList<'e>>,
    pub(super) report: Report,
}

impl core::fmt::Debug for PreparedMasks<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PreparedMasks")
            .field("moment", &self.moment)
            .field("layers", &self.masks.len())
            .finish_non_exhaustive()
    }
}

impl PreparedMasks<'_> {
    /// The moment of the event.
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// The masks that the event makes, by layer.
    pub fn masks(&self) -> &Masks {
        &self.masks
    }

    /// The masks outside which a caller that applies masks itself must write zero. They keep less than
    /// [`PreparedMasks::masks`] if elements are opened again, since those start at zero. They include masks of other
    /// layers if parameters are set back. They are empty if nothing is written, as within a range that passes
    /// straight through.
    pub fn writes(&self) -> &Masks {
        &self.writes
    }

    /// If the event rewinds, every parameter is first set back to its value at the end of this epoch.
    pub fn rewinds_to(&self) -> Option<u64> {
        self.report.rewound_to
    }

    /// The report of the event, as it will be after the commit.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// This event without the parameters that are set back, so that it can outlive the evidence, for a caller that
    /// writes masks and parameters elsewhere. [`Pruner::commit_written`] takes it; [`Pruner::commit`] refuses it if it
    /// [rewinds](PreparedMasks::rewinds_to).
    pub fn detached(self) -> PreparedMasks<'static> {
        let PreparedMasks { token, moment, floats_on, masks, opened, writes, written, rewound: _, report } = self;
        PreparedMasks { token, moment, floats_on, masks, opened, writes, written, rewound: None, report }
    }
}

/// An event at the moment when it happens.
pub(super) struct Happening {
    /// The epoch that ends, or that is in training.
    pub(super) epoch: u64,
    pub(super) moment: Moment,
    /// The key of the event.
    pub(super) key: Key,
    /// The event with the density that it has reached.
    pub(super) event: Event,
}

impl Pruner {
    /// Prepares the event at a moment, if there is one: tests it, makes its masks, and computes its report. Neither the
    /// pruner nor the model changes. Dropping the result leaves everything as it was.
    ///
    /// # Errors
    ///
    /// As [`Pruner::end_epoch`] and [`Pruner::end_step`].
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{LayerMut, PlainTensor};
    /// use prune_schedule::{Evidence, Moment, Pruner};
    ///
    /// let mut weights = PlainTensor::from_logical(&[1, 4], vec![0.9f32, -0.1, 0.3, 0.2])?;
    /// let mut pruner = Pruner::new("{2: {'method': 'unstr_global', 'density': 0.5}}".parse()?);
    /// let mut model = [("fc", LayerMut::of(&mut weights))];
    /// assert!(pruner.prepare(Moment::Epoch(1), &model, Evidence::default())?.is_none());
    /// pruner.pass(Moment::Epoch(1))?;
    ///
    /// let prepared = pruner.prepare(Moment::Epoch(2), &model, Evidence::default())?.ok_or("there is an event")?;
    /// assert_eq!(prepared.report().selected.kept, 2);
    /// pruner.commit(prepared, &mut model)?;
    /// drop(model);
    /// assert_eq!(weights.values(), [0.9, 0.0, 0.3, 0.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prepare<'e>(
        &self,
        moment: Moment,
        model: &(impl Layers + ?Sized),
        evidence: Evidence<'e>,
    ) -> Result<Option<PreparedMasks<'e>>, PruneError> {
        self.goes_forward(moment)?;
        let Some((key, event)) = self.strategy.at(moment) else { return Ok(None) };
        let epoch = if moment.is_step() { self.epochs.next() } else { moment.time() };
        let happening = Happening { epoch, moment, key, event: event.at_time(key, moment.time()) };
        self.ready(&happening, model, evidence).map(Some)
    }

    fn ready<'e>(
        &self,
        happening: &Happening,
        model: &(impl Layers + ?Sized),
        evidence: Evidence<'e>,
    ) -> Result<PreparedMasks<'e>, PruneError> {
        let Happening { epoch, moment, key, ref event } = *happening;
        let in_event = PruneError::in_event(moment.key());
        let layers = LayerList::of(model).map_err(in_event)?;
        let rewound = rewound(moment.key(), event, &layers, epoch, &evidence)?;
        if rewound.is_some() {
            layers.fit(self.held()).map_err(in_event)?;
        }
        let given = EventEvidence::of(evidence, &self.clock(moment).observed).map_err(in_event)?;
        let plan = self.plan(happening, &layers)?;
        let candidates = Candidate::of_plan(&plan, &layers);
        let alive = self.held();
        let made = Maker { plan: &plan, alive, given: &given }.masks(&candidates)?;
        let floats_on = !moment.is_step() && self.strategy.floats_on(epoch, key);
        // Under the straight-through estimator the dense weights train on until the range ends.
        let is_written = !(floats_on && event.straight_through());
        let outcome = Outcome {
            happening,
            plan: &plan,
            rewound: rewound.as_ref(),
            candidates: &candidates,
            made: &made,
            alive,
            before: &self.masks,
            written: is_written,
        };
        let mut report = outcome.report(&layers).map_err(in_event)?;
        let masks: Masks = candidates.iter().zip(made).map(|(c, made)| (c.name().to_owned(), made.mask)).collect();
        // Before training an optimiser has no buffers.
        let held_from_now = !floats_on && moment.time() > 0;
        report.buffers_open = held_from_now && close_more(&masks, alive).map_err(in_event)?;
        let (mut opened, mut writes) = (Masks::default(), Masks::default());
        for (name, mask) in masks.iter() {
            let mut remains = mask.clone();
            if let Some(alive) = alive.get(name) {
                remains.intersect_in_place(alive).map_err(in_event)?;
                if remains != *mask {
                    opened.insert(name, mask.union(alive).map_err(in_event)?);
                }
            }
            // Only elements that were alive keep their value: reopened weights start at zero.
            writes.insert(name, remains);
        }
        let set_back = rewound.is_some();
        let is_new = |name: &str| masks.get(name).is_some();
        // If parameters are set back, every layer is written, and the elements that other masks have closed come back.
        // So those masks are written too.
        for (name, mask) in alive.iter().filter(|(name, _)| set_back && !is_new(name)) {
            writes.insert(name, mask.clone());
        }
        let written = layers.iter().filter(|(name, _)| set_back || is_new(name));
        let written = written.map(|(name, layer)| (name.to_owned(), layer.shape().to_vec())).collect();
        let (writes, written) = if is_written { (writes, written) } else { Default::default() };
        let token = self.token.clone();
        Ok(PreparedMasks { token, moment, floats_on, masks, opened, writes, written, rewound, report })
    }

    /// The plan of an event on these layers.
    fn plan(&self, happening: &Happening, layers: &LayerList<'_>) -> Result<EventPlan, PruneError> {
        let at = happening.moment.key();
        let infos = layers.infos(self.held(), &self.facts);
        let plan = happening.event.plan_coupled(at, happening.key, &infos, &self.couplings, &self.defaults)?;
        if matches!(happening.event.rule(), Rule::Regrow(_)) {
            layers.fit(self.held()).map_err(PruneError::in_event(at))?;
        }
        Ok(plan)
    }

    /// The masks of an event for the present weights, in the order of its plan.
    pub(super) fn masks_of(
        &self,
        happening: &Happening,
        layers: &LayerList<'_>,
        given: &EventEvidence<'_>,
    ) -> Result<Vec<(String, LayerMask)>, PruneError> {
        let plan = self.plan(happening, layers)?;
        let candidates = Candidate::of_plan(&plan, layers);
        let made = Maker { plan: &plan, alive: self.held(), given }.masks(&candidates)?;
        Ok(candidates.iter().map(|candidate| candidate.name().to_owned()).zip(made).collect())
    }

    pub(super) fn clock(&self, moment: Moment) -> &Clock {
        if moment.is_step() { &self.steps } else { &self.epochs }
    }

    /// Refuses a moment that has passed, and one that would skip an earlier event.
    pub(super) fn goes_forward(&self, moment: Moment) -> Result<(), PruneError> {
        let (last, time) = (self.clock(moment).last, moment.time());
        let ended = last.filter(|&last| time <= last);
        let skipped = |unit| self.strategy.next_after(unit, last).filter(|&skipped| skipped < time);
        match moment {
            Moment::Step(step) => {
                let unstarted =
                    self.epochs.last.is_none() && self.strategy.event_at(0).is_some() && self.strategy.has_steps();
                match (ended, skipped(Moment::Step)) {
                    _ if unstarted => Err(PruneError::StepBeforeStart { step }),
                    (Some(last), _) => Err(PruneError::StepBackwards { step, last }),
                    (_, Some(skipped)) => Err(PruneError::StepSkipped { step, skipped }),
                    (None, None) => Ok(()),
                }
            }
            Moment::Epoch(epoch) => {
                let begin = self.strategy.next_after(Moment::Step, None);
                match (ended, begin.filter(|_| self.steps.last.is_none() && epoch > 0), skipped(Moment::Epoch)) {
                    (Some(last), ..) => Err(PruneError::EpochBackwards { epoch, last }),
                    (_, Some(next), _) => Err(PruneError::StepsNotCounted { next }),
                    (.., Some(skipped)) => Err(PruneError::EventSkipped { epoch, skipped }),
                    (None, None, None) => Ok(()),
                }
            }
        }
    }
}

/// The parameters to which an event sets the model back, with the names, shapes and types of the model; `None` if it
/// does not rewind.
fn rewound<'e>(
    at: Key,
    event: &Event,
    layers: &LayerList<'_>,
    training: u64,
    evidence: &Evidence<'e>,
) -> Result<Option<LayerList<'e>>, PruneError> {
    let Some(to) = event.rewind() else { return Ok(None) };
    let refuse = |why: String| PruneError::Rewind { at, to, why };
    if to >= training {
        return Err(refuse(format!("that epoch has not ended, epoch {training} is in training")));
    }
    let missing = || refuse("hand them over as `rewind` in the `Evidence` of `end_epoch_with`".to_owned());
    let given = LayerList::of(evidence.rewind.ok_or_else(missing)?);
    let given = given.map_err(PruneError::in_event(at))?;
    for (name, layer) in layers.iter() {
        let shown = prune_core::printable(name);
        let Some(source) = given.get(name) else {
            return Err(refuse(format!("there is no layer `{shown}` among them")));
        };
        if (source.shape(), source.element_type()) != (layer.shape(), layer.element_type()) {
            return Err(refuse(format!(
                "layer `{shown}` is {} of shape {:?} there and {} of shape {:?} in the model",
                source.element_type(),
                source.shape(),
                layer.element_type(),
                layer.shape()
            )));
        }
    }
    Ok(Some(given))
}
