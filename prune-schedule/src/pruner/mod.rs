//! The pruner: carries out a strategy on a model, epoch by epoch.
//!
//! The files: which layers an event is for (`selection.rs`), what it asks of them (`plan.rs`), testing a strategy against
//! a model (`check.rs`, `bounds.rs`), making an event's masks (`event.rs`, `biases.rs`, `reopen.rs`, `regrow.rs`), what it
//! may look at (`evidence.rs`), writing them (`write.rs`), events that are counted in steps (`steps.rs`), forward passes of their own
//! (`forward.rs`), layers that are sparse without a mask (`sparse.rs`), what an event did (`report.rs`, `report_table.rs`),
//! and saving it all (`state.rs`).

mod biases;
mod bounds;
mod check;
mod error;
mod event;
mod evidence;
mod forward;
mod plan;
mod regrow;
mod reopen;
mod report;
mod report_table;
mod selection;
mod sparse;
mod state;
mod steps;
mod write;

pub use error::PruneError;
pub use evidence::{Evidence, Inputs, MeasureInputs};
pub use report::{LayerReport, Report, Totals, UnitCounts, Warning};
pub use state::PrunerState;

use prune_core::{Layers, LayersMut, Masks};

use self::event::{Made, Maker};
use self::evidence::{Given, Observed, Wanted};
use self::plan::{Asked, rankings};
use self::regrow::Update;
use self::report::Outcome;
use self::selection::{Candidate, Listed, select};
use crate::epoch::Epochs;
use crate::event::{Event, Rule};
use crate::option::unit::Piece;
use crate::strategy::Strategy;

/// Carries out a [`Strategy`] on a model: makes masks when their epoch has trained, applies them, holds what must stay
/// zero, and reports what it did.
///
/// # Events only close (rule 9)
///
/// Alive is what the masks in force keep, and everything at first. Only alive elements can be chosen by an event; one
/// that asks for more than is alive is an error, unless it carries `reopen`. N:M over an existing mask keeps
/// `min(N, alive)` of each group, and the report counts the groups that came out short; it asks for more than is alive
/// where its density does. Masks of layers that an event does not select stay in force.
///
/// # Floating masks
///
/// In a range of epochs, and under `-1`, a mask is made anew at the end of each epoch among what was alive when the
/// range began, and applied, but not held in between: [`Pruner::hold`] holds its layers to what earlier events have
/// closed, and no more. After the last epoch of the range it is held. Under `-1` a range is each run of epochs that have
/// no key of their own; the last such run never ends, so that the model is as sparse as asked right after the end of
/// each epoch.
///
/// # Examples
///
/// ```
/// use prune_core::{LayerMut, PlainTensor};
/// use prune_schedule::Pruner;
///
/// let mut weights = PlainTensor::from_logical(&[2, 4], vec![0.9f32, -0.1, 0.3, 0.2, 0.1, -0.8, 0.7, 0.6])?;
/// let mut pruner = Pruner::new("{1: {'method': 'str_unified_local', 'pattern': (2, 4)}}".parse()?);
/// let mut model = [("fc-kernel", LayerMut::of(&mut weights))];
/// pruner.check(&model)?;
///
/// // Epoch 1 trains here, and then:
/// let report = pruner.end_epoch(1, &mut model)?.ok_or("there is an event")?;
/// assert_eq!((report.selected.kept, report.selected.elements), (4, 8));
///
/// // From now on, after every step of the optimiser, for weights and for momentum:
/// pruner.hold(&mut model)?;
/// assert_eq!(pruner.revivals(&model)?, 0);
/// drop(model);
/// assert_eq!(weights.values(), [0.9, 0.0, 0.3, 0.0, 0.0, -0.8, 0.7, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Pruner {
    strategy: Strategy,
    /// The last epoch that has ended; `start` ends epoch 0.
    epoch: Option<u64>,
    /// The last step that has ended, where events are counted in steps.
    step: Option<u64>,
    /// The masks as they were last made and applied.
    masks: Masks,
    /// While masks float: what is alive, and held, instead of `masks`.
    floats_over: Option<Masks>,
    /// Gradients since the last epoch ended.
    observed: Observed,
    /// Gradients since the last step ended.
    observed_in_step: Observed,
}

impl Pruner {
    /// A pruner that has done nothing yet.
    pub fn new(strategy: Strategy) -> Self {
        Self::with_masks(strategy, Masks::default())
    }

