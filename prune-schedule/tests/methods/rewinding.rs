//! The lottery ticket: all parameters are set back before the new masks are applied.

use proptest::prelude::*;
use prune_schedule::{Evidence, Moment, Pruner};

use crate::model::Model;
use crate::oracle::{unstructured, weights};
use crate::{Kept, agrees, densities, earlier, ended, kept, models, prepared, pruner};

proptest! {
    #[test]
    fn masks_are_of_the_trained_weights_and_values_of_the_initial_ones(
        mut model in models(), earlier in earlier(), density in densities(), global in any::<bool>(),
    ) {
        let method = if global { "unstr_global" } else { "unstr_unified_local" };
        let event = format!("'method': '{method}', 'density': {density}, 'rewind': 0");
        let initial = model.clone();
        let mut pruner = prepared(earlier, &event, &mut model);
        model.disturb(5);
        pruner.hold(&mut model).unwrap();
        let (trained, alive) = (model.clone(), kept(&pruner));
        let scores = trained.0.iter().map(|(name, _)| (name.clone(), weights(&trained, name).iter().map(|w| w.abs()).collect()));
        let expected = unstructured(&trained, density, global, &alive, &scores.collect());
        let outcome = ended(&mut pruner, &mut model, Evidence { rewind: Some(&initial), ..Evidence::default() });
        let refused = expected.is_none();
        if let Ok(report) = &outcome {
            prop_assert_eq!(report.rewound_to, Some(0));
            let zeros = |model: &Model| model.0.iter().flat_map(|(_, t)| t.values().to_vec()).filter(|v| *v != 0.0).count();
            prop_assert_eq!(report.all.non_zero, zeros(&model));
        }
        // Biases are set back too, although no event selected them.
        let before = if refused { &trained } else { &initial };
        agrees(outcome, &pruner, before, &model, &alive, expected)?;
    }
}

/// A layer that an earlier event pruned and this event does not select is dense in the parameters that are set back.
#[test]
fn masks_of_other_layers_are_applied_again() {
    let mut model = Model::seeded(&[("a.weight", &[3, 4]), ("b.weight", &[3, 4]), ("b.bias", &[3])], 4);
    let initial = model.clone();
    let mut pruner = pruner(
        "{1: {'method': 'unstr_local', 'density': {'a.weight': 0.25, 'b.bias': 0.3}},
          2: {'method': 'unstr_local', 'density': {'b.weight': 0.5}, 'rewind': 0}}",
    );
    pruner.end_epoch(1, &mut model).unwrap();
    model.disturb(7);
    pruner.hold(&mut model).unwrap();
    let report = pruner
        .end_epoch_with(2, &mut model, Evidence { rewind: Some(&initial), ..Evidence::default() })
        .unwrap()
        .unwrap();
    assert_eq!(pruner.revivals(&model).unwrap(), 0);
    assert_eq!(report.all.non_zero, 3 + 6 + 1);
    for (name, mask) in pruner.masks().iter() {
        for index in mask.kept_indices() {
            assert_eq!(
                model.get(name).values()[index].to_bits(),
                initial.get(name).values()[index].to_bits(),
                "{name}"
            );
        }
    }
}

fn refused(text: &str, epoch: u64, rewind: Option<&Model>) -> String {
    let mut model = Model::of(&[("a.weight", &[1, 2], &[1.0, 2.0]), ("a.bias", &[1], &[3.0])]);
    let mut pruner = pruner(text);
    let evidence = Evidence { rewind: rewind.map(|model| model as _), ..Evidence::default() };
    let before = (pruner.clone(), model.clone());
    let error = if pruner.strategy().has_steps() {
        pruner.end_step_with(epoch, &mut model, evidence).unwrap_err()
    } else {
        pruner.end_epoch_with(epoch, &mut model, evidence).unwrap_err()
    };
    assert_eq!((pruner, model), before);
    error.to_string()
}

