//! Saves a pruner and resumes from it, bit for bit.

use prune_core::Masks;
use serde::{Deserialize, Deserializer, Serialize};

use super::Pruner;
use super::clock::{Clock, Token};
use super::evidence::ObservedGradients;
use crate::moment::Moment;
use crate::plan::{Defaults, FactsByLayer};
use crate::prune_error::PruneError;
use crate::strategy::Strategy;

/// The version of [`PrunerState`] that this code writes and reads.
const VERSION: u32 = 1;

fn known_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        VERSION => Ok(VERSION),
        found => Err(serde::de::Error::custom(format_args!(
            "it has version {found}, this version of prune reads version {VERSION}"
        ))),
    }
}

/// The whole state of a pruner: strategy, masks, and progress. Save it beside the weights and the optimiser's buffers;
/// a run resumed from it continues bit for bit.
///
/// Any serde format can hold it; masks are packed. [`Pruner::to_json`] and [`Pruner::from_json`] are the short way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrunerState {
    /// The version comes first, so that a state of another version is refused for its version and not for its fields.
    #[serde(deserialize_with = "known_version")]
    version: u32,
    strategy: Strategy,
    /// The last epoch that has ended.
    epoch: Option<u64>,
    /// The last step that has ended, if the strategy counts events in steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<u64>,
    masks: Masks,
    /// The held masks while masks float; `None` while none does.
    held: Option<Masks>,
    #[serde(default, skip_serializing_if = "ObservedGradients::is_empty")]
    observed: ObservedGradients,
    #[serde(default, skip_serializing_if = "ObservedGradients::is_empty")]
    observed_in_step: ObservedGradients,
}

impl Pruner {
    /// The whole state of this pruner, to be saved.
    pub fn state(&self) -> PrunerState {
        PrunerState {
            version: VERSION,
            strategy: self.strategy.clone(),
            epoch: self.epochs.last,
            step: self.steps.last,
            masks: self.masks.clone(),
            held: self.floats_over.clone(),
            observed: self.epochs.observed.clone(),
            observed_in_step: self.steps.observed.clone(),
        }
    }

    /// The pruner that was saved.
    ///
    /// # Errors
    ///
    /// [`PruneError::StateContradiction`]. A mask that does not fit the model is found later: by [`Pruner::check`],
    /// [`Pruner::hold`] and each event.
    pub fn from_state(state: PrunerState) -> Result<Self, PruneError> {
        let PrunerState { version: _, strategy, epoch, step, masks, held, observed, observed_in_step } = state;
        let contradiction = |why: String| Err(PruneError::StateContradiction { why });
        let floats = epoch.is_some_and(|epoch| {
            strategy.covering(Moment::Epoch(epoch)).is_some_and(|(key, _)| strategy.floats_on(epoch, key))
        });
        if held.is_some() && !floats {
            return contradiction("a mask floats, but the strategy has no floating mask after its epoch".to_owned());
        }
        if held.is_none() && floats {
            return contradiction("the strategy has a floating mask after its epoch, but none floats".to_owned());
        }
        for (layer, mask) in held.iter().flat_map(Masks::iter) {
            match masks.get(layer) {
                Some(made) if made.is_subset(mask).is_ok_and(|subset| subset) => {}
                _ => return contradiction(format!("the masks of layer `{layer}` do not lie within what is held")),
            }
        }
        if !observed.is_sound() || !observed_in_step.is_sound() {
            return contradiction("observed gradients do not have the shapes that they claim".to_owned());
        }
        if step.is_some() && !strategy.has_steps() {
            return contradiction("steps have ended, but the strategy has no events in steps".to_owned());
        }
        let epochs = Clock { last: epoch, observed };
        let steps = Clock { last: step, observed: observed_in_step };
        Ok(Pruner {
            strategy,
            epochs,
            steps,
            masks,
            floats_over: held,
            couplings: Vec::new(),
            facts: FactsByLayer::new(),
            defaults: Defaults::LIBRARY,
            token: Token::default(),
        })
    }

    /// The state as JSON.
    ///
    /// # Panics
    ///
    /// Never: keys are strings, numbers are integers, and writing to a string cannot fail.
    pub fn to_json(&self) -> String {
        #[expect(clippy::unwrap_used, reason = "an empty text in place of a state would be worse than a stop")]
        serde_json::to_string(&self.state()).unwrap()
    }

    /// The pruner that was saved as JSON.
    ///
    /// # Errors
    ///
    /// [`PruneError::StateUnreadable`], also for another version, and as [`Pruner::from_state`].
    pub fn from_json(text: &str) -> Result<Self, PruneError> {
        let state = serde_json::from_str(text).map_err(|source| PruneError::StateUnreadable { source })?;
        Self::from_state(state)
    }
}
