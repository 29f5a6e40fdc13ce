//! The pruner of a module: it carries out a strategy on burn's modules, gradients and optimisers.
//!
//! Here are the calls between steps. `checks.rs` has the checks beforehand, `steps.rs` the work around a step of the
//! optimiser, and `events.rs` prepares events and writes them.

mod checks;
mod events;
mod steps;

pub use events::PreparedEvent;

use std::collections::BTreeMap;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use prune_core::Masks;
use prune_schedule::{Defaults, Evidence, LayerFacts, Moment, Pruner, Report, Strategy};

use crate::closed::ClosedMasks;
use crate::error::BurnError;
use crate::gradients::ModuleGradients;
use crate::moments::{self, MasksById};
use crate::parameters::{Parameter, Parameters};
use crate::{fit, prune_mask, write};

/// Carries out a [`Strategy`] on a module of burn. The crate page shows it in a loop.
/// [`SharedPruner`](crate::SharedPruner) is for burn's `Learner`.
///
/// Tensors of burn do not change, so methods that write a module take it and give it back. To keep a module in case of
/// an error, clone it first, which copies nothing.
///
/// # Masks in force
///
/// [`before_step`](ModulePruner::before_step) writes zeros into the gradients of pruned weights. An optimiser that
/// moves each element by its own gradient and buffers then leaves these weights, and their buffers, at `+0.0`.
/// [`after_step`](ModulePruner::after_step) writes zeros into the weights as well, for optimisers that do not work in
/// this way (Muon mixes whole rows). Each event writes zeros into the optimiser's buffers through its record.
///
/// [`with_masks_in_module`](ModulePruner::with_masks_in_module) puts the masks into the module instead.
#[derive(Debug, Clone)]
pub struct ModulePruner {
    pruner: Pruner,
    /// The masks in force, on the devices.
    closed: ClosedMasks,
    in_module: bool,
    /// True if masks within the module have been compared with the pruner's, and neither may have changed since.
    compared: bool,
    /// The buffers that the last event left alone.
    unheld: Vec<String>,
    /// The user's facts about layers. They override those from classes.
    told: BTreeMap<String, LayerFacts>,
    /// The facts about the module's layers that the pruner has received.
    facts: BTreeMap<String, LayerFacts>,
}

impl ModulePruner {
    /// A pruner at the start of its strategy.
    pub fn new(strategy: Strategy) -> Self {
        Self::from_pruner(Pruner::new(strategy))
    }

    /// A pruner that continues another one.
    pub fn from_pruner(pruner: Pruner) -> Self {
        let closed = ClosedMasks::new(pruner.held().clone());
        let (told, facts) = (BTreeMap::new(), BTreeMap::new());
        ModulePruner { pruner, closed, in_module: false, compared: false, unheld: Vec::new(), told, facts }
    }

    /// A pruner for a module that has been pruned before, with these masks in force. If an optimiser has trained
    /// without them, [`hold_moments`](ModulePruner::hold_moments) writes zeros into its buffers.
    pub fn with_masks(strategy: Strategy, masks: Masks) -> Self {
        Self::from_pruner(Pruner::with_masks(strategy, masks))
    }

    /// Replaces the library's defaults. Under [`Defaults::FILES`], groups of N:M run along the inputs.
    #[must_use]
    pub fn with_defaults(self, defaults: Defaults) -> Self {
        ModulePruner { pruner: self.pruner.with_defaults(defaults), ..self }
    }

