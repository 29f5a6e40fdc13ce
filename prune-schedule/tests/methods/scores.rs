//! Scores: random, saliency, snip, wanda, given.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use prune_core::{Masks, PlainTensor, draw};
use prune_schedule::{Evidence, Inputs};

use crate::model::{Model, shape};
use crate::oracle::{self, count, things, unstructured, weights};
use crate::{Kept, agrees, densities, earlier, ended, kept, like, models, models_of, prepared};

fn scored(model: &Model, score: impl Fn(&str, usize) -> f64) -> BTreeMap<String, Vec<f64>> {
    let layer = |(name, tensor): &(String, PlainTensor<f32>)| {
        (name.clone(), (0..tensor.values().len()).map(|index| score(name, index)).collect())
    };
    model.0.iter().map(layer).collect()
}

fn event(density: f64, global: bool, score: &str) -> String {
    let method = if global { "unstr_global" } else { "unstr_unified_local" };
    format!("'method': '{method}', 'density': {density}, {score}")
}

fn model_and_batches() -> impl Strategy<Value = (Model, Vec<Model>)> {
    models().prop_flat_map(|model| {
        let batches = proptest::collection::vec(like(&model), 1..4);
        (Just(model), batches)
    })
}

proptest! {
    #[test]
    fn random(mut model in models(), earlier in earlier(), density in densities(), global in any::<bool>(), seed in 0u64..99) {
        let event = event(density, global, &format!("'score': 'random', 'seed': {seed}"));
        let mut pruner = prepared(earlier, &event, &mut model);
        let (before, alive) = (model.clone(), kept(&pruner));
        let scores = scored(&before, |name, index| draw(seed, name, index as u64));
        let expected = unstructured(&before, density, global, &alive, &scores);
        let outcome = ended(&mut pruner, &mut model, Evidence::default());
        agrees(outcome, &pruner, &before, &model, &alive, expected)?;
    }

    #[test]
    fn saliency_is_of_the_last_batch((mut model, batches) in model_and_batches(), earlier in earlier(),
                                     density in densities(), global in any::<bool>(), handed in any::<bool>()) {
        let mut pruner = prepared(earlier, &event(density, global, "'score': 'saliency'"), &mut model);
        let (before, alive) = (model.clone(), kept(&pruner));
        let (last, others) = batches.split_last().unwrap();
        for batch in others {
            pruner.observe(batch).unwrap();
        }
        if !handed {
            pruner.observe(last).unwrap();
        }
        let scores = scored(&before, |name, index| (weights(&before, name)[index] * weights(last, name)[index]).abs());
        let expected = unstructured(&before, density, global, &alive, &scores);
        let evidence = Evidence { gradients: handed.then_some(last as _), ..Evidence::default() };
        let outcome = ended(&mut pruner, &mut model, evidence);
        agrees(outcome, &pruner, &before, &model, &alive, expected)?;
    }

    #[test]
    fn snip_averages_before_it_multiplies((mut model, batches) in model_and_batches(), earlier in earlier(),
                                          density in densities(), global in any::<bool>()) {
        let mut pruner = prepared(earlier, &event(density, global, "'score': 'snip'"), &mut model);
        let (before, alive) = (model.clone(), kept(&pruner));
        for batch in &batches {
            pruner.observe(batch).unwrap();
        }
        // The order of means is the order of sums, and these sums are exact.
        let sum = |name: &str, index: usize| batches.iter().map(|batch| weights(batch, name)[index]).sum::<f64>();
        let scores = scored(&before, |name, index| (weights(&before, name)[index] * sum(name, index)).abs());
        let expected = unstructured(&before, density, global, &alive, &scores);
        let outcome = ended(&mut pruner, &mut model, Evidence::default());
        agrees(outcome, &pruner, &before, &model, &alive, expected)?;
    }

    #[test]
    fn given_scores_rank_by_value((mut model, batches) in model_and_batches(), earlier in earlier(),
                                  density in densities(), global in any::<bool>(), infinite in any::<prop::sample::Index>()) {
        let mut pruner = prepared(earlier, &event(density, global, "'score': 'given'"), &mut model);
        let (before, alive) = (model.clone(), kept(&pruner));
        let mut given = batches[0].clone();
        let values = given.0[0].1.values_mut();
        let at = infinite.index(values.len());
        values[at] = f32::NEG_INFINITY;
        let scores = scored(&before, |name, index| weights(&given, name)[index]);
        let expected = unstructured(&before, density, global, &alive, &scores);
        let outcome = ended(&mut pruner, &mut model, Evidence { scores: Some(&given), ..Evidence::default() });
        agrees(outcome, &pruner, &before, &model, &alive, expected)?;
    }
}

const TELLING: [&str; 4] = ["fc.weight", "Conv_1-kernel", "conv.weight", "Dense_0-kernel"];

/// The axis of outputs: the last of kernels, the first of weights.
fn output_axis(name: &str, rank: usize) -> usize {
    if name.ends_with("kernel") { rank - 1 } else { 0 }
}

