//! Testing a whole strategy against a model, before any training.
//!
//! What will be alive when an event comes is not known in advance, but bounded: by layer, and for the layers that a
//! global event ranked together also in total. An event that asks for more than the bound is bound to fail, and fails
//! here.

use std::collections::{BTreeMap, BTreeSet};

use prune_core::{LayerRef, Mask, Masks};

use super::error::PruneError;
use super::plan::{Asked, Ranking, is_joint, needed, rankings};
use super::report::Warning;
use super::selection::{Candidate, Listed, select};
use crate::epoch::Epochs;
use crate::event::{Event, Rule, Target};
use crate::strategy::Strategy;

/// At most how many elements are alive.
#[derive(Clone)]
struct Bounds {
    by_layer: BTreeMap<String, usize>,
    /// Layers that have a mask.
    masked: BTreeSet<String>,
    /// Layers ranked together, and how many elements they have among them.
    together: Vec<(BTreeSet<String>, usize)>,
}

/// What a pruner has come to.
pub(super) struct Now<'m> {
    pub(super) epoch: Option<u64>,
    pub(super) step: Option<u64>,
    /// What can be chosen.
    pub(super) alive: &'m Masks,
}

/// Tests the events to come.
pub(super) fn check(strategy: &Strategy, now: &Now<'_>, layers: &Listed<'_>) -> Result<Vec<Warning>, PruneError> {
    let alive = |(name, layer): (&str, &LayerRef<'_>)| {
        (name.to_owned(), now.alive.get(name).map_or(layer.len(), Mask::kept_len))
    };
    let masked = now.alive.iter().map(|(name, _)| name.to_owned()).collect();
    let mut bounds = Bounds { by_layer: layers.iter().map(alive).collect(), together: Vec::new(), masked };
    let mut warnings = Vec::new();
    let mut warned = BTreeSet::new();
    let mut before_training = None;
    for (epochs, event) in spans(strategy, now.epoch) {
        if epochs != Epochs::At(0) {
            before_training.get_or_insert_with(|| bounds.clone());
        }
        let candidates = select(epochs, event, layers)?;
        // Under `-1` an event comes up in every gap between the others; once is enough.
        if warned.insert(epochs) {
            warnings.extend(candidates.iter().filter_map(|candidate| short_lanes(epochs, candidate)));
        }
        bounds.pass(epochs, event, layers, now.epoch.map_or(0, |epoch| epoch.saturating_add(1)))?;
    }
    // When steps come among the epochs is not known here: at first there is what was left before training, and from there on
    // what other steps leave.
    let mut bounds = before_training.unwrap_or(bounds);
    let opens = strategy.events().any(|(_, event)| event.reopens().is_some());
    let next = now.step.map_or(1, |step| step.saturating_add(1));
    for (epochs, event) in strategy.events().filter(|(epochs, _)| epochs.in_steps()) {
        if epochs.last().is_none_or(|last| last >= next) {
            warnings.extend(select(epochs, event, layers)?.iter().filter_map(|c| short_lanes(epochs, c)));
            if opens {
                bounds.open();
            }
            bounds.pass(epochs, event, layers, next)?;
        }
    }
    Ok(warnings)
}

