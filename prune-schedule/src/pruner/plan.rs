//! What an event asks: its rankings, and how much each keeps.

use core::ops::Range;

use prune_core::{Density, Error, ErrorKind, Masks, NmPattern, Quota};

use super::error::PruneError;
use super::selection::{Candidate, total_len};
use crate::epoch::Epochs;
use crate::event::{Event, Rule, Scope, Target};
use crate::option::ranking::Ranking as Within;
use crate::option::unit::Piece;

/// Layers ranked together, or one by itself, and how much of them is kept.
pub(super) struct Ranking {
    /// Of the candidates.
    pub(super) layers: Range<usize>,
    pub(super) amount: Amount,
}

/// How much a ranking keeps.
pub(super) enum Amount {
    /// So many elements.
    Kept(usize),
    /// So many elements of all layers together, at least and at most so many of each.
    Within(usize, Vec<prune_core::Bound>),
    /// A share of each index along the layer's axis.
    EachOutput(Density),
    /// N of every M: along the layer's axis, or over all layers one after the other.
    Pattern(NmPattern),
}

/// Whether an event ranks its layers together.
pub(super) fn is_joint(event: &Event) -> bool {
    match event.rule() {
        Rule::Unstructured(Scope::Global(_)) => event.distributed().shares().is_none(),
        Rule::NOfM { scope: Scope::Global(_), .. } | Rule::Pieces { scope: Scope::Global(_), .. } => true,
        _ => false,
    }
}

/// What an event counts, in a word.
pub(super) fn ranked_things(event: &Event) -> &'static str {
    match event.piece() {
        None => "elements",
        Some(Piece::Blocks(_)) => "blocks",
        Some(Piece::Channels { .. }) => "channels",
    }
}