    /// A pruner of a model that has been pruned before, with these masks in force. Where they are not known any more,
    /// [`Masks::from_zeros`] reads them off the weights.
    pub fn with_masks(strategy: Strategy, masks: Masks) -> Self {
        Pruner {
            strategy,
            epoch: None,
            step: None,
            masks,
            floats_over: None,
            observed: Observed::default(),
            observed_in_step: Observed::default(),
        }
    }

    /// What it carries out.
    pub fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// The last epoch that has ended; 0 after [`Pruner::start`].
    pub fn last_epoch(&self) -> Option<u64> {
        self.epoch
    }

    /// The masks as they were last made and applied, those that float among them. Layers without one are alive as a
    /// whole.
    pub fn masks(&self) -> &Masks {
        &self.masks
    }

    /// The masks that [`Pruner::hold`] holds: [`Pruner::masks`], but for those that float.
    pub fn held(&self) -> &Masks {
        self.floats_over.as_ref().unwrap_or(&self.masks)
    }

    /// Tests every event still to come against a model, before any training: names, ranks, axes, patterns, and whether
    /// it asks for more than can be alive by then. Returns what is worth a warning.
    ///
    /// Only names, shapes and masks are looked at, and of weights how many are zero: a layer of which most is, and which has
    /// no mask, is warned of ([`Masks::from_zeros`] makes its mask). What depends on the weights can still fail later: NaN,
    /// and an N:M or per-layer event after a global one that has left a layer too little.
    ///
    /// # Errors
    ///
    /// [`PruneError::UnknownLayer`], [`PruneError::PatternMatchesNothing`], [`PruneError::SelectsNothing`], [`PruneError::AxisOutOfRange`],
    /// [`PruneError::ReductionUnknown`], [`PruneError::OutputUnknown`], [`PruneError::TooFewAlive`], [`PruneError::Bias`],
    /// [`PruneError::BoundIdle`], [`PruneError::NoMask`]; [`PruneError::Event`] for bounds that cannot be met; [`PruneError::Layers`] for a name that
    /// stands twice, for masks in force that do not fit the model, and for memory that does not fit the layout claimed.
    pub fn check(&self, model: &(impl Layers + ?Sized)) -> Result<Vec<Warning>, PruneError> {
        let layers = Listed::of(model)?;
        layers.fit(self.masks())?;
        layers.fit(self.held())?;
        let now = check::Now { epoch: self.epoch, step: self.step, alive: self.held() };
        let mut warnings = check::check(&self.strategy, &now, &layers)?;
        warnings.extend(sparse::mostly_zero(&layers, self.held())?);
        Ok(warnings)
    }

    /// Begins: carries out the event at epoch 0, if there is one. The same as `end_epoch(0, model)`.
    ///
    /// # Errors
    ///
    /// As [`Pruner::end_epoch`].
    pub fn start(&mut self, model: &mut (impl LayersMut + ?Sized)) -> Result<Option<Report>, PruneError> {
        self.end_epoch(0, model)
    }

    /// Ends an epoch that has trained: carries out its event, if there is one, and reports what that did.
    ///
    /// All masks are made before the first weight is written. After an error the model and the pruner are as they were.
    ///
    /// # Errors
    ///
    /// [`PruneError::EpochBackwards`] and [`PruneError::EventSkipped`]; what [`Pruner::check`] finds, for this event;
    /// [`PruneError::TooFewAlive`]; [`PruneError::Event`], above all where a weight that is ranked is NaN;
    /// [`PruneError::GradientMissing`], [`PruneError::GradientShape`], [`PruneError::EvidenceMissing`],
    /// [`PruneError::Rewind`]; [`PruneError::ListsDiffer`]; [`PruneError::StepsNotCounted`].
    pub fn end_epoch(
        &mut self,
        epoch: u64,
        model: &mut (impl LayersMut + ?Sized),
    ) -> Result<Option<Report>, PruneError> {
        self.end_epoch_with(epoch, model, Evidence::default())
    }

