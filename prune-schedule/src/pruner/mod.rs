//! The pruner: carries out a strategy on a model, epoch by epoch.
//!
//! An event is planned (`plan/`), prepared (`prepare.rs`: masks in `event.rs`, `reopen.rs` and `regrow.rs` from what
//! `evidence.rs` holds, figures in `report.rs` and `report_table.rs`) and committed (`commit.rs`), with the optimiser's
//! buffers if they are given (`buffers.rs`). The other files count epochs and steps (`clock.rs`, `steps.rs`), collect
//! gradients (`observe.rs`), make masks for forward passes (`forward.rs`), warn of layers that are sparse without a
//! mask (`sparse.rs`), and save the pruner (`state.rs`).

mod alone;
mod buffers;
mod candidate;
mod clock;
mod commit;
mod event;
mod evidence;
mod forward;
mod listed;
mod observe;
mod prepare;
mod regrow;
mod reopen;
mod report;
mod report_table;
mod report_text;
mod sparse;
mod state;
mod steps;

pub use evidence::{Evidence, Inputs, MeasureInputs};
pub use prepare::PreparedMasks;
pub use report::{LayerReport, Report, Totals, UnitCounts};
pub use report_table::{ReportColumn, ReportRow, report_table};
pub use state::PrunerState;
pub use steps::StepAction;

use prune_core::{Layers, LayersMut, Masks};

use self::clock::{Clock, Token};
use self::listed::LayerList;
use crate::moment::Moment;
use crate::plan::{Defaults, FactsByLayer, LayerFacts, Members, PlanContext, check};
use crate::prune_error::PruneError;
use crate::strategy::Strategy;
use crate::warning::Warning;

/// Carries out a [`Strategy`] on a model: makes masks when their epoch has trained, applies them, holds zeros, and
/// reports each event.
///
/// # Events only close (rule 9)
///
/// An element is alive if the masks in force keep it; at first every element is. An event can choose only alive
/// elements. An event that asks for more than is alive is an error, unless it carries `reopen`. Updates of sparse
/// training (`set`, `rigl`) open as many elements as they close. N:M over an existing mask keeps `min(N, alive)` of
/// each group, and the report counts the groups that came out short; N:M asks for more than is alive if its density
/// does. Masks of layers that an event does not select stay in force.
///
/// # In a training loop
///
/// Call [`Pruner::start`] before it, and [`Pruner::before_step`] and [`Pruner::after_step`] around each step of the
/// optimiser. After each epoch call [`Pruner::end_epoch`], or [`Pruner::end_epoch_and_hold`], which holds the
/// optimiser's buffers too.
///
/// # Floating masks
///
/// In a range of epochs, and under `-1`, a mask is made anew at the end of each epoch, among the elements that were
/// alive when the range began. It is applied but not held in between: [`Pruner::hold`] holds its layers only to what
/// earlier events have closed. After the last epoch of the range the mask is held. Under `-1` each run of epochs
/// without a key of their own is a range. The last such run never ends, so the model is as sparse as asked only right
/// after the end of each epoch.
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
    /// The epochs that have ended; `start` ends epoch 0.
    epochs: Clock,
    /// The steps that have ended, if the strategy counts events in steps.
    steps: Clock,
    /// The masks as they were last made and applied.
    masks: Masks,
    /// While masks float: the masks of the alive elements, which are held instead of `masks`.
    floats_over: Option<Masks>,
    /// Channels of the model that form one unit.
    couplings: Vec<Members>,
    /// Facts about the layers that the door knows.
    facts: FactsByLayer,
    /// The defaults for what the strategy leaves open.
    defaults: Defaults,
    /// Changes with every field above.
    token: Token,
}

impl Pruner {
    /// A pruner that has done nothing yet.
    pub fn new(strategy: Strategy) -> Self {
        Self::with_masks(strategy, Masks::default())
    }

    /// A pruner for a model that has been pruned before, with these masks in force. If the masks are lost,
    /// [`Masks::from_zeros`] reads them off the weights.
    pub fn with_masks(strategy: Strategy, masks: Masks) -> Self {
        Pruner {
            strategy,
            epochs: Clock::default(),
            steps: Clock::default(),
            masks,
            floats_over: None,
            couplings: Vec::new(),
            facts: FactsByLayer::new(),
            defaults: Defaults::LIBRARY,
            token: Token::default(),
        }
    }

