//! Making the masks of one event, all of them before anything is written.

use prune_core::{
    Density, Error, LayerRef, Mask, Masks, Need, PlainTensor, Ranked, Scores, Selected, Selector, Subject,
};

use super::error::PruneError;
use super::evidence::Given;
use super::plan::{Amount, Ranking, is_joint, needed, ranked_things};
use super::reopen;
use super::selection::{Candidate, output_of};
use crate::epoch::Epochs;
use crate::event::{Event, Target};
use crate::option::distribution::Distribution;
use crate::option::ranking::Ranking as Within;

/// The mask of one layer, and what was met while it was made.
pub(super) struct Made {
    pub(super) mask: Mask,
    pub(super) ties: usize,
    /// Groups that keep fewer than the pattern says, after reopening.
    pub(super) short_groups: usize,
    /// Units kept, where units are ranked.
    pub(super) units: Option<usize>,
}

impl From<Selected> for Made {
    fn from(selected: Selected) -> Self {
        Made { mask: selected.mask, ties: selected.ties, short_groups: selected.short_groups, units: None }
    }
}

/// What the masks of an event are made of.
#[derive(Clone, Copy)]
pub(super) struct Maker<'a> {
    pub(super) epoch: Epochs,
    pub(super) event: &'a Event,
    /// What may be chosen, unless the event reopens.
    pub(super) alive: &'a Masks,
    pub(super) given: &'a Given<'a>,
}

