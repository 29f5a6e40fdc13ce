//! At most how much is alive when an event comes, before anything has trained: by layer, and for the layers that an event
//! ranked together also in total; of elements, and of the blocks or channels that events have ranked.

use std::collections::{BTreeMap, BTreeSet};

use prune_core::{LayerRef, Mask, Masks};

use super::biases;
use super::error::PruneError;
use super::plan::{Amount, Asked, Ranking, is_joint, needed, ranked_things, rankings};
use super::selection::{Candidate, Listed, select};
use crate::epoch::Epochs;
use crate::event::{Event, Rule, Target};
use crate::option::unit::Piece;

/// At most how much is alive.
#[derive(Clone)]
pub(super) struct Bounds {
    elements: Tally,
    /// Blocks and channels, by what they are.
    pieces: Vec<(Piece, Tally)>,
    /// Layers that have a mask.
    pub(super) masked: BTreeSet<String>,
    /// Layers that have one where events come in another order than is known here.
    pub(super) perhaps_masked: BTreeSet<String>,
}

/// At most how many of one kind of thing are alive; what is not named may all be.
#[derive(Clone, Default)]
struct Tally {
    by_layer: BTreeMap<String, usize>,
    /// Layers ranked together, and how many are alive among them.
    together: Vec<(BTreeSet<String>, usize)>,
}

impl Tally {
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

impl Bounds {
    /// What is alive now.
    pub(super) fn now(alive: &Masks, layers: &Listed<'_>) -> Self {
        let of = |(name, layer): (&str, &LayerRef<'_>)| {
            (name.to_owned(), alive.get(name).map_or(layer.len(), Mask::kept_len))
        };
        Bounds {
            elements: Tally { by_layer: layers.iter().map(of).collect(), together: Vec::new() },
            pieces: Vec::new(),
            masked: alive.iter().map(|(name, _)| name.to_owned()).collect(),
            perhaps_masked: BTreeSet::new(),
        }
    }

    /// Everything may be alive again.
    pub(super) fn open(&mut self) {
        self.elements = Tally::default();
        self.pieces.clear();
    }

    /// Tests one event over what is left of its key at `now`, the next epoch or step to end: from what it asks at first to what
    /// it leaves at last.
    pub(super) fn pass(
        &mut self,
        epochs: Epochs,
        now: u64,
        event: &Event,
        layers: &Listed<'_>,
    ) -> Result<(), PruneError> {
        if matches!(event.rule(), Rule::Regrow(_)) {
            let candidates = select(epochs, event, layers)?;
            let masked = |name: &str| self.masked.contains(name) || self.perhaps_masked.contains(name);
            if !candidates.iter().any(|candidate| masked(candidate.name)) {
                return Err(PruneError::NoMask { epoch: epochs, method: event.method().name() });
            }
            // As many elements as before, in as many blocks and channels as may be.
            self.pieces.clear();
            return Ok(());
        }
        let times =
            [event.next_due(epochs, now.max(epochs.first().unwrap_or(0))), epochs.last()].map(|time| time.unwrap_or(0));
        // A density that moves over the range only falls or only rises.
        let times = if event.ramps().is_some() { &times[..] } else { &times[..1] };
        for &time in times {
            let event = event.at_time(epochs, time);
            let candidates = select(epochs, &event, layers)?;
            let rankings = rankings(epochs, &event, &candidates)?;
            if event.reopens().is_none() {
                self.admit(epochs, &event, &candidates, &rankings)?;
            }
            self.follow(&event, &candidates, &rankings);
            if let Some(Piece::Channels { bias: true, .. }) = event.piece() {
                self.follow_biases(epochs, &event, layers, &candidates, &rankings)?;
            }
        }
        Ok(())
    }

    /// The tally of the pieces that an event ranks.
    fn pieces(&self, event: &Event) -> Option<&Tally> {
        let piece = event.piece()?.unranked();
        self.pieces.iter().find(|(known, _)| *known == piece).map(|(_, tally)| tally)
    }

    /// At most how many of what an event ranks are alive in a layer: of pieces no more than there are, and than elements.
    fn most(&self, event: &Event, candidate: &Candidate<'_>) -> usize {
        let elements = self.elements.of(candidate.name);
        match event.piece() {
            None => elements,
            Some(_) => {
                let pieces = self.pieces(event).map_or(usize::MAX, |tally| tally.of(candidate.name));
                elements.min(pieces).min(candidate.ranked_len())
            }
        }
    }

