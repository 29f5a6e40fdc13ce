//! Makes the masks of one event, all of them before anything is written.

use std::collections::BTreeMap;

use prune_core::{Error, LayerRef, Mask, Masks, Need, PlainTensor, Ranked, Scores, Selected, Selector, Subject, Unit};

use super::candidate::{Candidate, LayerMask};
use super::evidence::EventEvidence;
use super::{regrow, reopen};
use crate::event::{Event, Rule};
use crate::plan::{Alive, Amount, EventPlan, joined};
use crate::prune_error::PruneError;
use crate::value::{DistributionRule, Piece};

/// The inputs for making the masks of an event.
#[derive(Clone, Copy)]
pub(super) struct Maker<'a> {
    pub(super) plan: &'a EventPlan,
    /// The elements that may be chosen, unless the event reopens.
    pub(super) alive: &'a Masks,
    pub(super) given: &'a EventEvidence<'a>,
}

impl Maker<'_> {
    fn event(&self) -> &Event {
        &self.plan.event
    }

    /// Makes the masks of the plan's layers.
    pub(super) fn masks(&self, candidates: &[Candidate<'_>]) -> Result<Vec<LayerMask>, PruneError> {
        let mut made: Vec<LayerMask> = Vec::with_capacity(candidates.len());
        // Inputs are measured under these masks: the masks in force, and those of this event as they are made.
        let mut so_far = self.given.asks_for_inputs(self.event()).then(|| self.alive.clone());
        let mut followers: BTreeMap<usize, Vec<&Candidate<'_>>> = BTreeMap::new();
        for candidate in candidates.iter().filter(|candidate| candidate.plan.scored) {
            candidate.plan.follows.into_iter().for_each(|leader| followers.entry(leader).or_default().push(candidate));
        }
        let alone = if so_far.is_none() { self.each_alone(candidates)? } else { None };
        let rankings = if alone.is_some() { &[][..] } else { &self.plan.rankings };
        made.extend(alone.into_iter().flatten());
        for ranking in rankings {
            self.given.go_on(self.plan.at)?;
            let layers = candidates.get(ranking.layers.clone()).unwrap_or_default();
            let coupled = ranking.layers.clone().zip(0..).flat_map(|(leader, place)| {
                followers.get(&leader).into_iter().flatten().map(move |follower| (place, *follower))
            });
            let new = self.rank(layers, &coupled.collect::<Vec<_>>(), &ranking.amount, so_far.as_ref())?;
            if let Some(so_far) = &mut so_far {
                for (candidate, made) in layers.iter().zip(&new) {
                    so_far.insert(candidate.name(), made.mask.clone());
                }
            }
            made.extend(new);
        }
        self.given.go_on(self.plan.at)?;
        for candidate in candidates.iter().skip(made.len()) {
            made.push(self.follow(candidate, candidates, &made)?);
        }
        Ok(made)
    }

    /// Gives a layer the mask that follows from the kept channels of its leader.
    fn follow(
        &self,
        bias: &Candidate<'_>,
        candidates: &[Candidate<'_>],
        made: &[LayerMask],
    ) -> Result<LayerMask, PruneError> {
        let refused = self.in_layer(bias);
        let leader = bias.plan.follows.and_then(|i| Some((candidates.get(i)?.plan.unit.as_ref()?, made.get(i)?)));
        let Some((unit, leader)) = leader else {
            let mask = Mask::all(bias.layer.shape()).map_err(refused)?;
            return Ok(LayerMask { mask, ties: 0, short_groups: 0, units: None });
        };
        let kept = unit.alive(&leader.mask).map_err(refused)?;
        let units = bias.plan.unit.as_ref().map(|_| kept.kept_len());
        let mut mask = match &bias.plan.unit {
            Some(own) => own.spread(&kept, bias.layer.shape()).map_err(refused)?,
            None => kept,
        };
        if let Some(alive) = self.alive.get(bias.name()) {
            mask.intersect_in_place(alive).map_err(refused)?;
        }
        Ok(LayerMask { mask, ties: 0, short_groups: 0, units })
    }

    /// Selects within one ranking: of one layer, or of all layers together.
    fn rank(
        &self,
        layers: &[Candidate<'_>],
        coupled: &[(usize, &Candidate<'_>)],
        amount: &Amount,
        so_far: Option<&Masks>,
    ) -> Result<Vec<LayerMask>, PruneError> {
        if let (Rule::Regrow(regrow), Amount::Moved(moved)) = (self.event().rule(), amount) {
            let one = |layer| regrow::mask(self.plan.at, *regrow, (layer, *moved), self.alive, self.given);
            return layers.iter().map(one).collect();
        }
        if self.event().piece().is_some() {
            return self.rank_units(layers, coupled, amount, so_far);
        }
        let evidence = layers.iter().map(|layer| self.evidence(layer, so_far)).collect::<Result<Vec<_>, _>>()?;
        let evidence: Vec<Option<LayerRef<'_>>> =
            evidence.iter().map(|evidence| evidence.as_ref().map(LayerRef::of)).collect();
        let mut scores = Vec::with_capacity(layers.len());
        for (candidate, evidence) in layers.iter().zip(&evidence) {
            self.given.go_on(self.plan.at)?;
            scores.push(self.scores(candidate, evidence.as_ref())?);
        }
        let scored: Vec<LayerRef<'_>> = scores.iter().map(Scores::layer).collect();
        let ranked: Vec<Ranked<'_>> = layers
            .iter()
            .zip(&scored)
            .map(|(c, scores)| Ranked::new(c.name(), scores).with_alive(self.alive.get(c.name())))
            .collect();
        let selector = Selector::default().with_rank_by(self.event().score().rank_by());
        self.select(layers, &ranked, selector, amount)
    }

    /// Ranks blocks or channels, and keeps the elements of the kept ones. Each coupled layer is listed with the place
    /// of its leader.
    fn rank_units(
        &self,
        layers: &[Candidate<'_>],
        coupled: &[(usize, &Candidate<'_>)],
        amount: &Amount,
        so_far: Option<&Masks>,
    ) -> Result<Vec<LayerMask>, PruneError> {
        let mut units = Vec::with_capacity(layers.len());
        for (i, candidate) in layers.iter().enumerate() {
            let Some(unit) = &candidate.plan.unit else { continue };
            self.given.go_on(self.plan.at)?;
            let mut scores = self.unit_scores(candidate, unit, so_far)?;
            for (_, follower) in coupled.iter().filter(|(leader, _)| *leader == i) {
                if let (Some(Piece::Channels { norm, .. }), Some(unit)) = (self.event().piece(), &follower.plan.unit) {
                    let others = self.unit_scores(follower, unit, so_far)?;
                    let both = scores.values_mut().iter_mut().zip(others.values());
                    both.for_each(|(score, other)| *score = joined(*norm, *score, *other));
                }
            }
            let alive = self.alive.get(candidate.name()).map(|alive| unit.alive(alive)).transpose();
            units.push((unit, scores, alive.map_err(self.in_layer(candidate))?));
        }
        let scored: Vec<LayerRef<'_>> = units.iter().map(|(_, scores, _)| LayerRef::of(scores)).collect();
        let ranked: Vec<Ranked<'_>> = layers
            .iter()
            .zip(&scored)
            .zip(&units)
            .map(|((c, scores), (.., alive))| Ranked::new(c.name(), scores).with_alive(alive.as_ref()))
            .collect();
        let mut made = self.select(layers, &ranked, Selector::value(), amount)?;
        for ((candidate, made), (unit, ..)) in layers.iter().zip(&mut made).zip(&units) {
            let refused = self.in_layer(candidate);
            made.units = Some(made.mask.kept_len());
            made.mask = unit.spread(&made.mask, candidate.layer.shape()).map_err(refused)?;
            if let Some(alive) = self.alive.get(candidate.name()) {
                made.mask.intersect_in_place(alive).map_err(refused)?;
            }
        }
        Ok(made)
    }

    fn unit_scores(
        &self,
        candidate: &Candidate<'_>,
        unit: &Unit,
        so_far: Option<&Masks>,
    ) -> Result<PlainTensor<f64>, PruneError> {
        let evidence = self.evidence(candidate, so_far)?;
        let evidence = evidence.as_ref().map(LayerRef::of);
        let scores = self.scores(candidate, evidence.as_ref())?;
        let (by, alive) = (self.event().score().rank_by(), self.alive.get(candidate.name()));
        unit.scores(&scores.layer(), by, alive).map_err(self.in_layer(candidate))
    }

    /// The number of ranked things that can be chosen.
    pub(super) fn alive_of(&self, layers: &[Candidate<'_>]) -> Result<usize, PruneError> {
        layers.iter().try_fold(0usize, |sum, layer| {
            let alive = self.alive.get(layer.name()).map_or(Alive::All, Alive::Mask);
            Ok(sum.saturating_add(alive.ranked(layer.plan).map_err(self.in_layer(layer))?))
        })
    }

    /// The evidence that the score looks at besides the weights.
    fn evidence(
        &self,
        candidate: &Candidate<'_>,
        so_far: Option<&Masks>,
    ) -> Result<Option<PlainTensor<f64>>, PruneError> {
        self.given.evidence(self.plan.at, self.event().score(), candidate, so_far)
    }

    fn scores<'s>(
        &self,
        candidate: &Candidate<'s>,
        evidence: Option<&'s LayerRef<'s>>,
    ) -> Result<Scores<'s>, PruneError> {
        let refused = self.in_layer(candidate);
        let mut subject = Subject::new(candidate.name(), candidate.layer);
        if let Some(evidence) = evidence {
            subject = subject.with_evidence(evidence);
            if self.event().score().needs() == Some(Need::InputNorms)
                && let Some(axis) = self.plan.output_axis(candidate.plan, evidence.shape())?
            {
                subject = subject.with_output_axis(axis);
            }
        }
        let scores = self.event().score().of(&subject).map_err(refused)?;
        match self.event().distribution() {
            DistributionRule::GlobalL2 => scores.normalised(self.alive.get(candidate.name())).map_err(refused),
            _ => Ok(scores),
        }
    }

    fn select(
        &self,
        layers: &[Candidate<'_>],
        ranked: &[Ranked<'_>],
        selector: Selector,
        amount: &Amount,
    ) -> Result<Vec<LayerMask>, PruneError> {
        let refused = |error| self.refused(layers, error);
        let done = |selected: Vec<Selected>| Ok(selected.into_iter().map(LayerMask::from).collect());
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
            // Nothing is ranked together here: each layer is updated by itself.
            Amount::Moved(_) => Ok(Vec::new()),
            Amount::EachOutput(density) => {
                let axis = |layer: &Candidate<'_>| layer.plan.axis.unwrap_or(0) as isize;
                let each = layers.iter().zip(ranked);
                let made = each.map(|(layer, ranked)| selector.each_along(ranked, *density, axis(layer)));
                done(made.collect::<Result<Vec<_>, _>>().map_err(refused)?)
            }
            Amount::Pattern(pattern) => {
                let axis = layers.first().and_then(|first| first.plan.axis);
                let n_m = |selector: Selector, ranked: &[Ranked<'_>]| match axis {
                    Some(axis) => selector.n_m(ranked[0], *pattern, axis as isize).map(|selected| vec![selected]),
                    None => selector.n_m_concatenated(ranked, *pattern),
                };
                let made = n_m(selector, ranked).map_err(refused)?;
                if self.event().reopen().is_none() || made.iter().all(|made| made.short_groups == 0) {
                    return done(made);
                }
                let ties: Vec<usize> = made.iter().map(|made| made.ties).collect();
                let kept_anyway = made.into_iter().map(|made| made.mask).collect();
                let mut made = self.reopened(layers, kept_anyway, |ranked| n_m(Selector::value(), ranked))?;
                made.iter_mut().zip(ties).for_each(|(made, ties)| made.ties = ties);
                Ok(made)
            }
        }
    }

    /// Selects once more, now with closed elements as candidates after the elements that are kept anyway.
    fn reopened(
        &self,
        layers: &[Candidate<'_>],
        kept_anyway: Vec<Mask>,
        select: impl Fn(&[Ranked<'_>]) -> Result<Vec<Selected>, Error>,
    ) -> Result<Vec<LayerMask>, PruneError> {
        let Some(how) = self.event().reopen() else { return Ok(Vec::new()) };
        let mut scores: Vec<PlainTensor<f64>> = Vec::with_capacity(layers.len());
        for (candidate, kept) in layers.iter().zip(&kept_anyway) {
            let all = Mask::all(candidate.layer.shape()).map_err(self.in_layer(candidate))?;
            let alive = self.alive.get(candidate.name()).unwrap_or(&all);
            scores.push(reopen::scores(self.plan.at, candidate, kept, alive, how, self.given)?);
        }
        let scored: Vec<LayerRef<'_>> = scores.iter().map(LayerRef::of).collect();
        let ranked: Vec<Ranked<'_>> =
            layers.iter().zip(&scored).map(|(c, scores)| Ranked::new(c.name(), scores)).collect();
        let selected = select(&ranked).map_err(|error| self.refused(layers, error))?;
        Ok(selected.into_iter().map(LayerMask::from).collect())
    }

    /// An error of the core with the epoch, and with the layer if there is only one.
    pub(super) fn refused(&self, layers: &[Candidate<'_>], error: Error) -> PruneError {
        match layers {
            [only] => self.in_layer(only)(error),
            _ => PruneError::in_event(self.plan.at)(error),
        }
    }

    fn in_layer<'n>(&self, candidate: &Candidate<'n>) -> impl Fn(Error) -> PruneError + Copy + use<'n> {
        PruneError::in_layer(self.plan.at, candidate.name())
    }
}
