//! Upper bounds on what is alive when an event happens, before anything has trained: per layer, and in total for layers
//! that an event ranked together; for elements, and for the blocks or channels that events have ranked.

use std::collections::{BTreeMap, BTreeSet};

use super::amount::{Amount, RankedLayers};
use super::info::{Alive, LayerInfo, PlanContext};
use super::{EventPlan, LayerPlan};
use crate::event::{Event, Rule, Target};
use crate::key::Key;
use crate::prune_error::PruneError;
use crate::value::Piece;
use crate::warning::Warning;

/// Upper bounds on what is alive.
#[derive(Clone)]
pub(super) struct Bounds<'a> {
    elements: AliveBounds,
    /// Blocks and channels, by kind of piece.
    pieces: Vec<(Piece, AliveBounds)>,
    /// Layers that certainly have a mask.
    pub(super) masked: BTreeSet<String>,
    /// Layers that may have a mask, if events come in another order than is known here.
    pub(super) perhaps_masked: BTreeSet<String>,
    known: PlanContext<'a>,
}

/// Upper bounds on the number of alive elements, or of alive pieces of one kind. A layer without an entry may be alive
/// as a whole.
#[derive(Clone, Default)]
struct AliveBounds {
    by_layer: BTreeMap<String, usize>,
    /// Sets of layers that were ranked together, and the most that may be alive in each set.
    together: Vec<(BTreeSet<String>, usize)>,
}

impl AliveBounds {
    fn of(&self, name: &str) -> usize {
        self.by_layer.get(name).copied().unwrap_or(usize::MAX)
    }

    fn lower(&mut self, name: &str, most: usize) {
        let before = self.of(name);
        self.by_layer.insert(name.to_owned(), most.min(before));
    }

    fn lower_together(&mut self, names: &BTreeSet<String>, most: usize) {
        let before = self.together.iter().find(|(others, _)| others == names).map_or(usize::MAX, |(_, total)| *total);
        self.together.retain(|(others, _)| others != names);
        self.together.push((names.clone(), most.min(before)));
    }
}

impl<'a> Bounds<'a> {
    /// The bounds now.
    pub(super) fn now(known: PlanContext<'a>) -> Self {
        let masked = known.layers.iter().filter(|info| !matches!(info.alive, Alive::All));
        let alive = |info: &LayerInfo<'_>| (info.name.to_owned(), info.alive.elements(info.len()));
        Bounds {
            elements: AliveBounds { by_layer: known.layers.iter().map(alive).collect(), together: Vec::new() },
            pieces: Vec::new(),
            masked: masked.map(|info| info.name.to_owned()).collect(),
            perhaps_masked: BTreeSet::new(),
            known,
        }
    }

    /// Resets the bounds: everything may be alive again.
    pub(super) fn open(&mut self) {
        self.elements = AliveBounds::default();
        self.pieces.clear();
    }

    /// Tests one event over the rest of its key. `now` is the next epoch or step to end. The first and the last density
    /// that the event asks for are tested. Returns the warnings.
    pub(super) fn pass(&mut self, key: Key, now: u64, event: &Event) -> Result<Vec<Warning>, PruneError> {
        if matches!(event.rule(), Rule::Regrow(_)) {
            let plan = event.outline(key, self.known)?;
            let masked = |name: &str| self.masked.contains(name) || self.perhaps_masked.contains(name);
            if !plan.layers.iter().any(|layer| masked(&layer.name)) {
                return Err(PruneError::NoMask { at: key, method: event.method().name() });
            }
            // The layers keep as many elements as before, but these may lie in any blocks and channels.
            self.pieces.clear();
            return Ok(plan.warnings);
        }
        let times = [event.next_due(key, now.max(key.first().unwrap_or(0))), key.last()].map(|time| time.unwrap_or(0));
        // A density that moves over the range only falls or only rises, so its ends are enough.
        let times = if event.ramp().is_some() { &times[..] } else { &times[..1] };
        let mut warnings = Vec::new();
        for &time in times {
            let plan = event.at_time(key, time).outline(key, self.known)?;
            if event.reopen().is_none() {
                self.admit(&plan)?;
            }
            self.follow(&plan);
            warnings = plan.warnings;
        }
        Ok(warnings)
    }

    /// The tally of the pieces that an event ranks.
    fn pieces(&self, event: &Event) -> Option<&AliveBounds> {
        let piece = event.piece()?.unranked();
        self.pieces.iter().find(|(known, _)| *known == piece).map(|(_, tally)| tally)
    }

    /// The most that can be alive in a layer of what the event ranks. Pieces are at most as many as the layer has, and
    /// as its alive elements.
    fn most(&self, event: &Event, layer: &LayerPlan) -> usize {
        let elements = self.elements.of(&layer.name);
        match event.piece() {
            None => elements,
            Some(_) => {
                let pieces = self.pieces(event).map_or(usize::MAX, |tally| tally.of(&layer.name));
                elements.min(pieces).min(layer.units)
            }
        }
    }