impl Maker<'_> {
    /// Makes the masks of these layers.
    pub(super) fn masks(&self, candidates: &[Candidate<'_>], rankings: &[Ranking]) -> Result<Vec<Made>, PruneError> {
        let mut made: Vec<Made> = Vec::with_capacity(candidates.len());
        // What inputs are measured under: the masks in force, and those of this event as they come to be.
        let mut so_far = self.given.asks_for_inputs(self.event).then(|| self.alive.clone());
        for ranking in rankings {
            let layers = &candidates[ranking.layers.clone()];
            let new = self.rank(layers, ranking, candidates, so_far.as_ref())?;
            if let Some(so_far) = &mut so_far {
                for (candidate, made) in layers.iter().zip(&new) {
                    so_far.insert(candidate.name, made.mask.clone());
                }
            }
            made.extend(new);
        }
        Ok(made)
    }

    /// Selects within one ranking: of one layer, or of all together.
    fn rank(
        &self,
        layers: &[Candidate<'_>],
        ranking: &Ranking,
        candidates: &[Candidate<'_>],
        so_far: Option<&Masks>,
    ) -> Result<Vec<Made>, PruneError> {
        let Some(first) = layers.first() else { return Ok(Vec::new()) };
        self.enough(layers, needed(ranking, candidates), first.target)?;
        let evidence = layers.iter().map(|layer| self.evidence(layer, so_far)).collect::<Result<Vec<_>, _>>()?;
        let evidence: Vec<Option<LayerRef<'_>>> =
            evidence.iter().map(|evidence| evidence.as_ref().map(LayerRef::of)).collect();
        let mut scores = Vec::with_capacity(layers.len());
        for (candidate, evidence) in layers.iter().zip(&evidence) {
            scores.push(self.scores(candidate, evidence.as_ref())?);
        }
        let scored: Vec<LayerRef<'_>> = scores.iter().map(Scores::layer).collect();
        if self.event.piece().is_some() {
            return self.rank_units(layers, &scored, &ranking.amount);
        }
        let ranked: Vec<Ranked<'_>> = layers
            .iter()
            .zip(&scored)
            .map(|(c, scores)| Ranked::new(c.name, scores).with_alive(self.alive.get(c.name)))
            .collect();
        let selector = Selector::default().with_rank_by(self.event.scored_by().rank_by());
        self.select(layers, &ranked, selector, &ranking.amount)
    }

    /// Ranks blocks or channels by what they hold, and keeps the elements of those that are kept.
    fn rank_units(
        &self,
        layers: &[Candidate<'_>],
        scored: &[LayerRef<'_>],
        amount: &Amount,
    ) -> Result<Vec<Made>, PruneError> {
        let mut units = Vec::with_capacity(layers.len());
        for (candidate, scores) in layers.iter().zip(scored) {
            let Some((unit, _)) = &candidate.units else { continue };
            let refused = |source: Error| self.refused(core::slice::from_ref(candidate), source);
            let alive = self.alive.get(candidate.name);
            let of_units = unit.scores(scores, self.event.scored_by().rank_by(), alive).map_err(refused)?;
            units.push((unit, of_units, alive.map(|alive| unit.alive(alive)).transpose().map_err(refused)?));
        }
        let scored: Vec<LayerRef<'_>> = units.iter().map(|(_, scores, _)| LayerRef::of(scores)).collect();
        let ranked: Vec<Ranked<'_>> = layers
            .iter()
            .zip(&scored)
            .zip(&units)
            .map(|((c, scores), (.., alive))| Ranked::new(c.name, scores).with_alive(alive.as_ref()))
            .collect();
        let mut made = self.select(layers, &ranked, Selector::value(), amount)?;
        for ((candidate, made), (unit, ..)) in layers.iter().zip(&mut made).zip(&units) {
            let refused = |source: Error| self.refused(core::slice::from_ref(candidate), source);
            let spread = unit.spread(&made.mask, candidate.layer.shape()).map_err(refused)?;
            made.units = Some(made.mask.kept_len());
            made.mask = match self.alive.get(candidate.name) {
                Some(alive) => spread.intersection(alive).map_err(refused)?,
                None => spread,
            };
        }
        Ok(made)
    }

    /// Refuses what asks for more than is alive.
    fn enough(&self, layers: &[Candidate<'_>], asked: usize, target: Option<Target>) -> Result<(), PruneError> {
        let alive = self.alive_of(layers)?;
        let (Some(target), None, true) = (target, self.event.reopens(), asked > alive) else { return Ok(()) };
        let layer = match layers {
            [one] if !is_joint(self.event) => Some(one.name.to_owned()),
            _ => None,
        };
        let what = ranked_things(self.event);
        Err(PruneError::TooFewAlive { epoch: self.epoch, layer, what, asked, alive, target })
    }

    /// How many of what is ranked can be chosen.
    fn alive_of(&self, layers: &[Candidate<'_>]) -> Result<usize, PruneError> {
        let mut sum = 0usize;
        for layer in layers {
            let alive = layer.alive_len(self.alive.get(layer.name));
            sum = sum.saturating_add(alive.map_err(|error| self.refused(core::slice::from_ref(layer), error))?);
        }
        Ok(sum)
    }

    /// What the score looks at besides the weights.
    fn evidence(
        &self,
        candidate: &Candidate<'_>,
        so_far: Option<&Masks>,
    ) -> Result<Option<PlainTensor<f64>>, PruneError> {
        self.given.evidence(self.epoch, self.event.scored_by(), candidate, so_far)
    }

    fn scores<'s>(
        &self,
        candidate: &Candidate<'s>,
        evidence: Option<&'s LayerRef<'s>>,
    ) -> Result<Scores<'s>, PruneError> {
        let refused = |source: Error| PruneError::Event { epoch: self.epoch, source: source.in_layer(candidate.name) };
        let mut subject = Subject::new(candidate.name, candidate.layer);
        if let Some(evidence) = evidence {
            subject = subject.with_evidence(evidence);
            if self.event.scored_by().needs() == Some(Need::InputNorms) {
                let within_outputs = matches!(self.event.ranked_within(), Within::Output(_));
                let unknown = |()| PruneError::OutputUnknown {
                    epoch: self.epoch,
                    layer: candidate.name.to_owned(),
                    rank: candidate.layer.rank(),
                };
                if let Some(axis) = output_of(candidate, within_outputs, evidence.shape()).map_err(unknown)? {
                    subject = subject.with_output_axis(axis);
                }
            }
        }
        let scores = self.event.scored_by().of(&subject).map_err(refused)?;
        match self.event.distributed() {
            Distribution::GlobalL2 => scores.normalised(self.alive.get(candidate.name)).map_err(refused),
            _ => Ok(scores),
        }
    }

    fn select(
        &self,
        layers: &[Candidate<'_>],
        ranked: &[Ranked<'_>],
        selector: Selector,
        amount: &Amount,
    ) -> Result<Vec<Made>, PruneError> {
        let refused = |error| self.refused(layers, error);
        let done = |selected: Vec<Selected>| Ok(selected.into_iter().map(Made::from).collect());
        match amount {
            Amount::Kept(kept) => {
                let alive = self.alive_of(layers)?;
                let selected = selector.top(ranked, (*kept).min(alive)).map_err(refused)?;
                if *kept <= alive {
                    return done(selected);
                }
                let kept_anyway = selected.into_iter().map(|selected| selected.mask).collect();
                self.reopened(layers, kept_anyway, |ranked| Selector::value().top(ranked, *kept))
            }
            Amount::Within(kept, bounds) => done(selector.top_within(ranked, *kept, bounds).map_err(refused)?),
            Amount::EachOutput(density) => done(self.each_output(layers, ranked, selector, *density).map_err(refused)?),
            Amount::Pattern(pattern) => {
                let axis = layers.first().and_then(|first| first.axis);
                let n_of_m = |selector: Selector, ranked: &[Ranked<'_>]| match axis {
                    Some(axis) => selector.n_of_m(ranked[0], *pattern, axis as isize).map(|selected| vec![selected]),
                    None => selector.n_of_m_concatenated(ranked, *pattern),
                };
                let made = n_of_m(selector, ranked).map_err(refused)?;
                if self.event.reopens().is_none() || made.iter().all(|made| made.short_groups == 0) {
                    return done(made);
                }
                let ties: Vec<usize> = made.iter().map(|made| made.ties).collect();
                let kept_anyway = made.into_iter().map(|made| made.mask).collect();
                let mut made = self.reopened(layers, kept_anyway, |ranked| n_of_m(Selector::value(), ranked))?;
                made.iter_mut().zip(ties).for_each(|(made, ties)| made.ties = ties);
                Ok(made)
            }
        }
    }

    fn each_output(
        &self,
        layers: &[Candidate<'_>],
        ranked: &[Ranked<'_>],
        selector: Selector,
        density: Density,
    ) -> Result<Vec<Selected>, Error> {
        let each = layers.iter().zip(ranked);
        each.map(|(layer, ranked)| selector.each_along(ranked, density, layer.axis.unwrap_or(0) as isize)).collect()
    }

    /// Selects again with closed elements among the choice, after those kept anyway.
    fn reopened(
        &self,
        layers: &[Candidate<'_>],
        kept_anyway: Vec<Mask>,
        select: impl Fn(&[Ranked<'_>]) -> Result<Vec<Selected>, Error>,
    ) -> Result<Vec<Made>, PruneError> {
        let Some(how) = self.event.reopens() else { return Ok(Vec::new()) };
        let mut scores: Vec<PlainTensor<f64>> = Vec::with_capacity(layers.len());
        for (candidate, kept) in layers.iter().zip(&kept_anyway) {
            let refused = |error: Error| self.refused(layers, error.in_layer(candidate.name));
            let all = Mask::all(candidate.layer.shape()).map_err(refused)?;
            let alive = self.alive.get(candidate.name).unwrap_or(&all);
            scores.push(reopen::scores(self.epoch, candidate, kept, alive, how, self.given)?);
        }
        let scored: Vec<LayerRef<'_>> = scores.iter().map(LayerRef::of).collect();
        let ranked: Vec<Ranked<'_>> =
            layers.iter().zip(&scored).map(|(c, scores)| Ranked::new(c.name, scores)).collect();
        let selected = select(&ranked).map_err(|error| self.refused(layers, error))?;
        Ok(selected.into_iter().map(Made::from).collect())
    }

    /// An error of the core, with the epoch, and with the layer where there is just one.
    fn refused(&self, layers: &[Candidate<'_>], error: Error) -> PruneError {
        let source = match layers {
            [only] => error.in_layer(only.name),
            _ => error,
        };
        PruneError::Event { epoch: self.epoch, source }
    }
}
