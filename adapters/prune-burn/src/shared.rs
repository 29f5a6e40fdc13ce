//! A pruner that a module carries along, for burn's `Learner`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsParams, ModuleOptimizer, MultiGradientsParams};
use burn::tensor::Tensor;
use prune_schedule::{Evidence, Key, Moment, Report, Warning};

use crate::error::BurnError;
use crate::pruner::ModulePruner;

/// A [`ModulePruner`] for burn's `Learner`, which calls only the module. Clones are handles to the same pruner. One is
/// a field of the module under `#[module(skip)]`, and `TrainStep::optimize` calls its
/// [`optimize`](SharedPruner::optimize). The crate page shows it.
///
/// The `Learner` does not tell its module when an epoch ends. Use a strategy keyed by steps, or give the pruner the
/// number of steps in an epoch.
#[derive(Debug, Clone)]
pub struct SharedPruner(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    pruner: ModulePruner,
    /// The number of steps in an epoch, of which `steps_in_epoch` are done.
    epochs_of: Option<u64>,
    steps_in_epoch: u64,
    reports: Vec<Report>,
    failed: Option<BurnError>,
}

impl SharedPruner {
    /// Shares a pruner.
    pub fn new(pruner: ModulePruner) -> Self {
        let (reports, failed) = (Vec::new(), None);
        SharedPruner(Arc::new(Mutex::new(State { pruner, epochs_of: None, steps_in_epoch: 0, reports, failed })))
    }

    /// Makes an epoch end after this number of steps: the number of batches in the training data, divided by the number
    /// of batches whose gradients are accumulated, rounded up. Training that goes on from a checkpoint starts at the
    /// end of an epoch.
    #[must_use]
    pub fn with_epochs_of(self, steps: u64) -> Self {
        self.state().epochs_of = Some(steps.max(1));
        self
    }

    /// As [`ModulePruner::check`].
    ///
    /// # Errors
    ///
    /// As [`ModulePruner::check`]; [`BurnError::EpochsUntold`] for an event at the end of an epoch if the length of
    /// epochs is not given.
    pub fn check<M: Module>(&self, module: &M) -> Result<Vec<Warning>, BurnError> {
        let state = self.state();
        state.knows_epochs()?;
        state.pruner.check(module)
    }

    /// As [`ModulePruner::start`]; [`finish`](SharedPruner::finish) has the report.
    ///
    /// # Errors
    ///
    /// As [`ModulePruner::start`]; [`BurnError::EpochsUntold`].
    pub fn start<M: Module>(&self, module: M) -> Result<M, BurnError> {
        let mut state = self.state();
        state.knows_epochs()?;
        let (module, report) = state.pruner.start(module)?;
        state.reports.extend(report);
        Ok(module)
    }

    /// As [`ModulePruner::attach`]: puts the masks of a saved pruner in force before the `Learner` loads its
    /// checkpoint.
    ///
    /// # Errors
    ///
    /// As [`ModulePruner::attach`].
    pub fn attach<M: Module>(&self, module: M) -> Result<M, BurnError> {
        self.state().pruner.attach(module)
    }

    /// As [`ModulePruner::forward`], for `TrainStep::step`: the module for the forward pass, whose gradients count
    /// under `straight_through`. After an error, which [`finish`](SharedPruner::finish) returns, it is a clone of the
    /// module.
    pub fn forward<M: Module>(&self, module: &M) -> M {
        let mut state = self.state();
        match state.pruner.forward(module) {
            Ok(module) => module,
            Err(error) => {
                state.failed.get_or_insert(error);
                module.clone()
            }
        }
    }