    /// Layers that were ranked together, and at most how many of what the event ranks are alive in them.
    fn together(&self, event: &Event) -> impl Iterator<Item = &(BTreeSet<String>, usize)> {
        self.elements.together.iter().chain(self.pieces(event).into_iter().flat_map(|tally| &tally.together))
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
            let what = ranked_things(event);
            Err(PruneError::TooFewAlive { epoch, layer: layer.map(str::to_owned), what, asked, alive, target })
        };
        if is_joint(event) {
            let asked = rankings.iter().map(|ranking| needed(ranking, candidates)).sum();
            let alive = self.total(event, candidates);
            if asked > alive {
                return refuse(None, asked, alive, target);
            }
            return self.admit_minima(event, candidates, rankings, refuse);
        }
        let each = || {
            rankings
                .iter()
                .filter_map(|ranking| Some((candidates.get(ranking.layers.start)?, needed(ranking, candidates))))
        };
        for (candidate, asked) in each() {
            let alive = self.most(event, candidate);
            if asked > alive {
                return refuse(Some(candidate.name), asked, alive, candidate.target.unwrap_or(target));
            }
        }
        // Where each layer might do, all of them together may not.
        for (names, alive) in self.together(event) {
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

    /// Refuses a least density of a layer that is more than can be alive in it.
    fn admit_minima(
        &self,
        event: &Event,
        candidates: &[Candidate<'_>],
        rankings: &[Ranking],
        refuse: impl Fn(Option<&str>, usize, usize, Target) -> Result<(), PruneError>,
    ) -> Result<(), PruneError> {
        let [Ranking { amount: Amount::Within(_, bounds), .. }] = rankings else { return Ok(()) };
        for (candidate, bound) in candidates.iter().zip(bounds) {
            let alive = self.most(event, candidate);
            if let Some(least) = event.least().and_then(|least| least.of(candidate.name))
                && bound.min > alive
            {
                return refuse(Some(candidate.name), bound.min, alive, Target::Density(least));
            }
        }
        Ok(())
    }

    /// At most how many of what an event ranks are alive in total.
    fn total(&self, event: &Event, candidates: &[Candidate<'_>]) -> usize {
        let sum = |names: &BTreeSet<String>| -> usize {
            let left = candidates.iter().filter(|c| !names.contains(c.name));
            left.map(|c| self.most(event, c)).fold(0, usize::saturating_add)
        };
        let each = sum(&BTreeSet::new());
        self.together(event).map(|(names, total)| total.saturating_add(sum(names))).chain([each]).min().unwrap_or(each)
    }

    /// What is alive after the event.
    fn follow(&mut self, event: &Event, candidates: &[Candidate<'_>], rankings: &[Ranking]) {
        let names: BTreeSet<String> = candidates.iter().map(|c| c.name.to_owned()).collect();
        if event.reopens().is_some() {
            self.elements.together.retain(|(others, _)| others.is_disjoint(&names));
            for name in &names {
                self.elements.by_layer.remove(name);
            }
            self.pieces.clear();
        }
        self.masked.extend(names.iter().cloned());
        let asked = Asked::of(event, rankings, candidates);
        let joint = is_joint(event);
        let total = asked.total.filter(|_| joint);
        for (candidate, each) in candidates.iter().zip(&asked.each) {
            let most = each.or(total).unwrap_or(usize::MAX).min(candidate.layer.len());
            self.elements.lower(candidate.name, most);
        }
        if let Some(total) = total {
            self.elements.lower_together(&names, total);
        }
        if let [Ranking { amount: Amount::Within(_, bounds), .. }] = rankings
            && event.piece().is_none()
        {
            for (candidate, bound) in candidates.iter().zip(bounds) {
                self.elements.lower(candidate.name, bound.max);
            }
        }
        let Some(piece) = event.piece().map(Piece::unranked) else { return };
        let place = self.pieces.iter().position(|(known, _)| *known == piece).unwrap_or_else(|| {
            self.pieces.push((piece, Tally::default()));
            self.pieces.len() - 1
        });
        let tally = &mut self.pieces[place].1;
        for ranking in rankings {
            let layers = &candidates[ranking.layers.clone()];
            let kept = needed(ranking, candidates);
            layers.iter().for_each(|candidate| tally.lower(candidate.name, kept));
            if joint {
                tally.lower_together(&names, kept);
            }
        }
    }

    /// What is alive of the biases that go with the channels of an event.
    fn follow_biases(
        &mut self,
        epoch: Epochs,
        event: &Event,
        layers: &Listed<'_>,
        candidates: &[Candidate<'_>],
        rankings: &[Ranking],
    ) -> Result<(), PruneError> {
        let units = Asked::of(event, rankings, candidates).units;
        for (i, bias) in biases::of(epoch, event, layers, candidates)? {
            self.masked.insert(bias.name.to_owned());
            self.elements.lower(bias.name, units[i].unwrap_or(usize::MAX).min(bias.layer.len()));
        }
        Ok(())
    }
}