    /// Adds facts about a layer that its class does not give: that an embedding is a weight to be pruned, or the axes
    /// of inputs and outputs in a module of your own.
    ///
    /// # Examples
    ///
    /// ```
    /// use burn::nn::EmbeddingConfig;
    /// use burn::tensor::Device;
    /// use prune_burn::{LayerFacts, ModulePruner};
    ///
    /// let table = EmbeddingConfig::new(8, 4).init(&Device::default());
    /// let strategy = || "{0: {'method': 'unstr_unified_local', 'density': 0.5}}".parse();
    /// // Embeddings are left dense.
    /// assert!(ModulePruner::new(strategy()?).start(table.clone()).is_err());
    /// let weight = LayerFacts { weight: Some(true), ..LayerFacts::default() };
    /// let mut pruner = ModulePruner::new(strategy()?).with_facts("weight", weight);
    /// let (_, report) = pruner.start(table)?;
    /// assert_eq!(report.ok_or("there is an event")?.selected.kept, 16);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_facts(mut self, layer: impl Into<String>, facts: LayerFacts) -> Self {
        self.told.insert(layer.into(), facts);
        self
    }

    /// Puts masks into the module, as burn's reparameterisation. Every forward pass then uses the masked weights, no
    /// matter who moves the weights below, and the masks are part of the module's record.
    ///
    /// Use it if the loop is not yours: for an optimiser that is not a [`ModuleOptimizer`], or for code that calls it
    /// for you. It costs a masked copy of a layer for each use in a forward pass, which autodiff keeps until the
    /// backward pass. Pruned weights then have no gradient, so events that need one (RigL, `'reopen': 'gradient'`) are
    /// refused. A parameter has at most one reparameterisation, so one with LoRA is refused.
    ///
    /// To resume, [`attach`](ModulePruner::attach) the masks before a record is loaded. `module.materialize()` replaces
    /// weights and masks by the masked weights.
    #[must_use]
    pub fn with_masks_in_module(self) -> Self {
        ModulePruner { in_module: true, ..self }
    }

    /// The inner pruner, which carries out the strategy.
    pub fn pruner(&self) -> &Pruner {
        &self.pruner
    }

    /// The masks as they were last made and applied, by the paths of their parameters.
    pub fn masks(&self) -> &Masks {
        self.pruner.masks()
    }

    /// The buffers of masked parameters that the last event left alone, since their shape is not the parameter's, such
    /// as Adafactor's sums of rows.
    pub fn unheld_buffers(&self) -> &[String] {
        &self.unheld
    }

    /// The pruner's whole state as JSON. Save it beside the records of the module and the optimiser.
    pub fn to_json(&self) -> String {
        self.pruner.to_json()
    }

    /// The pruner that was saved. Repeat the calls of `with_...` that it was built with.
    ///
    /// # Errors
    ///
    /// [`BurnError::State`].
    pub fn from_json(text: &str) -> Result<Self, BurnError> {
        Pruner::from_json(text).map(Self::from_pruner).map_err(|source| BurnError::State { source })
    }

    /// Begins: carries out the event at epoch 0, if there is one, before any optimiser has stepped.
    ///
    /// # Errors
    ///
    /// As [`ModulePruner::end_epoch`].
    pub fn start<M: Module>(&mut self, module: M) -> Result<(M, Option<Report>), BurnError> {
        self.start_with(module, Evidence::default())
    }

    /// As [`ModulePruner::start`], for events that need more than the weights.
    ///
    /// # Errors
    ///
    /// As [`ModulePruner::end_epoch`].
    pub fn start_with<M: Module>(
        &mut self,
        module: M,
        evidence: Evidence<'_>,
    ) -> Result<(M, Option<Report>), BurnError> {
        let (module, ended) = self.end(Moment::Epoch(0), module, None, evidence);
        Ok((module, ended?))
    }

    /// Ends an epoch of training: carries out its event, if there is one, on the module and on the optimiser's buffers,
    /// and returns a report. `optimizer` is a `&mut ModuleOptimizer`, or `None` for one of another kind, such as
    /// L-BFGS, which must be made anew after an event.
    ///
    /// # Errors
    ///
    /// [`BurnError::Prune`], as [`Pruner::end_epoch`]; [`BurnError::Tied`], [`BurnError::Reparameterized`],
    /// [`BurnError::MaskInModule`], [`BurnError::NoMaskInModule`], [`BurnError::OtherMask`], [`BurnError::Read`];
    /// [`BurnError::BufferType`]; [`BurnError::Record`] for an optimiser's record that cannot be read back.
    pub fn end_epoch<'o, M: Module>(
        &mut self,
        epoch: u64,
        module: M,
        optimizer: impl Into<Option<&'o mut ModuleOptimizer>>,
    ) -> Result<(M, Option<Report>), BurnError> {
        self.end_epoch_with(epoch, module, optimizer, Evidence::default())
    }

    /// As [`ModulePruner::end_epoch`], for events that need more than the weights: input norms, scores of your own, or
    /// [`Parameters`] of an earlier epoch to rewind to.
    ///
    /// # Errors
    ///
    /// As [`ModulePruner::end_epoch`].
    pub fn end_epoch_with<'o, M: Module>(
        &mut self,
        epoch: u64,
        module: M,
        optimizer: impl Into<Option<&'o mut ModuleOptimizer>>,
        evidence: Evidence<'_>,
    ) -> Result<(M, Option<Report>), BurnError> {
        let (module, ended) = self.end(Moment::Epoch(epoch), module, optimizer.into(), evidence);
        Ok((module, ended?))
    }

    /// Records the gradients of a backward pass that no step follows, such as one before [`ModulePruner::start`].
    ///
    /// # Errors
    ///
    /// As [`Pruner::observe`].
    pub fn observe<M: Module>(&mut self, module: &M, gradients: &GradientsParams) -> Result<(), BurnError> {
        Ok(self.pruner.observe(&ModuleGradients { module, gradients })?)
    }

    /// The module for the forward and backward pass of a step. Under `straight_through` its weights are masked, and its
    /// gradients move the dense weights of `module`, whose parameters have the same ids; otherwise it is a clone.
    ///
    /// # Errors
    ///
    /// As [`Pruner::forward_masks`].
    pub fn forward<M: Module>(&self, module: &M) -> Result<M, BurnError> {
        if !self.pruner.passes_straight_through() {
            return Ok(module.clone());
        }
        let parameters = Parameters::of(module)?;
        let known = self.facts_of(&parameters)?;
        let masks = self.pruner.clone().with_facts(known).forward_masks(&parameters)?;
        Ok(write::hold(module.clone(), &mut ClosedMasks::new(masks)))
    }

    /// Writes `+0.0` outside the masks in force. It is for a step that does not end with [`ModulePruner::after_step`].
    ///
    /// # Errors
    ///
    /// [`BurnError::Core`] if a mask has no parameter of its name and shape; [`BurnError::Reparameterized`].
    pub fn hold<M: Module>(&mut self, module: M) -> Result<M, BurnError> {
        fit::fits(&module, self.pruner.held())?;
        Ok(write::hold(module, &mut self.closed))
    }

    /// Puts the masks in force into a module, if the pruner was built [so](ModulePruner::with_masks_in_module);
    /// otherwise it only holds. Call it before a record that was saved with masks is loaded.
    ///
    /// # Errors
    ///
    /// As [`ModulePruner::hold`].
    pub fn attach<M: Module>(&mut self, module: M) -> Result<M, BurnError> {
        let module = self.hold(module)?;
        self.compared = false;
        Ok(if self.in_module { prune_mask::attach(module, &mut self.closed) } else { module })
    }

    /// Writes `+0.0` outside the masks in force into the optimiser's buffers, through its record. Returns the names of
    /// masked parameters' buffers that have another shape than the parameter, such as Adafactor's sums of rows; these
    /// are left alone. Events do all this by themselves.
    ///
    /// # Errors
    ///
    /// As [`ModulePruner::hold`]; [`BurnError::BufferType`], [`BurnError::Record`].
    ///
    /// # Complexity
    ///
    /// A copy of all buffers.
    pub fn hold_moments<M: Module>(
        &self,
        module: &M,
        optimizer: &mut ModuleOptimizer,
    ) -> Result<Vec<String>, BurnError> {
        let held = moments::held(optimizer, &masks_by_id(module, self.pruner.held())?)?;
        if let Some(held) = held.optimizer {
            *optimizer = held;
        }
        Ok(held.others)
    }

    /// The number of weights outside the masks in force that are not zero. With masks within the module, it counts the
    /// values that forward passes use.
    ///
    /// # Errors
    ///
    /// As [`ModulePruner::hold`]; [`BurnError::Read`].
    pub fn revivals<M: Module>(&self, module: &M) -> Result<usize, BurnError> {
        let parameters = Parameters::some(module, &|name| self.pruner.held().get(name).is_some())?;
        Ok(self.pruner.revivals(&parameters)?)
    }

    /// The number of elements of the optimiser's buffers outside the masks in force that are not zero.
    ///
    /// # Errors
    ///
    /// As [`ModulePruner::hold_moments`].
    pub fn moment_revivals<M: Module>(&self, module: &M, optimizer: &ModuleOptimizer) -> Result<usize, BurnError> {
        moments::revivals(optimizer, &masks_by_id(module, self.pruner.held())?)
    }
}

/// The masks by the ids of their parameters.
fn masks_by_id<'m, M: Module>(module: &M, masks: &'m Masks) -> Result<MasksById<'m>, BurnError> {
    fit::fits(module, masks)?;
    let outline = Parameters::outline(module);
    let masked = |parameter: &Parameter| Some((parameter.id.val(), masks.get(&parameter.name)?));
    Ok(outline.iter().filter_map(masked).collect())
}