/// The events to come in the order in which they happen; `-1` once in every gap between the others.
fn spans(strategy: &Strategy, after: Option<u64>) -> Vec<(Epochs, &Event)> {
    let mut spans = Vec::new();
    let mut next = after.map_or(0, |epoch| epoch.saturating_add(1));
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

impl Bounds {
    fn of(&self, name: &str) -> usize {
        self.by_layer.get(name).copied().unwrap_or(usize::MAX)
    }

    /// Everything may be alive again.
    fn open(&mut self) {
        self.by_layer.values_mut().for_each(|alive| *alive = usize::MAX);
        self.together.clear();
    }

    /// Tests one event over what is left of its key from the time `from`: from what it asks next to what it leaves at last.
    fn pass(&mut self, epochs: Epochs, event: &Event, layers: &Listed<'_>, from: u64) -> Result<(), PruneError> {
        if matches!(event.rule(), Rule::Regrow(_)) {
            let candidates = select(epochs, event, layers)?;
            let masked = candidates.iter().any(|candidate| self.masked.contains(candidate.name));
            let method = event.method().name();
            return if masked { Ok(()) } else { Err(PruneError::NoMask { epoch: epochs, method }) };
        }
        let first = event.at_time(epochs, event.next_due(epochs, from).unwrap_or(from));
        let candidates = select(epochs, &first, layers)?;
        let asked = rankings(epochs, &first, &candidates)?;
        if event.reopens().is_none() {
            self.admit(epochs, &first, &candidates, &asked)?;
        }
        let last = event.at_time(epochs, epochs.last().unwrap_or(0));
        let candidates = select(epochs, &last, layers)?;
        let left = rankings(epochs, &last, &candidates)?;
        self.follow(&last, &candidates, &left);
        Ok(())
    }

    /// Refuses an event that asks for more than can be alive.
    fn admit(
        &self,
        epoch: Epochs,
        event: &Event,
        candidates: &[Candidate<'_>],
        rankings: &[Ranking],
    ) -> Result<(), PruneError> {
        let Some(target) = candidates.first().and_then(|first| first.target) else { return Ok(()) };
        let refuse = |layer: Option<&str>, asked, alive, target| {
            Err(PruneError::TooFewAlive { epoch, layer: layer.map(str::to_owned), asked, alive, target })
        };
        if is_joint(event) {
            let asked = rankings.iter().map(|ranking| needed(ranking, candidates)).sum();
            let alive = self.total(candidates);
            return if asked > alive { refuse(None, asked, alive, target) } else { Ok(()) };
        }
        let each = || {
            rankings
                .iter()
                .filter_map(|ranking| Some((candidates.get(ranking.layers.start)?, needed(ranking, candidates))))
        };
        for (candidate, asked) in each() {
            let alive = self.of(candidate.name);
            if asked > alive {
                return refuse(Some(candidate.name), asked, alive, candidate.target.unwrap_or(target));
            }
        }
        // Where each layer might do, all of them together may not.
        for (names, alive) in &self.together {
            let asked = each()
                .filter(|(candidate, _)| names.contains(candidate.name))
                .map(|(_, asked)| asked)
                .fold(0, usize::saturating_add);
            if asked > *alive {
                return refuse(None, asked, *alive, target);
            }
        }
        Ok(())
    }

    /// At most how many elements of these layers are alive in total.
    fn total(&self, candidates: &[Candidate<'_>]) -> usize {
        let sum = |names: &BTreeSet<String>| -> usize {
            let left = candidates.iter().filter(|c| !names.contains(c.name));
            left.map(|c| self.of(c.name)).fold(0, usize::saturating_add)
        };
        let each = sum(&BTreeSet::new());
        self.together.iter().map(|(names, total)| total.saturating_add(sum(names))).chain([each]).min().unwrap_or(each)
    }

    /// What is alive after the event.
    fn follow(&mut self, event: &Event, candidates: &[Candidate<'_>], rankings: &[Ranking]) {
        let reopens = event.reopens().is_some();
        let names: BTreeSet<String> = candidates.iter().map(|c| c.name.to_owned()).collect();
        if reopens {
            self.together.retain(|(others, _)| others.is_disjoint(&names));
        }
        let asked = Asked::of(event, rankings, candidates);
        let total = asked.total.filter(|_| is_joint(event));
        for (candidate, each) in candidates.iter().zip(&asked.each) {
            let most = each.or(total).unwrap_or(usize::MAX).min(candidate.layer.len());
            let before = if reopens { usize::MAX } else { self.of(candidate.name) };
            self.by_layer.insert(candidate.name.to_owned(), most.min(before));
            self.masked.insert(candidate.name.to_owned());
        }
        if let Some(total) = total {
            self.together.retain(|(others, _)| *others != names);
            self.together.push((names, total));
        }
    }
}
