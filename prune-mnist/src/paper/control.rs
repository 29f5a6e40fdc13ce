//! The controls: random masks show the worth of magnitude, and networks without retraining show the worth of
//! retraining.

use prune_core::{LayerRef, Masks, PlainTensor, Ranked, Selector};
use prune_schedule::{Evidence, Pruner, Strategy};
use rand_chacha::rand_core::Rng as _;

use super::error::PaperError;
use crate::nn::NdarrayParams;
use crate::rng::{Purpose, stream};

/// The masks that the last event of `strategy` would make of `params` and this evidence, at once and without earlier
/// events.
pub(super) fn at_once(
    strategy: &Strategy,
    params: &NdarrayParams<f32>,
    evidence: Evidence<'_>,
) -> Result<Masks, PaperError> {
    let last = strategy.last_event_epoch().and_then(|epoch| Some((epoch, strategy.event_at(epoch)?.1.clone())));
    let Some((epoch, event)) = last else { return Ok(Masks::default()) };
    let mut pruner = Pruner::new(Strategy::new([(epoch, event)])?);
    pruner.end_epoch_with(epoch, &mut params.clone(), evidence)?;
    Ok(pruner.masks().clone())
}

/// Masks of the same shapes and counts, each drawn uniformly.
pub(super) fn random(masks: &Masks, seed: u64) -> Result<Masks, PaperError> {
    let drawn = masks.iter().enumerate().map(|(index, (name, mask))| {
        let mut generator = stream(seed, Purpose::Control(index as u32));
        // Scores are distinct for all practical purposes, with 53 random bits each. The first of equals is kept, as
        // everywhere.
        let scores: Vec<f64> = (0..mask.len()).map(|_| (generator.next_u64() >> 11) as f64).collect();
        let scores = PlainTensor::from_logical(mask.shape(), scores)?;
        let scores = LayerRef::of(&scores);
        let selected = Selector::value().top_of_layer(Ranked::new(name, &scores), mask.kept_len())?;
        Ok((name.to_owned(), selected.mask))
    });
    drawn.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use prune_core::Mask;

    use super::*;
    use crate::nn::{Initialisation, ModelSpec, initial_parameters};

    #[test]
    fn random_masks_have_the_same_counts_and_differ_between_layers_and_seeds() {
        let mut masks = Masks::default();
        for name in ["a", "b"] {
            masks.insert(name, Mask::from_bools(&[40, 50], &[[true; 100], [false; 100]].concat().repeat(10)).unwrap());
        }
        let drawn = random(&masks, 7).unwrap();
        assert_eq!(drawn, random(&masks, 7).unwrap());
        let (a, b) = (drawn.get("a").unwrap(), drawn.get("b").unwrap());
        assert_eq!((a.kept_len(), b.kept_len(), a.shape()), (1000, 1000, [40, 50].as_slice()));
        assert_ne!(a, b);
        assert_ne!(a, random(&masks, 8).unwrap().get("a").unwrap());
        // Half of the elements of each half, within five standard deviations (about 80).
        let first = a.kept_indices().filter(|&index| index < 1000).count();
        assert!((420..=580).contains(&first), "{first}");
    }

    #[test]
    fn the_last_event_is_carried_out_alone() {
        let specs = ModelSpec::mlp().parameters().unwrap();
        let params: NdarrayParams<f32> = initial_parameters(&specs, Initialisation::HeNormal, 1);
        let event = |density| format!("{{'method': 'unstr_global', 'density': {density}}}");
        let strategy: Strategy = format!("{{3: {}, 5: {}}}", event(0.5), event(0.1)).parse().unwrap();
        let masks = at_once(&strategy, &params, Evidence::default()).unwrap();
        assert_eq!(masks.iter().map(|(_, mask)| mask.kept_len()).sum::<usize>(), 26_620);
        assert!(at_once(&"{}".parse().unwrap(), &params, Evidence::default()).unwrap().is_empty());
    }
}
