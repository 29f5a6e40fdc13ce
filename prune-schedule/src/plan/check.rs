//! Tests a whole strategy against a model, before any training.
//!
//! The number of alive elements at an event is not known in advance, but it has an upper bound (`bounds.rs`). An event
//! that asks for more than the bound is certain to fail, so it fails here.

use std::collections::BTreeSet;

use super::bounds::Bounds;
use super::defaults::Defaults;
use super::info::{LayerInfo, PlanContext};
use crate::event::{Event, Rule};
use crate::key::Key;
use crate::prune_error::PruneError;
use crate::strategy::Strategy;
use crate::warning::Warning;

impl Strategy {
    /// Tests every event against these layers, without looking at values: names, ranks, axes, patterns, and the amount
    /// that can be alive by then. Returns the warnings.
    ///
    /// # Errors
    ///
    /// As [`Strategy::plan`].
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_schedule::{Defaults, LayerInfo, Strategy};
    ///
    /// let rises: Strategy = "{1: {'method': 'unstr_global', 'density': 0.1},
    ///                         2: {'method': 'unstr_global', 'density': 0.5}}".parse()?;
    /// let error = rises.check(&[LayerInfo::new("fc", &[4, 5])], &Defaults::LIBRARY).map_err(|error| error.to_string());
    /// assert!(error.is_err_and(|error| error.contains("10 elements are asked for")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(&self, layers: &[LayerInfo<'_>], defaults: &Defaults) -> Result<Vec<Warning>, PruneError> {
        check(self, (None, None), PlanContext { layers, couplings: &[], defaults: *defaults })
    }
}

/// Tests the events after the last epoch and the last step that have ended.
pub(crate) fn check(
    strategy: &Strategy,
    (epoch, step): (Option<u64>, Option<u64>),
    known: PlanContext<'_>,
) -> Result<Vec<Warning>, PruneError> {
    let next = step.map_or(1, |step| step.saturating_add(1));
    let by_steps: Vec<(Key, &Event)> =
        strategy.events().filter(|(key, _)| key.in_steps() && key.last().is_none_or(|last| last >= next)).collect();
    let mut bounds = Bounds::now(known);
    // The epoch of a step is not known here. So the layers that step events mask may be masked, and opened, at any
    // epoch.
    for (key, event) in &by_steps {
        if !matches!(event.rule(), Rule::Regrow(_)) {
            let plan = event.outline(*key, known)?;
            bounds.perhaps_masked.extend(plan.selected().iter().map(|layer| layer.name.clone()));
        }
    }
    let steps_open = by_steps.iter().any(|(_, event)| event.reopen().is_some());
    let mut warnings = Vec::new();
    let mut warned = BTreeSet::new();
    let mut before_training = None;
    let next_epoch = epoch.map_or(0, |epoch| epoch.saturating_add(1));
    for (key, event) in spans(strategy, next_epoch) {
        if key != Key::Epoch(0) {
            before_training.get_or_insert_with(|| bounds.clone());
            if steps_open {
                bounds.open();
            }
        }
        let found = bounds.pass(key, next_epoch, event)?;
        // Under `-1` an event comes up in every gap between the others; one warning is enough.
        if warned.insert(key) {
            warnings.extend(found);
        }
    }
    // Step events meet the masks of epochs in an unknown order too. They start from the masks made before training.
    let masked = bounds.masked.clone();
    let mut bounds = before_training.unwrap_or(bounds);
    bounds.perhaps_masked = masked;
    let opens = strategy.events().any(|(_, event)| event.reopen().is_some());
    for (key, event) in by_steps {
        if opens {
            bounds.open();
        }
        warnings.extend(bounds.pass(key, next, event)?);
    }
    Ok(warnings)
}

/// The events from an epoch on, in the order in which they happen. `-1` is listed once in every gap between the others.
fn spans(strategy: &Strategy, mut next: u64) -> Vec<(Key, &Event)> {
    let mut spans = Vec::new();
    let others = strategy.events().find(|(key, _)| *key == Key::OtherEpochs);
    for (key, event) in strategy.events().filter(|(key, _)| !key.in_steps()) {
        let (Some(first), Some(last)) = (key.first(), key.last()) else { continue };
        if last < next {
            continue;
        }
        spans.extend(others.filter(|_| next.max(1) < first));
        spans.push((key, event));
        next = last.saturating_add(1);
    }
    spans.extend(others);
    spans
}
