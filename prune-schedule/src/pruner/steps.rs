//! Events that are counted in steps of the optimiser.

use prune_core::{Layers, LayersMut};

use super::Pruner;
use super::evidence::Evidence;
use super::report::Report;
use crate::event::Rule;
use crate::moment::Moment;
use crate::prune_error::PruneError;

/// The action in a step of training: either the optimiser moves the parameters, or the step's event does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "the optimiser must not move the parameters where an event takes its place"]
pub enum StepAction {
    /// The optimiser's step follows.
    Go,
    /// The step's event replaces the optimiser's step, which is left out: see [`Pruner::replaces_step`].
    Replace,
}

impl Pruner {
    /// Begins a step of training, between its backward pass and the optimiser's step. Records the gradients
    /// ([`Pruner::observe`]) and says whether the optimiser moves the parameters. [`Pruner::after_step`] ends the step
    /// either way. A loop needs only these two calls beside [`Pruner::start`] and [`Pruner::end_epoch`]; the pruner
    /// counts the steps.
    ///
    /// # Errors
    ///
    /// As [`Pruner::observe`].
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{LayerMut, PlainTensor};
    /// use prune_schedule::{Pruner, StepAction};
    ///
    /// let mut weights = PlainTensor::from_logical(&[1, 4], vec![0.9f32, -0.1, 0.3, 0.2])?;
    /// let mut momentum = PlainTensor::from_logical(&[1, 4], vec![0.0f32; 4])?;
    /// let mut gradient = PlainTensor::from_logical(&[1, 4], vec![0.1f32; 4])?;
    /// let mut pruner = Pruner::new("{'2 steps': {'method': 'unstr_unified_local', 'density': 0.5}}".parse()?);
    /// pruner.start(&mut [("fc", LayerMut::of(&mut weights))])?;
    ///
    /// for step in 1..=3 {
    ///     // The backward pass makes the gradient here.
    ///     if pruner.before_step(&[("fc", LayerMut::of(&mut gradient))])? == StepAction::Go {
    ///         for (weight, velocity) in weights.values_mut().iter_mut().zip(momentum.values_mut()) {
    ///             *velocity = 0.9 * *velocity + 0.1;
    ///             *weight -= 0.1 * *velocity;
    ///         }
    ///     }
    ///     let mut model = [("fc", LayerMut::of(&mut weights))];
    ///     let mut buffer = [("fc", LayerMut::of(&mut momentum))];
    ///     let report = pruner.after_step(&mut model, &mut [&mut buffer])?;
    ///     assert_eq!(report.is_some(), step == 2);
    ///     assert_eq!(pruner.revivals(&buffer)?, 0);
    /// }
    /// assert_eq!((weights.values()[1], weights.values()[3]), (0.0, 0.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn before_step(&mut self, gradients: &(impl Layers + ?Sized)) -> Result<StepAction, PruneError> {
        self.observe(gradients)?;
        Ok(if self.replaces_step(self.step_in_training()) { StepAction::Replace } else { StepAction::Go })
    }

    /// Ends a step of training: carries out its event, if there is one, and writes `+0.0` outside the masks in force,
    /// in the parameters and in each set of the optimiser's buffers. Returns the report of the event.
    ///
    /// A buffer set has a layer for each mask, under the layer's name. If an optimiser keeps no buffers for frozen
    /// layers, pass no set and hold it with [`Pruner::hold_present`].
    ///
    /// # Errors
    ///
    /// As [`Pruner::end_step`] and [`Pruner::hold`]. All sets are tested against the masks in force before the event.
    pub fn after_step(
        &mut self,
        parameters: &mut (dyn LayersMut + '_),
        buffers: &mut [&mut (dyn LayersMut + '_)],
    ) -> Result<Option<Report>, PruneError> {
        let step = self.step_in_training();
        // The hold comes before the event, which may open elements that the optimiser has just moved outside the masks.
        let mut sets: Vec<&mut dyn LayersMut> = Vec::with_capacity(1 + buffers.len());
        sets.push(&mut *parameters);
        sets.extend(buffers.iter_mut().map(|set| &mut **set as &mut dyn LayersMut));
        self.hold_each(&mut sets)?;
        let Some(report) = self.end_step(step, parameters)? else { return Ok(None) };
        self.hold_each(buffers)?;
        Ok(Some(report.with_buffers_held()))
    }

    /// The last step that has ended, if the strategy has events in steps.
    pub fn last_step(&self) -> Option<u64> {
        self.steps.last
    }

    /// The number of the step in training: the one after [`Pruner::last_step`], and 1 before any has ended.
    pub fn step_in_training(&self) -> u64 {
        self.steps.next()
    }

    /// True if the event at a step, counted from 1 over the whole training, replaces the optimiser's step. An update of
    /// sparse training does (Evci et al. 2020): the gradient is observed and not descended along. The last update of a
    /// cosine moves nothing, and replaces no step.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_schedule::Pruner;
    ///
    /// let pruner = Pruner::new("{0: {'method': 'unstr_global', 'density': 0.1, 'score': 'random'},
    ///                            '100..=7500 steps': {'method': 'rigl', 'every': 100}}".parse()?);
    /// assert!(pruner.replaces_step(200) && !pruner.replaces_step(201) && !pruner.replaces_step(7500));
    /// # Ok::<(), prune_schedule::StrategyError>(())
    /// ```
    pub fn replaces_step(&self, step: u64) -> bool {
        self.strategy.event_at_step(step).is_some_and(|(key, event)| match event.rule() {
            Rule::Regrow(regrow) => regrow.fraction_at(step, key.last().unwrap_or(step)) > 0.0,
            _ => false,
        })
    }

    /// Ends a step of the optimiser, counted from 1 over the whole training: carries out its event, if there is one,
    /// and returns the report of the event. If the strategy has events in steps, call it after every step; otherwise it
    /// is not needed.
    ///
    /// Elements that an event opens stay open. Hold the optimiser's buffers once more after the event: elements that it
    /// dropped must be zero there, and elements that it opened are zero already.
    ///
    /// # Errors
    ///
    /// [`PruneError::StepBackwards`], [`PruneError::StepSkipped`] and [`PruneError::StepBeforeStart`]; otherwise as
    /// [`Pruner::end_epoch`].
    pub fn end_step(&mut self, step: u64, model: &mut (impl LayersMut + ?Sized)) -> Result<Option<Report>, PruneError> {
        self.end_step_with(step, model, Evidence::default())
    }

    /// As [`Pruner::end_step`], for events that look at more than the weights.
    ///
    /// # Errors
    ///
    /// As [`Pruner::end_step`].
    pub fn end_step_with(
        &mut self,
        step: u64,
        model: &mut (impl LayersMut + ?Sized),
        evidence: Evidence<'_>,
    ) -> Result<Option<Report>, PruneError> {
        if !self.strategy.has_steps() {
            return Ok(None);
        }
        self.end(Moment::Step(step), model, evidence)
    }
}