/// The rankings of an event that keeps densities or patterns.
pub(super) fn rankings(epoch: Epochs, event: &Event, candidates: &[Candidate<'_>]) -> Result<Vec<Ranking>, PruneError> {
    let all = 0..candidates.len();
    let refused = |source: Error| PruneError::Event { epoch, source };
    if let (Rule::Unstructured(Scope::Global(density)), Some(shares)) = (event.rule(), event.distributed().shares()) {
        // Of equal claims the smaller name has the first, in whatever order the model lists its layers.
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        order.sort_by_key(|&i| candidates[i].name);
        let quotas: Vec<Quota<'_>> = order.iter().map(|&i| quota(event, &candidates[i])).collect();
        let counts = shares.counts(*density, &quotas).map_err(refused)?;
        let mut each: Vec<(usize, usize)> = order.into_iter().zip(counts).collect();
        each.sort_unstable();
        let each = each.into_iter();
        return Ok(each.map(|(i, kept)| Ranking { layers: i..i + 1, amount: Amount::Kept(kept) }).collect());
    }
    if is_joint(event) {
        let amount = match candidates.first().and_then(|first| first.target) {
            Some(Target::Density(density)) => {
                let kept = density.kept_of(total_len(candidates));
                if event.least().is_none() && event.most().is_none() {
                    Amount::Kept(kept)
                } else {
                    Amount::Within(kept, bounds(event, candidates, kept).map_err(refused)?)
                }
            }
            Some(Target::Pattern(pattern)) => Amount::Pattern(pattern),
            None => return Ok(Vec::new()),
        };
        return Ok(vec![Ranking { layers: all, amount }]);
    }
    let outputs = matches!(event.ranked_within(), Within::Output(_));
    let each = candidates.iter().enumerate().filter_map(|(i, candidate)| {
        let amount = match candidate.target? {
            Target::Density(density) if outputs => Amount::EachOutput(density),
            Target::Density(density) => Amount::Kept(density.kept_of(candidate.ranked_len())),
            Target::Pattern(pattern) => Amount::Pattern(pattern),
        };
        Some(Ranking { layers: i..i + 1, amount })
    });
    Ok(each.collect())
}

fn quota<'c>(event: &Event, candidate: &'c Candidate<'_>) -> Quota<'c> {
    Quota {
        min: event.least().and_then(|bound| bound.of(candidate.name)),
        max: event.most().and_then(|bound| bound.of(candidate.name)),
        ..Quota::new(candidate.name, candidate.layer.shape())
    }
}

/// How few and how many each layer may keep of `kept` in all; refuses what cannot be met whatever is alive.
fn bounds(event: &Event, candidates: &[Candidate<'_>], kept: usize) -> Result<Vec<prune_core::Bound>, Error> {
    let bound = |candidate: &Candidate<'_>| {
        let len = candidate.ranked_len();
        let of = |bound: Option<&crate::option::distribution::Bound>| {
            bound.and_then(|bound| bound.of(candidate.name)).map(|density| density.kept_of(len))
        };
        prune_core::Bound { min: of(event.least()).unwrap_or(0), max: of(event.most()).unwrap_or(len) }
    };
    let bounds: Vec<prune_core::Bound> = candidates.iter().map(bound).collect();
    let crossed = candidates.iter().zip(&bounds).find(|(_, bound)| bound.min > bound.max);
    if let Some((candidate, &prune_core::Bound { min, max })) = crossed {
        return Err(ErrorKind::BoundsCross { min, max }.in_layer(candidate.name));
    }
    let sum = |of: fn(&prune_core::Bound) -> usize| bounds.iter().map(of).fold(0, usize::saturating_add);
    match (sum(|bound| bound.min), sum(|bound| bound.max)) {
        (least, _) if kept < least => Err(ErrorKind::BudgetTooSmall { asked: kept, least }.into()),
        (_, most) if kept > most => Err(ErrorKind::BudgetTooLarge { asked: kept, most }.into()),
        _ => Ok(bounds),
    }
}

/// How many elements an event asks for: in each layer, where it asks of each, and in all of them. None where it asks for
/// units that are not all of one size, or not all alive.
pub(super) struct Asked {
    pub(super) each: Vec<Option<usize>>,
    pub(super) total: Option<usize>,
    /// In units, where there are some.
    pub(super) units: Vec<Option<usize>>,
}

impl Asked {
    pub(super) fn of(event: &Event, rankings: &[Ranking], candidates: &[Candidate<'_>]) -> Self {
        let none = vec![None; candidates.len()];
        let mut asked = Asked { each: none.clone(), total: Some(0), units: none };
        for ranking in rankings {
            let layers = &candidates[ranking.layers.clone()];
            let (each, total) = match (&ranking.amount, layers) {
                (Amount::Within(kept, _), _) => (None, *kept),
                (Amount::Kept(kept), [_]) => (Some(*kept), *kept),
                (Amount::Kept(kept), _) => (None, *kept),
                (Amount::EachOutput(density), [one]) => {
                    let kept = of_each_output(*density, one);
                    (Some(kept), kept)
                }
                (Amount::Pattern(pattern), [one]) if one.axis.is_some() => {
                    let kept = of_groups(*pattern, one);
                    (Some(kept), kept)
                }
                (Amount::Pattern(pattern), layers) => (None, pattern.kept_of_lane(total_len(layers))),
                (Amount::EachOutput(_), _) => (None, 0),
            };
            let in_elements = |count: usize| match layers {
                [one] => one.elements_of(count),
                layers if layers.iter().all(|layer| layer.units.is_none()) => Some(count),
                _ => None,
            };
            let single = each.filter(|_| !is_joint(event));
            if let Some(place) = asked.units.get_mut(ranking.layers.start)
                && layers.iter().all(|layer| layer.units.is_some())
            {
                *place = single;
            }
            // Asked of all layers together, it is asked of none, even of the only one.
            if let (false, Some(place)) = (is_joint(event), asked.each.get_mut(ranking.layers.start)) {
                *place = each.and_then(in_elements);
            }
            asked.total = asked.total.zip(in_elements(total)).map(|(sum, count)| sum.saturating_add(count));
        }
        asked
    }
}

impl Asked {
    /// Of a block or channel of which something is dead only the rest is kept: how many elements that are was not asked.
    pub(super) fn forget_elements_of_pieces(&mut self, candidates: &[Candidate<'_>], alive: &Masks) {
        for (candidate, each) in candidates.iter().zip(&mut self.each) {
            if alive.get(candidate.name).is_some_and(|alive| alive.kept_len() < alive.len()) {
                *each = None;
                self.total = None;
            }
        }
    }
}

fn of_each_output(density: Density, candidate: &Candidate<'_>) -> usize {
    let len = candidate.layer.len();
    let outputs = candidate.axis.map_or(1, |axis| candidate.layer.shape()[axis]);
    if len == 0 { 0 } else { outputs * density.kept_of(len / outputs) }
}

fn of_groups(pattern: NmPattern, candidate: &Candidate<'_>) -> usize {
    let len = candidate.layer.len();
    let lane = candidate.axis.map_or(len, |axis| candidate.layer.shape()[axis]);
    if len == 0 { 0 } else { len / lane * pattern.kept_of_lane(lane) }
}

/// How many elements must be alive for a ranking not to ask for more (rule 9): for N:M what its density says, since the
/// last group of a lane may ask for more than that, and is merely short where it cannot have it.
pub(super) fn needed(ranking: &Ranking, candidates: &[Candidate<'_>]) -> usize {
    let layers = &candidates[ranking.layers.clone()];
    match (&ranking.amount, layers) {
        (Amount::Kept(kept) | Amount::Within(kept, _), _) => *kept,
        (Amount::EachOutput(density), [one]) => of_each_output(*density, one),
        (Amount::EachOutput(_), _) => 0,
        (Amount::Pattern(pattern), layers) => pattern.density().kept_of(total_len(layers)),
    }
}