/// The input that an element is multiplied by: its place without the output axis, in row-major order.
fn input_of(index: usize, shape: &[usize], axis: usize) -> usize {
    let place = oracle::place(index, shape);
    (0..shape.len()).filter(|&other| other != axis).fold(0, |input, other| input * shape[other] + place[other])
}

/// Norms from 0 to 2 in halves, which depend on the layer, the input and `else_`.
fn norms(name: &str, shape: &[usize], else_: usize) -> PlainTensor<f64> {
    let axis = output_axis(name, shape.len());
    let inputs: Vec<usize> = (0..shape.len()).filter(|&other| other != axis).map(|other| shape[other]).collect();
    let norm = |input: usize| ((input * 7 + else_ * 3 + name.len()) % 5) as f64 / 2.0;
    PlainTensor::from_logical(&inputs, (0..inputs.iter().product()).map(norm).collect()).unwrap()
}

/// Wanda on one layer: each output keeps the best of its inputs; `None` if an output has too few alive.
fn wanda(before: &Model, name: &str, density: f64, norms: &PlainTensor<f64>, alive: &Kept) -> Option<Vec<bool>> {
    let shape = before.shape(name);
    let axis = output_axis(name, shape.len());
    let scores: Vec<f64> = weights(before, name)
        .iter()
        .enumerate()
        .map(|(index, weight)| weight.abs() * norms.values()[input_of(index, &shape, axis)])
        .collect();
    let mut mask = vec![false; scores.len()];
    for output in 0..shape[axis] {
        let mut of_output = things(name, &scores, alive);
        of_output.retain(|(_, _, index)| oracle::place(*index, &shape)[axis] == output);
        let asked = count(density, scores.len() / shape[axis]);
        if asked > of_output.len() {
            return None;
        }
        oracle::best(of_output, asked).into_iter().for_each(|(_, index)| mask[index] = true);
    }
    Some(mask)
}

