//! An update of sparse training: what each layer drops, and what it opens instead.

use prune_core::{Error, LayerRef, Mask, Masks, PlainTensor, Ranked, Selector, draw};

use super::error::PruneError;
use super::event::Made;
use super::evidence::Given;
use super::selection::Candidate;
use crate::epoch::Epochs;
use crate::option::regrow::{Grow, Regrow};

/// When an update happens: its place in errors, and its time among those of its key.
pub(super) struct Update {
    pub(super) epoch: Epochs,
    pub(super) time: u64,
    pub(super) last: u64,
}

/// Makes the new masks of these layers, each of which has one.
pub(super) fn masks(
    update: &Update,
    regrow: Regrow,
    candidates: &[Candidate<'_>],
    alive: &Masks,
    given: &Given<'_>,
) -> Result<Vec<Made>, PruneError> {
    let mut made = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let Some(mask) = alive.get(candidate.name) else { continue };
        made.push(layer(update, regrow, candidate, mask, given)?);
    }
    Ok(made)
}

fn layer(
    update: &Update,
    regrow: Regrow,
    candidate: &Candidate<'_>,
    mask: &Mask,
    given: &Given<'_>,
) -> Result<Made, PruneError> {
    let epoch = update.epoch;
    let refused = |source: Error| PruneError::Event { epoch, source: source.in_layer(candidate.name) };
    let kept = mask.kept_len();
    let moved = regrow.moved(kept, update.time, update.last);
    if moved == 0 {
        return Ok(Made { mask: mask.clone(), ties: 0, short_groups: 0, units: None });
    }
    let ranked = Ranked::new(candidate.name, candidate.layer).with_alive(Some(mask));
    let remains = Selector::magnitude().top_of_layer(ranked, kept - moved).map_err(refused)?;
    // A weight that was dropped just now may be opened again, and then nothing happens to it.
    let closed = remains.mask.complement();
    let (scores, selector) = match regrow.grow {
        Grow::Random { seed } => (drawn(seed, update, candidate).map_err(refused)?, Selector::value()),
        Grow::Gradient => (given.gradient(epoch, candidate, "rigl")?, Selector::magnitude()),
    };
    let scores = LayerRef::of(&scores);
    let opened = selector
        .top_of_layer(Ranked::new(candidate.name, &scores).with_alive(Some(&closed)), moved)
        .map_err(refused)?;
    let mask = remains.mask.union(&opened.mask).map_err(refused)?;
    Ok(Made { mask, ties: remains.ties + opened.ties, short_groups: 0, units: None })
}

/// Draws of this update: by another name at each time, so that no two updates draw alike.
fn drawn(seed: u64, update: &Update, candidate: &Candidate<'_>) -> Result<PlainTensor<f64>, Error> {
    let name = format!("{}@{}", candidate.name, update.time);
    let scores = (0..candidate.layer.len() as u64).map(|index| draw(seed, &name, index)).collect();
    PlainTensor::from_logical(candidate.layer.shape(), scores)
}
