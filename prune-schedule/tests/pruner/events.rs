//! Events one after the other: masks in force, held zeros, and epochs that only go forward.

use prune_core::{Mask, Masks};
use prune_schedule::{PruneError, Pruner, Report};

use crate::model::Model;
use crate::{ended, kept, pruner, small};

#[test]
fn layers_of_no_event_keep_their_masks() {
    let mut model = small();
    let mut pruner = pruner(
        "{1: {'method': 'unstr_unified_local', 'density': 0.5},
          2: {'method': 'unstr_local', 'density': {'Dense_0-kernel': 0.25}}}",
    );
    ended(&mut pruner, 1, &mut model);
    let first = kept(&pruner, "Dense_1-kernel");
    model.disturb(1);
    pruner.hold(&mut model).unwrap();
    let report = ended(&mut pruner, 2, &mut model);
    assert_eq!(kept(&pruner, "Dense_1-kernel"), first);
    assert_eq!((report.selected.kept, report.all.kept), (2, 2 + 4 + 2));
    model.disturb(2);
    pruner.hold(&mut model).unwrap();
    assert_eq!(pruner.revivals(&model).unwrap(), 0);
    assert_eq!(model.get("Dense_1-kernel").values().iter().filter(|value| **value != 0.0).count(), 2);
}

#[test]
fn zeros_stay_zero_under_momentum_and_weight_decay() {
    let mut model = Model::seeded(&[("a-kernel", &[8, 8]), ("a-bias", &[8])], 1);
    let mut momentum = model.zeros();
    let mut pruner = pruner("{1: {'method': 'unstr_global', 'density': 0.3}}");
    let step = |model: &mut Model, momentum: &mut Model, seed| {
        let gradient = Model::seeded(&[("a-kernel", &[8, 8]), ("a-bias", &[8])], seed);
        for (((_, w), (_, m)), (_, g)) in model.0.iter_mut().zip(&mut momentum.0).zip(&gradient.0) {
            for ((w, m), g) in w.values_mut().iter_mut().zip(m.values_mut()).zip(g.values()) {
                *m = 0.9 * *m + g + 0.01 * *w;
                *w -= 0.1 * *m;
            }
        }
    };
    (0..5).for_each(|seed| step(&mut model, &mut momentum, seed));
    ended(&mut pruner, 1, &mut model);
    assert_eq!(pruner.revivals(&model).unwrap(), 0);
    assert_eq!(pruner.revivals(&momentum).unwrap(), 64 - 19);
    for seed in 5..10 {
        step(&mut model, &mut momentum, seed);
        // Without `hold` everything revives.
        assert_eq!(pruner.revivals(&model).unwrap(), 64 - 19);
        pruner.hold(&mut model).unwrap();
        pruner.hold(&mut momentum).unwrap();
        assert_eq!(pruner.revivals(&model).unwrap() + pruner.revivals(&momentum).unwrap(), 0);
    }
}

#[test]
fn later_masks_are_subsets() {
    let mut model = Model::seeded(&[("a", &[10, 10]), ("b", &[20, 5])], 3);
    let mut pruner =
        pruner("{1: {'method': 'unstr_global', 'density': 0.6}, 2: {'method': 'unstr_global', 'density': 0.2}}");
    ended(&mut pruner, 1, &mut model);
    let before = pruner.masks().clone();
    model.disturb(9);
    // This holds even without `hold`: dead elements rank last, however large they have grown.
    ended(&mut pruner, 2, &mut model);
    for (layer, mask) in pruner.masks().iter() {
        assert!(mask.is_subset(before.get(layer).unwrap()).unwrap(), "{layer}");
    }
    assert_eq!(pruner.masks().iter().map(|(_, mask)| mask.kept_len()).sum::<usize>(), 40);
}

#[test]
fn n_m_over_an_existing_mask_counts_short_groups() {
    let mut model = Model::of(&[("a", &[1, 8], &[8.0, 7.0, 6.0, 0.1, 0.2, 5.0, 0.3, 0.4])]);
    let mut pruner = pruner(
        "{1: {'method': 'unstr_unified_local', 'density': 0.5}, 2: {'method': 'str_unified_local', 'pattern': '2:4'}}",
    );
    pruner.check(&model).unwrap();
    ended(&mut pruner, 1, &mut model);
    let report = ended(&mut pruner, 2, &mut model);
    assert_eq!(kept(&pruner, "a"), [0, 1, 5]);
    assert_eq!((report.selected.asked, report.selected.kept, report.selected.short_groups), (Some(4), 3, 1));
    assert!(report.to_string().contains("short groups"), "{report}");
}

#[test]
fn an_event_that_changes_nothing_says_so() {
    let mut model = small();
    let mut pruner = pruner(
        "{1: {'method': 'unstr_unified_local', 'density': 0.5}, 2: {'method': 'unstr_unified_local', 'density': 0.5},
          3: {'method': 'unstr_local', 'density': {'Dense_0-bias': 1}}}",
    );
    assert!(!ended(&mut pruner, 1, &mut model).unchanged);
    let report = ended(&mut pruner, 2, &mut model);
    assert!(report.unchanged);
    assert!(report.to_string().starts_with(
        "epoch 2: unstr_unified_local, keeps 50%, removes 50%: unchanged, every mask and weight is as it was\n"
    ));
    assert!(ended(&mut pruner, 3, &mut model).unchanged);
}

