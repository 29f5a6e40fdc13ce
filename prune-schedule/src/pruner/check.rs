//! Testing a whole strategy against a model, before any training.
//!
//! What will be alive when an event comes is not known in advance, but bounded: by layer, and for the layers that a
//! global event ranked together also in total. An event that asks for more than the bound is bound to fail, and fails
//! here.

use std::collections::{BTreeMap, BTreeSet};

use super::error::PruneError;
use super::report::Warning;
use super::selection::{Candidate, Listed, is_global, select, total_len};
use crate::epoch::Epochs;
use crate::event::{Event, Target};
use crate::strategy::Strategy;

/// At most how many elements are alive.
struct Bounds {
    by_layer: BTreeMap<String, usize>,
    /// Layers ranked together, and how many elements they have among them.
    together: Vec<(BTreeSet<String>, usize)>,
}

/// Tests the events after `epoch`; `alive` says how many elements of a layer are alive now.
pub(super) fn check(
    strategy: &Strategy,
    epoch: Option<u64>,
    layers: &Listed<'_>,
    alive: impl Fn(&str, usize) -> usize,
) -> Result<Vec<Warning>, PruneError> {
    let by_layer = layers.iter().map(|(name, layer)| (name.to_owned(), alive(name, layer.len()))).collect();
    let mut bounds = Bounds { by_layer, together: Vec::new() };
    let mut warnings = Vec::new();
    let mut warned = BTreeSet::new();
    for (epochs, event) in spans(strategy, epoch) {
        let candidates = select(epochs, event, layers)?;
        // Under `-1` an event comes up in every gap between the others; once is enough.
        if warned.insert(epochs) {
            warnings.extend(candidates.iter().filter_map(|candidate| short_lanes(epochs, candidate)));
        }
        if event.reopens().is_none() {
            bounds.admit(epochs, event, &candidates)?;
        }
        bounds.follow(event, &candidates);
    }
    Ok(warnings)
}

/// The events to come in the order in which they happen; `-1` once in every gap between the others.
fn spans(strategy: &Strategy, after: Option<u64>) -> Vec<(Epochs, &Event)> {
    let mut spans = Vec::new();
    let mut next = after.map_or(0, |epoch| epoch.saturating_add(1));
    let others = strategy.events().find(|(epochs, _)| *epochs == Epochs::Others);
    for (epochs, event) in strategy.events() {
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
    let (Target::Pattern(pattern), Some(axis)) = (candidate.target, candidate.axis) else { return None };
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

    /// Refuses an event that asks for more than can be alive.
    fn admit(&self, epoch: Epochs, event: &Event, candidates: &[Candidate<'_>]) -> Result<(), PruneError> {
        let Some(first) = candidates.first() else { return Ok(()) };
        let refuse = |layer: Option<&str>, asked, alive, target| {
            Err(PruneError::TooFewAlive { epoch, layer: layer.map(str::to_owned), asked, alive, target })
        };
        if is_global(event) {
            let asked = first.target.density().kept_of(total_len(candidates));
            let alive = self.total(candidates);
            return if asked > alive { refuse(None, asked, alive, first.target) } else { Ok(()) };
        }
        for candidate in candidates {
            let (asked, alive) = (candidate.needed(), self.of(candidate.name));
            if asked > alive {
                return refuse(Some(candidate.name), asked, alive, candidate.target);
            }
        }
        // Where each layer might do, all of them together may not.
        for (names, alive) in &self.together {
            let asked = candidates
                .iter()
                .filter(|c| names.contains(c.name))
                .map(Candidate::needed)
                .fold(0, usize::saturating_add);
            if asked > *alive {
                return refuse(None, asked, *alive, first.target);
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
    fn follow(&mut self, event: &Event, candidates: &[Candidate<'_>]) {
        let reopens = event.reopens().is_some();
        let names: BTreeSet<String> = candidates.iter().map(|c| c.name.to_owned()).collect();
        if reopens {
            self.together.retain(|(others, _)| others.is_disjoint(&names));
        }
        let total = match candidates.first() {
            Some(first) if is_global(event) => {
                let len = total_len(candidates);
                Some(match first.target {
                    Target::Density(density) => density.kept_of(len),
                    Target::Pattern(pattern) => pattern.kept_of_lane(len),
                })
            }
            _ => None,
        };
        for candidate in candidates {
            let most = candidate.asked(total.is_some()).or(total).unwrap_or(usize::MAX).min(candidate.layer.len());
            let before = if reopens { usize::MAX } else { self.of(candidate.name) };
            self.by_layer.insert(candidate.name.to_owned(), most.min(before));
        }
        if let Some(total) = total {
            self.together.retain(|(others, _)| *others != names);
            self.together.push((names, total));
        }
    }
}