    /// Sets of layers that were ranked together, with the most that can be alive in each.
    fn together(&self, event: &Event) -> impl Iterator<Item = &(BTreeSet<String>, usize)> {
        self.elements.together.iter().chain(self.pieces(event).into_iter().flat_map(|tally| &tally.together))
    }

    /// Refuses an event that asks for more than can be alive.
    fn admit(&self, plan: &EventPlan) -> Result<(), PruneError> {
        let event = &plan.event;
        let Some(target) = plan.layers.first().and_then(|first| first.target) else { return Ok(()) };
        if plan.is_joint() {
            let asked = plan.rankings.iter().map(|ranking| plan.needed(ranking)).sum();
            let alive = self.total(plan);
            if asked > alive {
                return Err(plan.too_few(None, (asked, alive), target));
            }
            return self.admit_minima(plan);
        }
        let each =
            || plan.rankings.iter().filter_map(|ranking| Some((plan.ranked(ranking).first()?, plan.needed(ranking))));
        for (layer, asked) in each() {
            let alive = self.most(event, layer);
            if asked > alive {
                return Err(plan.too_few(Some(&layer.name), (asked, alive), layer.target.unwrap_or(target)));
            }
        }
        // Each layer may have enough alive while all of them together do not.
        for (names, alive) in self.together(event) {
            let asked = each()
                .filter(|(layer, _)| names.contains(&layer.name))
                .map(|(_, asked)| asked)
                .fold(0, usize::saturating_add);
            if asked > *alive {
                return Err(plan.too_few(None, (asked, *alive), target));
            }
        }
        Ok(())
    }

    /// Refuses a least density of a layer if less than that can be alive in the layer.
    fn admit_minima(&self, plan: &EventPlan) -> Result<(), PruneError> {
        let [RankedLayers { amount: Amount::Within(_, bounds), .. }] = &plan.rankings[..] else { return Ok(()) };
        for (layer, bound) in plan.selected().iter().zip(bounds) {
            let alive = self.most(&plan.event, layer);
            if let Some(least) = plan.event.min_density().and_then(|least| least.of(&layer.name))
                && bound.min > alive
            {
                return Err(plan.too_few(Some(&layer.name), (bound.min, alive), Target::Density(least)));
            }
        }
        Ok(())
    }

    /// The most that can be alive in total of what the event ranks.
    fn total(&self, plan: &EventPlan) -> usize {
        let sum = |names: &BTreeSet<String>| -> usize {
            let left = plan.selected().iter().filter(|layer| !names.contains(&layer.name));
            left.map(|layer| self.most(&plan.event, layer)).fold(0, usize::saturating_add)
        };
        let each = sum(&BTreeSet::new());
        let together = self.together(&plan.event);
        together.map(|(names, total)| total.saturating_add(sum(names))).chain([each]).min().unwrap_or(each)
    }

    /// Lowers the bounds by what the event keeps, also for the biases that follow.
    fn follow(&mut self, plan: &EventPlan) {
        let (event, selected) = (&plan.event, plan.selected());
        let names: BTreeSet<String> = selected.iter().map(|layer| layer.name.clone()).collect();
        if event.reopen().is_some() {
            self.elements.together.retain(|(others, _)| others.is_disjoint(&names));
            for name in &names {
                self.elements.by_layer.remove(name);
            }
            self.pieces.clear();
        }
        self.masked.extend(plan.layers.iter().map(|layer| layer.name.clone()));
        let joint = plan.is_joint();
        let total = plan.rankings.first().filter(|_| joint).and_then(|ranking| plan.elements_asked(ranking));
        for layer in &plan.layers {
            let asked = layer.asked.or(total.filter(|_| layer.follows.is_none()));
            self.elements.lower(&layer.name, asked.unwrap_or(usize::MAX).min(layer.len()));
        }
        if let Some(total) = total {
            self.elements.lower_together(&names, total);
        }
        if let [RankedLayers { amount: Amount::Within(_, bounds), .. }] = &plan.rankings[..]
            && event.piece().is_none()
        {
            for (layer, bound) in selected.iter().zip(bounds) {
                self.elements.lower(&layer.name, bound.max);
            }
        }
        let Some(piece) = event.piece().map(Piece::unranked) else { return };
        let place = self.pieces.iter().position(|(known, _)| *known == piece).unwrap_or_else(|| {
            self.pieces.push((piece, AliveBounds::default()));
            self.pieces.len() - 1
        });
        let tally = &mut self.pieces[place].1;
        for ranking in &plan.rankings {
            let kept = plan.needed(ranking);
            plan.ranked(ranking).iter().for_each(|layer| tally.lower(&layer.name, kept));
            if joint {
                tally.lower_together(&names, kept);
            }
        }
    }
}
