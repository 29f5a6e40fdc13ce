//! Making the masks of one event, all of them before anything is written.

use prune_core::{Error, LayerRef, Mask, Masks, PlainTensor, Ranked, Selected, Selector};

use super::error::PruneError;
use super::evidence::Gradients;
use super::reopen;
use super::selection::{Candidate, is_global, total_len};
use crate::epoch::Epochs;
use crate::event::{Event, Target};

/// The mask of one layer, and what was met while it was made.
pub(super) struct Made {
    pub(super) mask: Mask,
    pub(super) ties: usize,
    /// Groups that keep fewer than the pattern says, after reopening.
    pub(super) short_groups: usize,
}

impl From<Selected> for Made {
    fn from(selected: Selected) -> Self {
        Made { mask: selected.mask, ties: selected.ties, short_groups: selected.short_groups }
    }
}

/// Makes the masks of `event` for these layers, of which only what `alive` keeps may be chosen unless the event reopens.
pub(super) fn masks(
    epoch: Epochs,
    event: &Event,
    candidates: &[Candidate<'_>],
    alive: &Masks,
    gradients: Option<&Gradients<'_>>,
) -> Result<Vec<Made>, PruneError> {
    let maker = Maker { epoch, event, alive, gradients };
    if is_global(event) {
        return maker.rank(candidates);
    }
    let mut made = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        made.extend(maker.rank(core::slice::from_ref(candidate))?);
    }
    Ok(made)
}

struct Maker<'a> {
    epoch: Epochs,
    event: &'a Event,
    alive: &'a Masks,
    gradients: Option<&'a Gradients<'a>>,
}

impl Maker<'_> {
    /// Selects within one ranking: of one layer, or of all together.
    fn rank(&self, layers: &[Candidate<'_>]) -> Result<Vec<Made>, PruneError> {
        let Some(first) = layers.iter().next() else { return Ok(Vec::new()) };
        let ranked: Vec<Ranked<'_>> =
            layers.iter().map(|c| Ranked::new(c.name, c.layer).alive(self.alive.get(c.name))).collect();
        let len = total_len(layers);
        let needed = first.target.density().kept_of(len);
        let alive_of = |c: &Candidate<'_>| self.alive.get(c.name).map_or(c.layer.len(), Mask::kept_len);
        let alive = layers.iter().map(alive_of).fold(0, usize::saturating_add);
        if needed > alive && self.event.reopens().is_none() {
            let layer = (!is_global(self.event)).then(|| first.name.to_owned());
            let (epoch, asked, target) = (self.epoch, needed, first.target);
            return Err(PruneError::TooFewAlive { epoch, layer, asked, alive, target });
        }
        let selector = Selector::magnitude();
        match first.target {
            Target::Density(density) => {
                let kept = density.kept_of(len);
                let made = selector.top(&ranked, kept.min(alive)).map_err(|error| self.refused(layers, error))?;
                if kept <= alive {
                    return Ok(made.into_iter().map(Made::from).collect());
                }
                let kept_anyway = made.into_iter().map(|made| made.mask).collect();
                self.reopened(layers, kept_anyway, |ranked| Selector::value().top(ranked, kept))
            }
            Target::Pattern(pattern) => {
                let n_of_m = |selector: Selector, ranked: &[Ranked<'_>]| match first.axis {
                    Some(axis) => selector.n_of_m(&ranked[0], pattern, axis as isize).map(|selected| vec![selected]),
                    None => selector.n_of_m_concatenated(ranked, pattern),
                };
                let made = n_of_m(selector, &ranked).map_err(|error| self.refused(layers, error))?;
                if self.event.reopens().is_none() || made.iter().all(|made| made.short_groups == 0) {
                    return Ok(made.into_iter().map(Made::from).collect());
                }
                let ties: Vec<usize> = made.iter().map(|made| made.ties).collect();
                let kept_anyway = made.into_iter().map(|made| made.mask).collect();
                let mut made = self.reopened(layers, kept_anyway, |ranked| n_of_m(Selector::value(), ranked))?;
                made.iter_mut().zip(ties).for_each(|(made, ties)| made.ties = ties);
                Ok(made)
            }
        }
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
            scores.push(reopen::scores(self.epoch, candidate, kept, alive, how, self.gradients)?);
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

/// How many elements an event asks for in each layer, and in all of them.
pub(super) fn asked(event: &Event, candidates: &[Candidate<'_>]) -> (Vec<Option<usize>>, usize) {
    let global = is_global(event);
    let each: Vec<Option<usize>> = candidates.iter().map(|candidate| candidate.asked(global)).collect();
    let len = total_len(candidates);
    let total = match candidates.first().map(|first| first.target) {
        Some(Target::Density(density)) if global => density.kept_of(len),
        Some(Target::Pattern(pattern)) if global => pattern.kept_of_lane(len),
        _ => each.iter().flatten().sum(),
    };
    (each, total)
}