    /// As [`Pruner::end_epoch`], for events that look at more than the weights. Gradients given here go before those
    /// observed.
    ///
    /// # Errors
    ///
    /// As [`Pruner::end_epoch`].
    pub fn end_epoch_with(
        &mut self,
        epoch: u64,
        model: &mut (impl LayersMut + ?Sized),
        evidence: Evidence<'_>,
    ) -> Result<Option<Report>, PruneError> {
        self.goes_forward(epoch)?;
        let observed = core::mem::take(&mut self.observed);
        let report = match self.strategy.event_at(epoch) {
            Some((key, event)) => {
                let happening = Happening { epoch, at: Epochs::At(epoch), key, event: event.at_time(key, epoch) };
                match self.carry_out(&happening, model, evidence, &observed) {
                    Ok(report) => Some(report),
                    Err(error) => {
                        self.observed = observed;
                        return Err(error);
                    }
                }
            }
            None => None,
        };
        self.epoch = Some(epoch);
        Ok(report)
    }

    fn goes_forward(&self, epoch: u64) -> Result<(), PruneError> {
        if let Some(last) = self.epoch.filter(|&last| epoch <= last) {
            return Err(PruneError::EpochBackwards { epoch, last });
        }
        if let (None, Some(next)) = (self.step, self.strategy.next_event_step_after(None))
            && epoch > 0
        {
            return Err(PruneError::StepsNotCounted { next });
        }
        match self.strategy.next_event_after(self.epoch) {
            Some(skipped) if skipped < epoch => Err(PruneError::EventSkipped { epoch, skipped }),
            _ => Ok(()),
        }
    }

    /// Makes the masks of an event, reports, applies them, and takes note; in this order, so that whatever is refused
    /// leaves everything as it was.
    fn carry_out(
        &mut self,
        happening: &Happening,
        model: &mut (impl LayersMut + ?Sized),
        evidence: Evidence<'_>,
        observed: &Observed,
    ) -> Result<Report, PruneError> {
        let Happening { epoch, at, key, ref event } = *happening;
        let in_event = |source| PruneError::Event { epoch: at, source };
        let layers = Listed::of(&*model).map_err(in_event)?;
        let rewound = write::rewound(at, event, &layers, epoch, evidence.rewind)?;
        if rewound.is_some() {
            layers.fit(self.held()).map_err(in_event)?;
        }
        let given = Given::of(evidence, observed).map_err(in_event)?;
        let (candidates, asked, made) = self.make(happening, &layers, &given)?;
        let alive = self.held();
        // Under the straight-through estimator the dense weights train on until the range ends.
        let floats_on = !at.in_steps() && self.strategy.floats_on(epoch, key);
        let applied = !(floats_on && event.passes_straight_through());
        let outcome = Outcome {
            epoch,
            at,
            key,
            event,
            asked,
            rewound: rewound.as_ref(),
            candidates: &candidates,
            made: &made,
            alive,
            before: &self.masks,
            written: applied,
        };
        let report = outcome.report(&layers).map_err(in_event)?;

        let new: Masks =
            candidates.iter().map(|c| c.name.to_owned()).zip(made.into_iter().map(|made| made.mask)).collect();
        // What is written: every layer where parameters are set back.
        let to_write = layers.iter().filter(|(name, _)| rewound.is_some() || new.get(name).is_some());
        let shapes: Vec<(String, Vec<usize>)> =
            to_write.map(|(name, layer)| (name.to_owned(), layer.shape().to_vec())).collect();
        drop(candidates);
        drop(layers);
        let mut opened = Masks::default();
        for (name, mask) in new.iter() {
            if let Some(alive) = alive.get(name)
                && !mask.is_subset(alive).map_err(in_event)?
            {
                opened.insert(name, mask.union(alive).map_err(in_event)?);
            }
        }
        if applied {
            write::write(at, model, &new, alive, &shapes, rewound.as_ref())?;
        }
        self.note(floats_on, new, opened);
        Ok(report)
    }