proptest! {
    #[test]
    fn wanda_with_norms_of_inputs(mut model in models_of(&TELLING), earlier in earlier(), density in densities()) {
        let mut pruner = prepared(earlier, &event(density, false, "'score': 'wanda'"), &mut model);
        let (before, alive) = (model.clone(), kept(&pruner));
        let given: Vec<(String, PlainTensor<f64>)> =
            before.0.iter().map(|(name, tensor)| (name.clone(), norms(name, &shape(tensor), 0))).collect();
        let layers: Vec<(&str, prune_core::LayerRef<'_>)> =
            given.iter().map(|(name, norms)| (name.as_str(), prune_core::LayerRef::of(norms))).collect();
        let masks = given.iter().map(|(name, norms)| Some((name.clone(), wanda(&before, name, density, norms, &alive)?)));
        let expected: Option<Kept> = masks.collect();
        let evidence = Evidence { inputs: Some(Inputs::Norms(&layers)), ..Evidence::default() };
        let outcome = ended(&mut pruner, &mut model, evidence);
        agrees(outcome, &pruner, &before, &model, &alive, expected)?;
    }

    /// The inputs of a layer are measured while the layers before it are already pruned.
    #[test]
    fn wanda_measures_layer_by_layer(mut model in models_of(&TELLING), earlier in earlier(), density in densities()) {
        let mut pruner = prepared(earlier, &event(density, false, "'score': 'wanda'"), &mut model);
        let (before, alive) = (model.clone(), kept(&pruner));
        let asked = RefCell::new(Vec::new());
        let measure = |name: &str, masks: &Masks| {
            let closed: usize = masks.iter().map(|(_, mask)| mask.len() - mask.kept_len()).sum();
            asked.borrow_mut().push((name.to_owned(), closed));
            Ok(norms(name, &before.shape(name), closed))
        };
        let mut so_far = alive.clone();
        let mut expected = Some(Kept::new());
        let mut calls = Vec::new();
        for (name, tensor) in &before.0 {
            let closed = so_far.values().flatten().filter(|kept| !**kept).count();
            let mask = wanda(&before, name, density, &norms(name, &shape(tensor), closed), &alive);
            calls.push((name.clone(), closed));
            match (mask, &mut expected) {
                (Some(mask), Some(expected)) => {
                    so_far.insert(name.clone(), mask.clone());
                    expected.insert(name.clone(), mask);
                }
                _ => {
                    expected = None;
                    break;
                }
            }
        }
        let refused = expected.is_none();
        let outcome =
            ended(&mut pruner, &mut model, Evidence { inputs: Some(Inputs::Measure(&measure)), ..Evidence::default() });
        agrees(outcome, &pruner, &before, &model, &alive, expected)?;
        if !refused {
            prop_assert_eq!(asked.into_inner(), calls);
        }
    }
}

#[test]
fn the_mean_of_products_would_keep_something_else() {
    // Two batches pull the first weight both ways, so on average it does not matter.
    let mut model = Model::of(&[("fc.weight", &[1, 2], &[1.0, 1.0])]);
    let batch = |gradients: [f32; 2]| Model::of(&[("fc.weight", &[1, 2], &gradients)]);
    let mut pruner = prepared(None, &event(0.5, true, "'score': 'snip'"), &mut model);
    pruner.observe(&batch([5.0, 1.0])).unwrap();
    pruner.observe(&batch([-5.0, 1.0])).unwrap();
    ended(&mut pruner, &mut model, Evidence::default()).unwrap();
    assert_eq!(model.get("fc.weight").values(), [0.0, 1.0]);
}

#[test]
fn what_is_missing_is_named() {
    for (score, message) in [
        (
            "saliency",
            "epoch 1, layer `fc.weight`: `saliency` needs the layer's gradient; call `observe` after each backward pass that \
             leads up to the event, before gradients are masked, or hand it over in its `Evidence`",
        ),
        (
            "wanda",
            "epoch 1, layer `fc.weight`: `wanda` needs the norms of the layer's inputs; hand it over in the `Evidence` of \
             the call",
        ),
        (
            "given",
            "epoch 1, layer `fc.weight`: `given` needs a tensor of scores; hand it over in the `Evidence` of the call",
        ),
    ] {
        let mut model = Model::of(&[("fc.weight", &[1, 2], &[1.0, 1.0])]);
        let mut pruner = prepared(None, &event(0.5, false, &format!("'score': '{score}'")), &mut model);
        assert_eq!(ended(&mut pruner, &mut model, Evidence::default()).unwrap_err().to_string(), message);
    }
}

/// A NaN is refused with its layer and place, whatever tensor it is in, and nothing is written.
#[test]
fn nan_is_named() {
    let two = |a: [f32; 2]| Model::of(&[("fc.weight", &[1, 2], &a)]);
    let nan = two([1.0, f32::NAN]);
    let norms = [PlainTensor::from_logical(&[2], vec![1.0, f64::NAN]).unwrap()];
    let norms = [("fc.weight", prune_core::LayerRef::of(&norms[0]))];
    let gradients = Evidence { gradients: Some(&nan), ..Evidence::default() };
    let cases: [(&str, Evidence<'_>); 5] = [
        ("'score': 'saliency'", gradients),
        ("'score': 'snip'", gradients),
        ("'score': 'given'", Evidence { scores: Some(&nan), ..Evidence::default() }),
        ("'score': 'wanda'", Evidence { inputs: Some(Inputs::Norms(&norms)), ..Evidence::default() }),
        (
            "'score': 'wanda', 'ranking': 'layer'",
            Evidence { inputs: Some(Inputs::Norms(&norms)), ..Evidence::default() },
        ),
    ];
    for (score, evidence) in cases {
        let mut model = two([1.0, 2.0]);
        let mut pruner = prepared(None, &event(0.5, false, score), &mut model);
        assert_eq!(
            ended(&mut pruner, &mut model, evidence).unwrap_err().to_string(),
            "epoch 1: layer `fc.weight`: the score at [0, 1] is NaN, which has no rank; mend the values or leave the layer \
             out"
        );
        assert_eq!(model, two([1.0, 2.0]));
    }
    for structure in ["'method': 'block_global', 'block': (1, 1)", "'method': 'channel_local'"] {
        let density = if structure.contains("local") { "{'fc.weight': 0.5}" } else { "0.5" };
        let mut model = nan.clone();
        let mut pruner = prepared(None, &format!("{structure}, 'density': {density}"), &mut model);
        let error = ended(&mut pruner, &mut model, Evidence::default()).unwrap_err().to_string();
        assert!(error.contains("layer `fc.weight`: the score at [0, 1] is NaN"), "{error}");
    }
}

/// Nothing tells which side of this square layer the norms belong to: the user must say so.
#[test]
fn inputs_of_either_side_are_not_guessed() {
    let mut model = Model::of(&[("table", &[2, 2], &[1.0, 2.0, 3.0, 4.0])]);
    let norms = Model::of(&[("table", &[2], &[1.0, 10.0])]);
    let evidence = || Evidence { inputs: Some(Inputs::Norms(&norms)), ..Evidence::default() };
    let by = |axis: &str| {
        let method = format!("'method': 'unstr_unified_local', 'density': 0.5, 'score': 'wanda', {axis}");
        prune_schedule::Pruner::new(format!("{{1: {{{method}}}}}").parse().unwrap())
    };
    let error = by("'ranking': 'layer'").end_epoch_with(1, &mut model.clone(), evidence()).unwrap_err().to_string();
    assert!(error.contains("nothing tells which of its 2 axes is that of its outputs"), "{error}");
    let mut pruner = by("'ranking': 'output', 'axis': 1");
    pruner.end_epoch_with(1, &mut model, evidence()).unwrap();
    // |w| times the norm of its row: 1, 2 and 30, 40. The better weight of each column is in the second row.
    assert_eq!(kept(&pruner)["table"], [false, false, true, true]);
}
