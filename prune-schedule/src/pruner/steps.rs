//! Events that are counted in steps of the optimiser.

use prune_core::LayersMut;

use super::error::PruneError;
use super::evidence::Evidence;
use super::report::Report;
use super::{Happening, Pruner};
use crate::epoch::Epochs;
use crate::event::Rule;

impl Pruner {
    /// The last step that has ended, where the strategy has events in steps.
    pub fn last_step(&self) -> Option<u64> {
        self.step
    }

    pub(super) fn next_step(&self) -> u64 {
        self.step.map_or(1, |step| step.saturating_add(1))
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
        if self.epoch.is_none() && self.strategy.event_at(0).is_some() {
            return Err(PruneError::StepBeforeStart { step });
        }
        if let Some(last) = self.step.filter(|&last| step <= last) {
            return Err(PruneError::StepBackwards { step, last });
        }
        if let Some(skipped) = self.strategy.next_event_step_after(self.step).filter(|&skipped| skipped < step) {
            return Err(PruneError::StepSkipped { step, skipped });
        }
        let observed = core::mem::take(&mut self.observed_in_step);
        let report = match self.strategy.event_at_step(step) {
            Some((key, event)) => {
                let happening = Happening {
                    epoch: self.epoch.map_or(1, |epoch| epoch.saturating_add(1)),
                    at: Epochs::Steps { first: step, last: step },
                    key,
                    event: event.at_time(key, step),
                };
                match self.carry_out(&happening, model, evidence, &observed) {
                    Ok(report) => Some(report),
                    Err(error) => {
                        self.observed_in_step = observed;
                        return Err(error);
                    }
                }
            }
            None => None,
        };
        self.step = Some(step);
        Ok(report)
    }
}
