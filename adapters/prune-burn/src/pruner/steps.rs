//! The work before and after a step of the optimiser.

use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use prune_schedule::{Evidence, Moment, Report, StepAction};

use super::ModulePruner;
use crate::error::BurnError;
use crate::gradients::ModuleGradients;
use crate::write;

impl ModulePruner {
    /// One step of training: [`before_step`](ModulePruner::before_step), the optimiser's step unless an event replaces
    /// it, and [`after_step`](ModulePruner::after_step).
    ///
    /// # Errors
    ///
    /// As [`ModulePruner::before_step`] and [`ModulePruner::after_step`].
    pub fn step<M: Module>(
        &mut self,
        rate: impl Into<ModuleLearningRate>,
        module: M,
        gradients: GradientsParams,
        optimizer: &mut ModuleOptimizer,
    ) -> Result<(M, Option<Report>), BurnError> {
        let (module, stepped) = self.stepped(rate.into(), module, gradients, optimizer);
        Ok((module, stepped?))
    }

    /// The same, but it also gives the module back after an error, in the state that it reached.
    pub(crate) fn stepped<M: Module>(
        &mut self,
        rate: ModuleLearningRate,
        module: M,
        gradients: GradientsParams,
        optimizer: &mut ModuleOptimizer,
    ) -> (M, Result<Option<Report>, BurnError>) {
        let (gradients, action) = match self.before_step(&module, gradients) {
            Ok(begun) => begun,
            Err(error) => return (module, Err(error)),
        };
        let module = match action {
            StepAction::Go => optimizer.step(rate, module, gradients),
            StepAction::Replace => module,
        };
        self.after(module, Some(optimizer))
    }

    /// Begins a step, between the backward pass and the optimiser's step. Records the gradients if an event needs them,
    /// writes `+0.0` into those of pruned weights, and says if the optimiser is to move the parameters.
    ///
    /// # Errors
    ///
    /// As [`Pruner::observe`](prune_schedule::Pruner::observe) and [`ModulePruner::hold`].
    pub fn before_step<M: Module>(
        &mut self,
        module: &M,
        mut gradients: GradientsParams,
    ) -> Result<(GradientsParams, StepAction), BurnError> {
        self.in_force(module)?;
        self.pruner.observe(&ModuleGradients { module, gradients: &gradients })?;
        if self.pruner.replaces_step(self.pruner.step_in_training()) {
            return Ok((gradients, StepAction::Replace));
        }
        if !self.in_module {
            write::hold_gradients(module, &mut gradients, &mut self.closed);
        }
        Ok((gradients, StepAction::Go))
    }

    /// Ends a step: writes `+0.0` outside the masks in force and carries out the event of the step, if there is one, on
    /// the module and on the optimiser's buffers, if given. The pruner counts the steps.
    ///
    /// # Errors
    ///
    /// As [`ModulePruner::end_epoch`].
    pub fn after_step<'o, M: Module>(
        &mut self,
        module: M,
        optimizer: impl Into<Option<&'o mut ModuleOptimizer>>,
    ) -> Result<(M, Option<Report>), BurnError> {
        let (module, ended) = self.after(module, optimizer.into());
        Ok((module, ended?))
    }

    fn after<M: Module>(
        &mut self,
        module: M,
        optimizer: Option<&mut ModuleOptimizer>,
    ) -> (M, Result<Option<Report>, BurnError>) {
        if let Err(error) = self.in_force(&module) {
            return (module, Err(error));
        }
        let module = if self.in_module { module } else { write::hold(module, &mut self.closed) };
        if !self.pruner.strategy().has_steps() {
            return (module, Ok(None));
        }
        self.end(Moment::Step(self.pruner.step_in_training()), module, optimizer, Evidence::default())
    }
}
