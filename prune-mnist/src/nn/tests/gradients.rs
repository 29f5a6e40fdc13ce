//! Every gradient, compared with central finite differences in f64.

use std::sync::Mutex;

use prune_core::{ActivationRule, Density, NmPattern};

use super::*;
use crate::nn::{Place, prune_activations};

/// More than one chunk, and the last one not full.
const SAMPLES: usize = 19;

/// The number of elements of each parameter that are moved, spread over it.
const PROBES: usize = 24;

fn check<P: ParamStorage<f64>>(spec: &ModelSpec, pruned: bool, masked: bool) {
    check_fixture(Fixture::<f64, P>::new(spec, SAMPLES, pruned), spec, masked);
}

fn check_fixture<P: ParamStorage<f64>>(mut fixture: Fixture<f64, P>, spec: &ModelSpec, masked: bool) {
    if masked {
        for (index, spec) in fixture.network.parameters().iter().enumerate() {
            if spec.kind == ParamKind::Kernel {
                let values = fixture.params.values_mut(index).iter_mut().enumerate();
                values.filter(|(i, _)| i % 5 < 2).for_each(|(_, value)| *value = 0.0);
            }
        }
    }
    let (score, gradients) = fixture.gradients();
    assert!((score.loss() - fixture.loss()).abs() < 1e-14);
    let mut moved = 0;
    for (index, param) in fixture.network.parameters().to_vec().iter().enumerate() {
        let stride = (param.len() / PROBES).max(1);
        for element in (0..param.len()).step_by(stride) {
            let weight = fixture.params.values(index)[element];
            let mut at = |weight: f64| {
                fixture.params.values_mut(index)[element] = weight;
                fixture.loss()
            };
            let step = 1e-6;
            let difference = (at(weight + step) - at(weight - step)) / (2.0 * step);
            at(weight);
            let gradient = gradients.values(index)[element];
            assert!(
                (gradient - difference).abs() < 1e-7,
                "{}, {} [{element}]: gradient {gradient}, finite difference {difference}",
                spec.name,
                param.name
            );
            moved += usize::from(gradient.abs() > 1e-4);
        }
    }
    assert!(moved > 10, "{}: too few gradients differ from zero to say anything", spec.name);
}

#[test]
fn gradients_follow_finite_differences_in_both_storages() {
    for spec in small_models() {
        check::<NdarrayParams<f64>>(&spec, false, false);
        check::<NalgebraParams<f64>>(&spec, false, false);
    }
}

#[test]
fn gradients_follow_finite_differences_through_masked_weights() {
    for spec in [small_cnn(), small_mlp(), small_lenet()] {
        check::<NdarrayParams<f64>>(&spec, false, true);
        check::<NalgebraParams<f64>>(&spec, false, true);
    }
}

#[test]
fn pruned_activations_gate_the_gradient() {
    for spec in [vec![small_cnn()], unusual()].concat() {
        let masked = spec.name == "small cnn";
        check::<NdarrayParams<f64>>(&spec, true, masked);
        check::<NalgebraParams<f64>>(&spec, true, masked);
    }
}

/// A place of the demo that measures the gap between kept and pruned values.
struct Watched {
    place: Arc<Place>,
    least_gap: Mutex<f64>,
}

impl ActivationPruning<f64> for Watched {
    fn prune(
        &self,
        sample: &mut [f64],
        shape: &[usize],
        mask: &mut [u64],
        scratch: &mut (dyn Any + Send + Sync),
    ) -> Result<(), ActivationError> {
        let before = sample.to_vec();
        self.place.prune(sample, shape, mask, scratch)?;
        let (lane, group) = match self.place.rule {
            ActivationRule::Unstructured(_) => (before.len(), before.len()),
            ActivationRule::Nm(pattern) => (shape[shape.len() - 1], pattern.m()),
        };
        let mask = &*mask;
        let lanes = (0..before.len()).step_by(lane).map(|start| start..start + lane);
        let groups =
            lanes.flat_map(|lane| lane.clone().step_by(group).map(move |start| start..lane.end.min(start + group)));
        for group in groups {
            let magnitudes = |kept: bool| {
                let chosen = group.clone().filter(move |i| (mask[i / 64] >> (i % 64) & 1 == 1) == kept);
                chosen.map(|i| before[i].abs())
            };
            let lowest_kept = magnitudes(true).fold(f64::INFINITY, f64::min);
            let highest_pruned = magnitudes(false).fold(0.0, f64::max);
            // If only zeros of the relu are pruned, no small step changes the choice.
            if highest_pruned > 0.0 {
                let mut least = self.least_gap.lock().unwrap();
                *least = least.min(lowest_kept - highest_pruned);
            }
        }
        Ok(())
    }