    /// The layers that an event is for, what it asks of them, and their masks.
    fn make<'l>(
        &self,
        happening: &Happening,
        layers: &'l Listed<'l>,
        given: &Given<'_>,
    ) -> Result<(Vec<Candidate<'l>>, Asked, Vec<Made>), PruneError> {
        let Happening { at, key, ref event, .. } = *happening;
        let alive = self.held();
        let mut candidates = select(at, event, layers)?;
        if let Rule::Regrow(regrow) = event.rule() {
            candidates.retain(|candidate| alive.get(candidate.name).is_some());
            if candidates.is_empty() {
                return Err(PruneError::NoMask { epoch: at, method: event.method().name() });
            }
            layers.fit(alive).map_err(|source| PruneError::Event { epoch: at, source })?;
            let time = at.first().unwrap_or(0);
            let update = Update { epoch: at, time, last: key.last().unwrap_or(time) };
            let made = regrow::masks(&update, *regrow, &candidates, alive, given)?;
            let each: Vec<Option<usize>> = made.iter().map(|made| Some(made.mask.kept_len())).collect();
            let asked = Asked { total: Some(each.iter().flatten().sum()), units: vec![None; each.len()], each };
            return Ok((candidates, asked, made));
        }
        let rankings = rankings(at, event, &candidates)?;
        let mut asked = Asked::of(event, &rankings, &candidates);
        let mut made = Maker { epoch: at, event, alive, given }.masks(&candidates, &rankings)?;
        if event.piece().is_some() {
            asked.forget_elements_of_pieces(&candidates, alive);
        }
        if let Some(Piece::Channels { bias: true, .. }) = event.piece() {
            biases::follow(at, event, layers, alive, &mut candidates, &mut asked, &mut made)?;
        }
        Ok((candidates, asked, made))
    }

    /// Puts new masks in force. `opened` is what is alive from now on where an event has reopened elements.
    fn note(&mut self, floats_on: bool, new: Masks, opened: Masks) {
        if floats_on {
            let held = self.floats_over.get_or_insert_with(|| self.masks.clone());
            for (name, mask) in opened.iter() {
                held.insert(name, mask.clone());
            }
        } else {
            self.floats_over = None;
        }
        for (name, mask) in new.iter() {
            self.masks.insert(name, mask.clone());
        }
    }

    /// Takes note of the gradients of one backward pass, before they are masked, for an event that asks for them: `snip` and
    /// `'reopen': 'gradient'` of all of them since the last epoch ended, added up; `saliency` and `rigl` of the last. Costs
    /// nothing unless the epoch in training, or the step, ends in such an event. Before [`Pruner::start`] it is for the
    /// event at epoch 0.
    ///
    /// # Errors
    ///
    /// [`PruneError::Layers`], [`PruneError::GradientShape`] where a gradient has changed its shape.
    pub fn observe(&mut self, gradients: &(impl Layers + ?Sized)) -> Result<(), PruneError> {
        let training = self.epoch.map_or(1, |epoch| epoch.saturating_add(1));
        let next = self.strategy.next_event_after(self.epoch).filter(|&next| next <= training);
        if let Some((epoch, event)) = next.and_then(|next| self.strategy.event_at(next))
            && let Some(wanted) = Wanted::by(event)
        {
            self.observed.add(epoch, event, &Listed::of(gradients)?, wanted)?;
        }
        if let Some((steps, event)) = self.strategy.event_at_step(self.next_step())
            && let Some(wanted) = Wanted::by(event)
        {
            self.observed_in_step.add(steps, event, &Listed::of(gradients)?, wanted)?;
        }
        Ok(())
    }

    /// Writes `+0.0` outside the masks in force. Call it after every step of the optimiser, with the weights and with
    /// every buffer that has the weights' names and shapes: zeros stay zero, whatever momentum or weight decay do. Layers
    /// without a mask are not touched.
    ///
    /// # Errors
    ///
    /// [`PruneError::Layers`], before anything is written: a mask whose layer is missing or of another shape.
    pub fn hold(&self, layers: &mut (impl LayersMut + ?Sized)) -> Result<(), PruneError> {
        Ok(self.held().hold(layers)?)
    }

    /// As [`Pruner::hold`] on each of several sets of the layers, the weights and the optimiser's buffers; sooner done
    /// than one after the other.
    ///
    /// # Errors
    ///
    /// As [`Pruner::hold`], before anything is written in any set.
    pub fn hold_each(&self, sets: &mut [&mut (dyn LayersMut + '_)]) -> Result<(), PruneError> {
        Ok(self.held().hold_each(sets)?)
    }

    /// How many elements outside the masks in force are not zero, of either sign. After [`Pruner::hold`] there are none.
    ///
    /// # Errors
    ///
    /// [`PruneError::Layers`]: a mask whose layer is missing or of another shape.
    pub fn revivals(&self, layers: &(impl Layers + ?Sized)) -> Result<usize, PruneError> {
        Ok(self.held().revivals(layers)?)
    }
}

/// An event when it happens.
struct Happening {
    /// The epoch that ends, or that is in training.
    epoch: u64,
    /// The epoch or step, as errors have it.
    at: Epochs,
    /// The key that it stands under.
    key: Epochs,
    /// The event with the density that it has come to.
    event: Event,
}
