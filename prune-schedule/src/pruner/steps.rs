//! Events that are counted in steps of the optimiser.

use prune_core::LayersMut;

use super::Pruner;
use super::evidence::Evidence;
use super::report::Report;
use crate::event::Rule;
use crate::moment::Moment;
use crate::prune_error::PruneError;

impl Pruner {
    /// The last step that has ended, where the strategy has events in steps.
    pub fn last_step(&self) -> Option<u64> {
        self.steps.last
    }

    /// Whether the event at a step, counted from 1 over the whole training, takes the place of the optimiser's step: an
    /// update of sparse training does (Evci et al. 2020). The gradient is then observed and not descended along. The last of a
    /// cosine's updates moves nothing, and replaces no step.
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

    /// Ends a step of the optimiser, counted from 1 over the whole training: carries out its event, if there is one, and
    /// reports what that did. Needed only where the strategy has events in steps, and then after every step.
    ///
    /// Masks that an event opens are open from then on: hold the optimiser's buffers once more after it, since what it
    /// dropped must be zero there, and what it opened is.
    ///
    /// # Errors
    ///
    /// [`PruneError::StepBackwards`], [`PruneError::StepSkipped`] and [`PruneError::StepBeforeStart`]; otherwise as [`Pruner::end_epoch`].
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