#[test]
fn what_is_missing_is_named() {
    let text = "{1: {'method': 'unstr_global', 'density': 0.5, 'rewind': 0}}";
    assert_eq!(
        refused(text, 1, None),
        "epoch 1: the parameters of epoch 0 are needed to rewind to; hand them over as `rewind` in the `Evidence` of \
         `end_epoch_with`"
    );
    assert_eq!(
        refused(text, 1, Some(&Model::of(&[("a.weight", &[1, 2], &[1.0, 2.0])]))),
        "epoch 1: the parameters of epoch 0 are needed to rewind to; there is no layer `a.bias` among them"
    );
    assert_eq!(
        refused(text, 1, Some(&Model::of(&[("a.weight", &[2, 1], &[1.0, 2.0]), ("a.bias", &[1], &[3.0])]))),
        "epoch 1: the parameters of epoch 0 are needed to rewind to; layer `a.weight` is f32 of shape [2, 1] there and f32 \
         of shape [1, 2] in the model"
    );
    let whole = Model::of(&[("a.weight", &[1, 2], &[1.0, 2.0]), ("a.bias", &[1], &[3.0])]);
    assert_eq!(
        refused("{'5 steps': {'method': 'unstr_global', 'density': 0.5, 'rewind': 1}}", 5, Some(&whole)),
        "step 5: the parameters of epoch 1 are needed to rewind to; that epoch has not ended, epoch 1 is in training"
    );
}

#[test]
fn rounds_of_the_lottery_ticket() {
    // Each round prunes 20% of the remaining weights: the masks nest, and every round starts from the same weights.
    let mut model = Model::seeded(&[("a.weight", &[10, 10])], 2);
    let initial = model.clone();
    let events: Vec<String> = (1..=3)
        .map(|round| {
            format!("{round}: {{'method': 'unstr_unified_local', 'density': {}, 'rewind': 0}}", 0.8f64.powi(round))
        })
        .collect();
    let mut pruner: Pruner = pruner(&format!("{{{}}}", events.join(", ")));
    let mut before: Option<Kept> = None;
    for (round, expected) in [(1, 80), (2, 64), (3, 51)] {
        model.disturb(round);
        pruner.hold(&mut model).unwrap();
        let evidence = Evidence { rewind: Some(&initial), ..Evidence::default() };
        let report = pruner.end_epoch_with(round, &mut model, evidence).unwrap().unwrap();
        assert_eq!(report.selected.kept, expected);
        let now = kept(&pruner);
        assert_eq!(model.bits(), crate::applied(&initial, &now).bits());
        if let Some(before) = before {
            assert!(now["a.weight"].iter().zip(&before["a.weight"]).all(|(now, before)| !now || *before));
        }
        before = Some(now);
    }
}

#[test]
fn scaling_moves_the_epoch_to_go_back_to() {
    let twelve: prune_schedule::Strategy =
        "{12: {'method': 'unstr_global', 'density': 0.5, 'rewind': 4}}".parse().unwrap();
    let six: prune_schedule::Strategy = "{6: {'method': 'unstr_global', 'density': 0.5, 'rewind': 2}}".parse().unwrap();
    assert_eq!(twelve.scale_epochs(12, 6).unwrap(), six);
    assert_eq!(
        twelve.scale_epochs(12, 1).unwrap_err().to_string(),
        "epoch 1: `rewind` does not fit: it goes back to the end of an earlier epoch, and epoch 1 is not before epoch 1"
    );
}

/// An event detached from the parameters that it sets back is for a caller that writes them itself; leaving them out is
/// an error.
#[test]
fn an_event_detached_from_its_parameters_is_committed_by_who_writes_them() {
    let mut model = Model::seeded(&[("a.weight", &[3, 4]), ("a.bias", &[3])], 4);
    let initial = model.clone();
    let mut pruner = pruner("{1: {'method': 'unstr_global', 'density': 0.5, 'rewind': 0}}");
    model.disturb(7);
    let (mut whole, mut expected) = (pruner.clone(), model.clone());
    let evidence = || Evidence { rewind: Some(&initial), ..Evidence::default() };
    let report = whole.end_epoch_with(1, &mut expected, evidence()).unwrap().unwrap();

    let detached = || pruner.prepare(Moment::Epoch(1), &model, evidence()).unwrap().unwrap().detached();
    let (first, second) = (detached(), detached());
    let before = model.bits();
    let error = pruner.clone().commit(first, &mut model).unwrap_err();
    assert_eq!(
        error.to_string(),
        "epoch 1: the parameters of epoch 0 are needed to rewind to; the event was detached from them; write them, and call \
         `commit_written`"
    );
    assert_eq!(model.bits(), before);

    let mut written = initial.clone();
    second.writes().hold(&mut written).unwrap();
    assert_eq!(pruner.commit_written(second, Some(&written)).unwrap(), report);
    assert_eq!((written.bits(), pruner.to_json()), (expected.bits(), whole.to_json()));
}
