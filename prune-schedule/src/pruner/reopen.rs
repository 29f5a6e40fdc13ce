//! Chooses the closed elements to open again.
//!
//! One method serves all events. Elements that are kept anyway score plus infinity, closed elements score by the draw
//! or the gradient, and the event's method selects once more. So the count is as exact as everywhere else, also in each
//! N:M group.

use prune_core::{Mask, PlainTensor, draw};

use super::candidate::Candidate;
use super::evidence::EventEvidence;
use crate::key::Key;
use crate::prune_error::PruneError;
use crate::value::Reopen;

/// Scores that rank the elements of `kept` first, then those outside `alive`.
pub(super) fn scores(
    key: Key,
    candidate: &Candidate<'_>,
    kept: &Mask,
    alive: &Mask,
    how: Reopen,
    given: &EventEvidence<'_>,
) -> Result<PlainTensor<f64>, PruneError> {
    let (name, layer) = (candidate.name(), candidate.layer);
    let mut scores = match how {
        Reopen::Random { seed } => (0..layer.len() as u64).map(|index| draw(seed, name, index)).collect(),
        Reopen::Gradient => {
            let missing = || PruneError::GradientMissing { at: key, layer: name.to_owned() };
            let mut gradient = given.gradient_of(key, name, layer.shape())?.ok_or_else(missing)?;
            // An infinite gradient ranks after elements that are kept anyway. NaN stays, and is refused when it is
            // ranked.
            gradient.iter_mut().for_each(|value| *value = if value.is_infinite() { f64::MAX } else { value.abs() });
            gradient
        }
    };
    let ranked = kept.iter().zip(alive.iter());
    for (score, (kept, alive)) in scores.iter_mut().zip(ranked) {
        if kept {
            *score = f64::INFINITY;
        } else if alive {
            // The event gave this element up, which happens only in groups that are full without it. It is never chosen
            // again.
            *score = 0.0;
        }
    }
    PlainTensor::from_logical(layer.shape(), scores).map_err(PruneError::in_event(key))
}
