//! Testing a whole strategy against a model, before any training.
//!
//! What will be alive when an event comes is not known in advance, but bounded (`bounds.rs`). An event that asks for more
//! than the bound is bound to fail, and fails here.

use std::collections::BTreeSet;

use prune_core::Masks;

use super::bounds::Bounds;
use super::error::PruneError;
use super::report::Warning;
use super::selection::{Candidate, Listed, select};
use crate::epoch::Epochs;
use crate::event::{Event, Rule, Target};
use crate::strategy::Strategy;

/// What a pruner has come to.
pub(super) struct Now<'m> {
    pub(super) epoch: Option<u64>,
    pub(super) step: Option<u64>,
    /// What can be chosen.
    pub(super) alive: &'m Masks,
}

/// Tests the events to come.
pub(super) fn check(strategy: &Strategy, now: &Now<'_>, layers: &Listed<'_>) -> Result<Vec<Warning>, PruneError> {
    let next = now.step.map_or(1, |step| step.saturating_add(1));
    let by_steps: Vec<(Epochs, &Event)> = strategy
        .events()
        .filter(|(epochs, _)| epochs.in_steps() && epochs.last().is_none_or(|last| last >= next))
        .collect();
    let mut bounds = Bounds::now(now.alive, layers);
    // When steps come among the epochs is not known here: what they mask may be masked, and opened, at any epoch.
    for (epochs, event) in &by_steps {
        if !matches!(event.rule(), Rule::Regrow(_)) {
            let names = select(*epochs, event, layers)?;
            bounds.perhaps_masked.extend(names.iter().map(|candidate| candidate.name.to_owned()));
        }
    }
    let steps_open = by_steps.iter().any(|(_, event)| event.reopens().is_some());
    let mut warnings = Vec::new();
    let mut warned = BTreeSet::new();
    let mut before_training = None;
    let next_epoch = now.epoch.map_or(0, |epoch| epoch.saturating_add(1));
    for (epochs, event) in spans(strategy, next_epoch) {
        if epochs != Epochs::At(0) {
            before_training.get_or_insert_with(|| bounds.clone());
            if steps_open {
                bounds.open();
            }
        }
        let candidates = select(epochs, event, layers)?;
        // Under `-1` an event comes up in every gap between the others; once is enough.
        if warned.insert(epochs) {
            warnings.extend(candidates.iter().filter_map(|candidate| short_lanes(epochs, candidate)));
        }
        bounds.pass(epochs, next_epoch, event, layers)?;
    }
    // For steps the same holds of epochs: at first there is what was left before training.
    let masked = bounds.masked.clone();
    let mut bounds = before_training.unwrap_or(bounds);
    bounds.perhaps_masked = masked;
    let opens = strategy.events().any(|(_, event)| event.reopens().is_some());
    for (epochs, event) in by_steps {
        warnings.extend(select(epochs, event, layers)?.iter().filter_map(|c| short_lanes(epochs, c)));
        if opens {
            bounds.open();
        }
        bounds.pass(epochs, next, event, layers)?;
    }
    Ok(warnings)
}

/// The events from an epoch on in the order in which they happen; `-1` once in every gap between the others.
fn spans(strategy: &Strategy, mut next: u64) -> Vec<(Epochs, &Event)> {
    let mut spans = Vec::new();
    let others = strategy.events().find(|(epochs, _)| *epochs == Epochs::Others);
    for (epochs, event) in strategy.events().filter(|(epochs, _)| !epochs.in_steps()) {
        let (Some(first), Some(last)) = (epochs.first(), epochs.last()) else { continue };
        if last < next {
            continue;
        }
        spans.extend(others.filter(|_| next.max(1) < first));
        spans.push((epochs, event));
        next = last.saturating_add(1);
    }
    spans.extend(others);
    spans
}

/// Lanes that do not fill a group.
pub(super) fn short_lanes(epoch: Epochs, candidate: &Candidate<'_>) -> Option<Warning> {
    let (Some(Target::Pattern(pattern)), Some(axis)) = (candidate.target, candidate.axis) else { return None };
    let lane = candidate.layer.shape()[axis];
    let layer = || candidate.name.to_owned();
    (lane < pattern.m() && !candidate.layer.is_empty()).then(|| Warning::ShortLanes {
        epoch: epoch.to_string(),
        layer: layer(),
        axis,
        lane,
        pattern,
    })
}