    fn scratch(&self) -> Scratch {
        ActivationPruning::<f64>::scratch(&*self.place)
    }
}

/// The places of the demo follow their values, so the loss jumps if two values change ranks. This checks that the
/// gaps between them are far wider than the steps of the finite differences.
fn check_places<P: ParamStorage<f64>>(spec: &ModelSpec, rules: [ActivationRule; 2]) {
    let mut fixture = Fixture::<f64, P>::new(spec, SAMPLES, false);
    let dense = fixture.loss();
    let places = prune_activations(&mut fixture.network, spec, &rules).unwrap();
    let watched: Vec<_> =
        places.into_iter().map(|place| Arc::new(Watched { place, least_gap: Mutex::new(f64::INFINITY) })).collect();
    for (index, place) in watched.iter().enumerate() {
        fixture.network.set_activation_pruner(index, Some(place.clone())).unwrap();
    }
    assert!((fixture.loss() - dense).abs() > 1e-4, "the rules must change something");
    for place in &watched {
        assert!(place.place.report().had_effect());
        let gap = *place.least_gap.lock().unwrap();
        assert!((2e-5..f64::INFINITY).contains(&gap), "{}: {:?} leaves a gap of {gap}", spec.name, place.place.rule);
    }
    check_fixture(fixture, spec, false);
}

#[test]
fn gradients_follow_finite_differences_through_the_places_of_the_demo() {
    let (density, pattern) = (Density::new(0.3).unwrap(), NmPattern::new(2, 4).unwrap());
    let (density, pattern) = (ActivationRule::Unstructured(density), ActivationRule::Nm(pattern));
    // The small CNN has its places after a relu, the first unusual model also after a convolution and after pooling.
    for spec in [small_cnn(), unusual().remove(0)] {
        for rules in [[density, pattern], [pattern, density]] {
            check_places::<NdarrayParams<f64>>(&spec, rules);
            check_places::<NalgebraParams<f64>>(&spec, rules);
        }
    }
}

#[test]
fn pruned_activations_change_the_loss_and_can_be_switched_off() {
    let mut fixture = Fixture::<f64, NdarrayParams<f64>>::new(&small_cnn(), SAMPLES, false);
    let dense = fixture.loss();
    fixture.network.set_activation_pruner(1, Some(Arc::new(FixedMask))).unwrap();
    let pruned = fixture.loss();
    fixture.network.set_activation_pruner(1, None).unwrap();
    assert!((dense - pruned).abs() > 1e-4);
    assert_eq!(fixture.loss(), dense);
}

#[test]
fn f32_gradients_are_those_of_f64() {
    for spec in small_models() {
        let (_, exact) = Fixture::<f64, NdarrayParams<f64>>::new(&spec, SAMPLES, true).gradients();
        let (_, single) = Fixture::<f32, NdarrayParams<f32>>::new(&spec, SAMPLES, true).gradients();
        for (index, param) in exact.specs().iter().enumerate() {
            let largest = exact.values(index).iter().fold(0.0_f64, |a, b| a.max(b.abs()));
            for (exact, &single) in exact.values(index).iter().zip(single.values(index)) {
                let error = (exact - f64::from(single)).abs();
                assert!(error <= 1e-5 * largest + 1e-7, "{} {}: {exact} {single}", spec.name, param.name);
            }
        }
    }
}

#[test]
fn a_sample_is_scored_alike_alone_and_in_a_batch() {
    for spec in small_models() {
        let mut fixture = Fixture::<f64, NdarrayParams<f64>>::new(&spec, SAMPLES, true);
        fixture.loss();
        let together = fixture.network.logits().to_vec();
        let (size, classes) = (fixture.network.sample_len(), fixture.network.classes());
        for sample in 0..SAMPLES {
            let image = &fixture.images[sample * size..(sample + 1) * size];
            fixture.network.score_batch(&fixture.params, image, &[0]).unwrap();
            for (alone, together) in fixture.network.logits().iter().zip(&together[sample * classes..]).take(classes) {
                assert!((alone - together).abs() < 1e-12);
            }
        }
    }
}