    /// The work of `TrainStep::optimize`: a step of the optimiser with masks in force, and the events that are due.
    ///
    /// It cannot return an error. After one the module stays as it is, whatever the `Learner` does next, and
    /// [`finish`](SharedPruner::finish) returns the error.
    pub fn optimize<M: Module>(
        &self,
        module: M,
        optimizer: &mut ModuleOptimizer,
        rate: impl Into<ModuleLearningRate>,
        gradients: GradientsParams,
    ) -> M {
        let mut state = self.state();
        if state.failed.is_none()
            && let Err(error) = state.knows_epochs()
        {
            state.failed = Some(error);
        }
        if state.failed.is_some() {
            return module;
        }
        let (module, stepped) = state.pruner.stepped(rate.into(), module, gradients, optimizer);
        if !state.note(stepped) {
            return module;
        }
        state.steps_in_epoch += 1;
        if state.epochs_of != Some(state.steps_in_epoch) {
            return module;
        }
        state.steps_in_epoch = 0;
        let epoch = state.pruner.pruner().last_epoch().map_or(1, |last| last.saturating_add(1));
        let (module, ended) = state.pruner.end(Moment::Epoch(epoch), module, Some(optimizer), Evidence::default());
        state.note(ended);
        module
    }

    /// The same for `TrainStep::optimize_multi`, after adding up the gradients of several devices.
    pub fn optimize_multi<M: Module>(
        &self,
        module: M,
        optimizer: &mut ModuleOptimizer,
        rate: impl Into<ModuleLearningRate>,
        gradients: MultiGradientsParams,
    ) -> M {
        let mut sum = Sum { of: gradients, sum: GradientsParams::new() };
        module.visit(&mut sum);
        self.optimize(module, optimizer, rate, sum.sum)
    }

    /// A copy of the pruner in its present state, for its masks or for saving.
    pub fn pruner(&self) -> ModulePruner {
        self.state().pruner.clone()
    }

    /// The message of the first error so far.
    pub fn failure(&self) -> Option<String> {
        self.state().failed.as_ref().map(ToString::to_string)
    }

    /// The reports of the events since the last call. It also works during training, and after a failure.
    pub fn reports(&self) -> Vec<Report> {
        std::mem::take(&mut self.state().reports)
    }

    /// Ends the training. If every event has happened, returns [`reports`](SharedPruner::reports).
    ///
    /// # Errors
    ///
    /// The first error, after which the module did not change any more; [`BurnError::NotReached`] if training ended
    /// before an event. `reports` then has the events that did happen.
    pub fn finish(&self) -> Result<Vec<Report>, BurnError> {
        let mut state = self.state();
        if let Some(error) = state.failed.take() {
            return Err(error);
        }
        let pending: Vec<String> = state.pruner.pending().into_iter().map(Key::named).collect();
        if !pending.is_empty() {
            let pruner = state.pruner.pruner();
            let epoch = pruner.last_epoch().map(|epoch| format!("epoch {epoch}"));
            let step = pruner.last_step().map(|step| format!("step {step}"));
            let trained: Vec<String> = epoch.into_iter().chain(step).collect();
            let trained = if trained.is_empty() { "nothing".to_owned() } else { trained.join(" and ") };
            return Err(BurnError::NotReached { events: pending.join(", "), trained });
        }
        Ok(std::mem::take(&mut state.reports))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Refuses events at the end of epochs if the length of epochs is not given.
    fn knows_epochs(&self) -> Result<(), BurnError> {
        if self.epochs_of.is_some() {
            return Ok(());
        }
        let others = self.pruner.pruner().strategy().covers_every_epoch().then_some(Key::OtherEpochs);
        let trained = |key: &Key| !key.in_steps() && key.last() != Some(0);
        match self.pruner.pending().into_iter().chain(others).find(trained) {
            Some(key) => Err(BurnError::EpochsUntold { at: key.named() }),
            None => Ok(()),
        }
    }

    /// Keeps the report or the error. Returns true if there has been no error so far.
    fn note(&mut self, ended: Result<Option<Report>, BurnError>) -> bool {
        match ended {
            Ok(report) => self.reports.extend(report),
            Err(error) => self.failed = Some(error),
        }
        self.failed.is_none()
    }
}

/// Gradients of several devices, added up.
struct Sum {
    of: MultiGradientsParams,
    sum: GradientsParams,
}

impl ModuleVisitor for Sum {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some((gradient, _)) = self.of.remove::<D>(param.id) {
            self.sum.register(param.id, gradient.to_device(&param.lazy_device().without_autodiff()));
        }
    }
}