/// Zeros of either sign are zero. An element that was zero before counts as closed, not as newly pruned.
#[test]
fn zeros_are_closed_and_not_newly_pruned() {
    let mut model = Model::of(&[("a", &[2, 4], &[4.0, 0.0, -0.0, 3.0, 0.0, 2.0, 1.0, -0.0])]);
    let mut pruner = pruner(
        "{1: {'method': 'unstr_global', 'density': 0.5}, 2: {'method': 'unstr_global', 'density': 0.25},
          3: {'method': 'unstr_global', 'density': 0.25}}",
    );
    let counts = |report: &Report| (report.selected.closed, report.selected.newly_pruned, report.selected.non_zero);
    let first = ended(&mut pruner, 1, &mut model);
    assert_eq!((counts(&first), first.unchanged), ((4, 0, 4), false));
    assert!(first.to_string().contains("newly pruned  closed"), "{first}");
    let second = ended(&mut pruner, 2, &mut model);
    assert_eq!((counts(&second), second.unchanged), ((2, 2, 2), false));
    assert!(!second.to_string().contains("closed"), "{second}");
    // The masks stay, but a weight that has come back is overwritten.
    model.get_mut("a").values_mut()[1] = 5.0;
    let third = ended(&mut pruner, 3, &mut model);
    assert_eq!((counts(&third), third.unchanged), ((0, 0, 2), false));
    assert_eq!(model.get("a").values()[1].to_bits(), 0);
}

#[test]
fn epochs_go_forward_and_skip_no_event() {
    let mut model = small();
    let text = "{0: {'method': 'unstr_global', 'density': 0.9}, '3..=4': {'method': 'unstr_global', 'density': 0.5}}";
    let mut pruner = pruner(text);
    let message = |result: Result<Option<Report>, PruneError>| result.unwrap_err().to_string();
    assert_eq!(
        message(pruner.end_epoch(1, &mut model)),
        "epoch 1 cannot end yet: the event at epoch 0 has not happened; call `start` before training"
    );
    pruner.start(&mut model).unwrap();
    assert_eq!(message(pruner.start(&mut model)), "epoch 0 cannot end after epoch 0 has; epochs only go forward");
    pruner.end_epoch(2, &mut model).unwrap();
    assert_eq!(
        message(pruner.end_epoch(1, &mut model)),
        "epoch 1 cannot end after epoch 2 has; epochs only go forward"
    );
    assert_eq!(
        message(pruner.end_epoch(4, &mut model)),
        "epoch 4 cannot end yet: the event at epoch 3 has not happened; call `end_epoch(3, ..)` when that epoch has trained"
    );
    pruner.end_epoch(3, &mut model).unwrap();
    assert!(pruner.end_epoch(5, &mut model).is_err());
    pruner.end_epoch(4, &mut model).unwrap();
    assert!(pruner.end_epoch(u64::MAX, &mut model).unwrap().is_none());
    assert_eq!(pruner.last_epoch(), Some(u64::MAX));
}

#[test]
fn masks_of_a_pruned_model_are_in_force_from_the_start() {
    let mut model = small();
    let masks: Masks = [("Dense_1-kernel".to_owned(), Mask::from_bools(&[4, 1], &[true, true, false, false]).unwrap())]
        .into_iter()
        .collect();
    let strategy = "{1: {'method': 'unstr_local', 'density': {'Dense_1-kernel': 0.25}}}";
    let mut pruner = Pruner::with_masks(strategy.parse().unwrap(), masks.clone());
    pruner.check(&model).unwrap();
    pruner.hold(&mut model).unwrap();
    ended(&mut pruner, 1, &mut model);
    assert_eq!(kept(&pruner, "Dense_1-kernel"), [1]);

    let too_much = "{1: {'method': 'unstr_local', 'density': {'Dense_1-kernel': 0.75}}}";
    let error = Pruner::with_masks(too_much.parse().unwrap(), masks.clone()).check(&model).unwrap_err();
    assert!(error.to_string().starts_with("epoch 1, layer `Dense_1-kernel`: 3 elements are asked for"), "{error}");

    let other = Model::of(&[("Dense_1-kernel", &[1, 4], &[0.0; 4])]);
    let misfit = Pruner::with_masks(strategy.parse().unwrap(), masks);
    assert_eq!(
        misfit.check(&other).unwrap_err().to_string(),
        "layer `Dense_1-kernel`: the mask has shape [4, 1] where [1, 4] is needed"
    );
    assert_eq!(
        misfit.check(&Model::of(&[("Dense_1_kernel", &[4, 1], &[0.0; 4])])).unwrap_err().to_string(),
        "there is no layer `Dense_1-kernel`; did you mean `Dense_1_kernel`?"
    );
}
