//! Checks before anything happens, and the pruner's knowledge about a module and the events to come.

use std::collections::BTreeMap;

use burn::module::Module;
use prune_schedule::{Event, Grow, Key, LayerFacts, Reopen, Rule, Warning};

use super::ModulePruner;
use crate::error::BurnError;
use crate::parameters::{Parameter, Parameters};
use crate::{fit, prune_mask};

impl ModulePruner {
    /// Tests every event to come against a module, before any training. Returns warnings.
    ///
    /// # Errors
    ///
    /// [`BurnError::Prune`], as [`Pruner::check`](prune_schedule::Pruner::check); [`BurnError::MaskInModule`],
    /// [`BurnError::Tied`], [`BurnError::GradientHidden`]; [`BurnError::Read`].
    pub fn check<M: Module>(&self, module: &M) -> Result<Vec<Warning>, BurnError> {
        let parameters = Parameters::of(module)?;
        parameters.untied(|parameter| self.may_mask(parameter))?;
        if self.in_module {
            self.sees_gradients()?;
        } else {
            fit::in_force(module, self.pruner.held(), false)?;
        }
        let known = self.facts_of(&parameters)?;
        Ok(self.pruner.clone().with_facts(known).check(&parameters)?)
    }

    /// Refuses a module that the masks do not fit, or whose masks are not where this pruner keeps them.
    pub(super) fn in_force<M: Module>(&mut self, module: &M) -> Result<(), BurnError> {
        fit::in_force(module, self.pruner.held(), self.in_module)?;
        if self.in_module && !self.compared {
            prune_mask::compare(module, self.pruner.held())?;
            self.compared = true;
        }
        Ok(())
    }

    /// The facts known of the layers of a module.
    pub(super) fn facts_of(&self, parameters: &Parameters) -> Result<BTreeMap<String, LayerFacts>, BurnError> {
        let facts = |parameter: &Parameter| (parameter.name.clone(), parameter.facts.clone());
        let mut known: BTreeMap<String, LayerFacts> = parameters.iter().map(facts).collect();
        for (name, told) in &self.told {
            let Some(facts) = known.get_mut(name) else {
                return Err(fit::unknown(name, known.keys().map(String::as_str)).into());
            };
            *facts = told.clone().or(core::mem::take(facts));
        }
        Ok(known)
    }

    /// True if a parameter has a mask, or an event to come would give it one.
    fn may_mask(&self, parameter: &Parameter) -> bool {
        let name = &parameter.name;
        let told = self.told.get(name).and_then(|told| told.weight).or(parameter.facts.weight);
        let rank = if told.unwrap_or(parameter.shape.len() >= 2) { 2 } else { 0 };
        let strategy = self.pruner.strategy();
        // Sparse training only moves masks that exist.
        let selects = |(key, event): (Key, &Event)| {
            !matches!(event.rule(), Rule::Regrow(_)) && self.is_to_come(key) && event.selects(name, rank)
        };
        self.pruner.held().get(name).is_some() || strategy.events().any(selects)
    }

    /// The events to come, by their keys. An event that has happened in part of its range is among them; `-1` is not.
    pub fn pending(&self) -> Vec<Key> {
        let keys = self.pruner.strategy().events().map(|(key, _)| key);
        keys.filter(|key| key.last().is_some() && self.is_to_come(*key)).collect()
    }

    fn is_to_come(&self, key: Key) -> bool {
        let ended = if key.in_steps() { self.pruner.last_step() } else { self.pruner.last_epoch() };
        // The last moment of a range always has an event.
        key.last().is_none_or(|last| ended.is_none_or(|ended| last > ended))
    }

    /// Refuses a strategy with events that look at gradients of pruned weights.
    pub(super) fn sees_gradients(&self) -> Result<(), BurnError> {
        for (key, event) in self.pruner.strategy().events() {
            let grows = matches!(event.rule(), Rule::Regrow(regrow) if regrow.grow == Grow::Gradient);
            if grows || event.reopen() == Some(Reopen::Gradient) {
                return Err(BurnError::GradientHidden { at: key.to_string(), method: event.method().to_string() });
            }
        }
        Ok(())
    }
}