    /// This pruner for a model with coupled channels: see [`Event::plan_coupled`](crate::Event::plan_coupled).
    /// Couplings are facts of the model, as the layers are, so a saved state does not hold them. prune-graph reads them
    /// off a network; its `Coupling::members` has an example.
    #[must_use]
    pub fn with_couplings<N, M>(self, couplings: impl IntoIterator<Item = M>) -> Self
    where
        N: Into<String>,
        M: IntoIterator<Item = (N, usize)>,
    {
        let members = |coupling: M| coupling.into_iter().map(|(name, axis)| (name.into(), axis)).collect();
        Pruner { couplings: couplings.into_iter().map(members).collect(), token: Token::default(), ..self }
    }

    /// This pruner with facts about the layers that names and shapes do not tell, such as the class of the module that
    /// holds each layer. They are facts of the model, so a saved state does not hold them. They replace all earlier
    /// facts.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{LayerMut, PlainTensor};
    /// use prune_schedule::names::{AxisEvidence, Class, Role};
    /// use prune_schedule::{LayerFacts, Pruner};
    ///
    /// // A `weight` stored as (in, out), as the door knows; its name alone would say (out, in).
    /// let (inputs, outputs, evidence) = (vec![0], vec![1], Some(AxisEvidence::Class));
    /// let role = Role { class: Class::Weight, entry: "Linear".to_owned(), inputs, outputs, evidence };
    /// let facts = LayerFacts { role: Some(role), ..LayerFacts::default() };
    /// let mut weight = PlainTensor::from_logical(&[2, 2], vec![0.9f32, 0.1, 0.8, 0.2])?;
    /// let strategy = "{1: {'method': 'str_unified_local', 'pattern': '1:2', 'axis': 'reduction'}}".parse()?;
    /// let mut pruner = Pruner::new(strategy).with_facts([("fc.weight", facts.clone())]);
    /// assert_eq!(pruner.facts("fc.weight"), Some(&facts));
    /// pruner.end_epoch(1, &mut [("fc.weight", LayerMut::of(&mut weight))])?;
    /// assert_eq!(weight.values(), [0.9, 0.0, 0.0, 0.2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_facts<N: Into<String>>(self, facts: impl IntoIterator<Item = (N, LayerFacts)>) -> Self {
        let facts = facts.into_iter().map(|(name, facts)| (name.into(), facts)).collect();
        Pruner { facts, token: Token::default(), ..self }
    }

    /// The facts about a layer that [`Pruner::with_facts`] was given.
    pub fn facts(&self, layer: &str) -> Option<&LayerFacts> {
        self.facts.get(layer)
    }

    /// This pruner with other defaults than the library's. Under [`Defaults::FILES`] a strategy means the same as for
    /// files. A saved state does not hold the defaults.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{LayerMut, PlainTensor};
    /// use prune_schedule::{Defaults, Pruner};
    ///
    /// // The inputs of a kernel lie along its first axis.
    /// let mut kernel = PlainTensor::from_logical(&[2, 2], vec![0.9f32, 0.1, 0.8, 0.2])?;
    /// let mut pruner = Pruner::new("{1: {'method': 'str_unified_local', 'pattern': '1:2'}}".parse()?).with_defaults(Defaults::FILES);
    /// let report = pruner.end_epoch(1, &mut [("Dense_0-kernel", LayerMut::of(&mut kernel))])?;
    /// assert_eq!(report.ok_or("there is an event")?.layers[0].axis, Some(0));
    /// assert_eq!(kernel.values(), [0.9, 0.0, 0.0, 0.2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_defaults(self, defaults: Defaults) -> Self {
        Pruner { defaults, token: Token::default(), ..self }
    }

    /// The strategy that it carries out.
    pub fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// The last epoch that has ended; 0 after [`Pruner::start`].
    pub fn last_epoch(&self) -> Option<u64> {
        self.epochs.last
    }

    /// The masks as they were last made and applied, including those that float. A layer without a mask is alive as a
    /// whole.
    pub fn masks(&self) -> &Masks {
        &self.masks
    }

    /// The masks that [`Pruner::hold`] holds: [`Pruner::masks`] without those that float.
    pub fn held(&self) -> &Masks {
        self.floats_over.as_ref().unwrap_or(&self.masks)
    }

    /// Tests every event still to come against a model, before any training: names, ranks, axes, patterns, and the
    /// amount that can be alive by then. Returns the warnings.
    ///
    /// It looks only at names, shapes, masks and the number of zero weights. It warns of a layer that is mostly zero
    /// and has no mask ([`Masks::from_zeros`] makes its mask). Failures that depend on the weights can still come
    /// later: NaN, and an N:M or per-layer event after a global one that has left a layer too little.
    ///
    /// # Errors
    ///
    /// [`PruneError::UnknownLayer`], [`PruneError::PatternMatchesNothing`], [`PruneError::SelectsNothing`],
    /// [`PruneError::AxisOutOfRange`], [`PruneError::ReductionUnknown`], [`PruneError::OutputUnknown`],
    /// [`PruneError::TooFewAlive`], [`PruneError::Bias`], [`PruneError::BoundIdle`], [`PruneError::NoMask`];
    /// [`PruneError::Event`] for bounds that cannot be met; [`PruneError::Layers`] for a name that occurs twice, for
    /// masks in force that do not fit the model, and for memory that does not fit the claimed layout.
    pub fn check(&self, model: &(impl Layers + ?Sized)) -> Result<Vec<Warning>, PruneError> {
        let layers = LayerList::of(model)?;
        layers.fit(self.masks())?;
        layers.fit(self.held())?;
        let ended = (self.epochs.last, self.steps.last);
        let infos = layers.infos(self.held(), &self.facts);
        let known = PlanContext { layers: &infos, couplings: &self.couplings, defaults: self.defaults };
        let mut warnings = check(&self.strategy, ended, known)?;
        warnings.extend(sparse::mostly_zero(&layers, self.held())?);
        Ok(warnings)
    }

    /// Begins: carries out the event at epoch 0, if there is one. It is the same as `end_epoch(0, model)`.
    ///
    /// # Errors
    ///
    /// As [`Pruner::end_epoch`].
    pub fn start(&mut self, model: &mut (impl LayersMut + ?Sized)) -> Result<Option<Report>, PruneError> {
        self.end_epoch(0, model)
    }

    /// Ends an epoch that has trained: carries out its event, if there is one, and returns the report of the event.
    ///
    /// All masks are made before the first weight is written. After an error the model and the pruner are as they were.
    /// This call does not touch the optimiser's buffers, and the report's [next step](Report::next_step) says so.
    /// [`Pruner::end_epoch_and_hold`] holds them too.
    ///
    /// # Errors
    ///
    /// [`PruneError::EpochBackwards`] and [`PruneError::EventSkipped`]; the errors of [`Pruner::check`], for this
    /// event; [`PruneError::TooFewAlive`]; [`PruneError::Event`], above all if a ranked weight is NaN;
    /// [`PruneError::GradientMissing`], [`PruneError::GradientShape`], [`PruneError::EvidenceMissing`],
    /// [`PruneError::Rewind`]; [`PruneError::ListsDiffer`]; [`PruneError::StepsNotCounted`].
    pub fn end_epoch(
        &mut self,
        epoch: u64,
        model: &mut (impl LayersMut + ?Sized),
    ) -> Result<Option<Report>, PruneError> {
        self.end_epoch_with(epoch, model, Evidence::default())
    }

    /// As [`Pruner::end_epoch`], for events that look at more than the weights. Gradients given here take precedence
    /// over observed ones.
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
        self.end(Moment::Epoch(epoch), model, evidence)
    }

    /// Writes `+0.0` outside the masks in force. Call it after every step of the optimiser, with the weights and with
    /// every buffer that has the weights' names and shapes. Zeros then stay zero in spite of momentum and weight decay.
    /// Layers without a mask are not touched.
    ///
    /// # Errors
    ///
    /// [`PruneError::Layers`], before anything is written, if the layer of a mask is missing or has another shape.
    pub fn hold(&self, layers: &mut (impl LayersMut + ?Sized)) -> Result<(), PruneError> {
        Ok(self.held().hold(layers)?)
    }

    /// As [`Pruner::hold`], on several sets of the layers: the weights and the optimiser's buffers. It is faster than
    /// one call after the other.
    ///
    /// # Errors
    ///
    /// As [`Pruner::hold`], before anything is written in any set.
    pub fn hold_each(&self, sets: &mut [&mut (dyn LayersMut + '_)]) -> Result<(), PruneError> {
        Ok(self.held().hold_each(sets)?)
    }

    /// As [`Pruner::hold`], on a set that may lack layers: an optimiser keeps no buffers for frozen layers. Returns the
    /// names of the masks that found no layer.
    ///
    /// # Errors
    ///
    /// As [`Pruner::hold`], but a missing layer is not an error.
    pub fn hold_present(&self, layers: &mut (impl LayersMut + ?Sized)) -> Result<Vec<&str>, PruneError> {
        Ok(self.held().hold_present(layers)?)
    }

    /// The number of elements outside the masks in force that are not zero, of either sign. After [`Pruner::hold`] it
    /// is 0.
    ///
    /// # Errors
    ///
    /// [`PruneError::Layers`] if the layer of a mask is missing or has another shape.
    pub fn revivals(&self, layers: &(impl Layers + ?Sized)) -> Result<usize, PruneError> {
        Ok(self.held().revivals(layers)?)
    }
}
