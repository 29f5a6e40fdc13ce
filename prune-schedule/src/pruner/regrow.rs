//! An update of sparse training: the elements that each layer drops, and those that it opens instead.

use prune_core::{Error, LayerRef, Mask, Masks, PlainTensor, Ranked, Selector, draw};

use super::candidate::{Candidate, LayerMask};
use super::evidence::EventEvidence;
use crate::key::Key;
use crate::prune_error::PruneError;
use crate::value::{Grow, Regrow};

/// The new mask of a layer in which `moved` elements are replaced by others.
pub(super) fn mask(
    at: Key,
    regrow: Regrow,
    (candidate, moved): (&Candidate<'_>, usize),
    alive: &Masks,
    given: &EventEvidence<'_>,
) -> Result<LayerMask, PruneError> {
    let refused = PruneError::in_layer(at, candidate.name());
    let all = || Mask::all(candidate.layer.shape()).map_err(refused);
    let mask = alive.get(candidate.name()).cloned().map_or_else(all, Ok)?;
    if moved == 0 {
        return Ok(LayerMask { mask, ties: 0, short_groups: 0, units: None });
    }
    let kept = mask.kept_len();
    let ranked = Ranked::new(candidate.name(), candidate.layer).with_alive(Some(&mask));
    let remains = Selector::magnitude().top_of_layer(ranked, kept - moved).map_err(refused)?;
    // A weight that was just dropped may be opened again; then nothing happens to it.
    let closed = remains.mask.complement();
    let (scores, selector) = match regrow.grow {
        Grow::Random { seed } => (drawn(seed, at, candidate).map_err(refused)?, Selector::value()),
        Grow::Gradient => (given.gradient(at, candidate, "rigl")?, Selector::magnitude()),
    };
    let scores = LayerRef::of(&scores);
    let ranked = Ranked::new(candidate.name(), &scores).with_alive(Some(&closed));
    let opened = selector.top_of_layer(ranked, moved).map_err(refused)?;
    let mask = remains.mask.union(&opened.mask).map_err(refused)?;
    Ok(LayerMask { mask, ties: remains.ties + opened.ties, short_groups: 0, units: None })
}

/// The random draws of this update. The name includes the time, so that no two updates draw alike.
fn drawn(seed: u64, at: Key, candidate: &Candidate<'_>) -> Result<PlainTensor<f64>, Error> {
    let name = format!("{}@{}", candidate.name(), at.first().unwrap_or(0));
    let scores = (0..candidate.layer.len() as u64).map(|index| draw(seed, &name, index)).collect();
    PlainTensor::from_logical(candidate.layer.shape(), scores)
}
