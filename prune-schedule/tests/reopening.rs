//! Events that open elements that earlier events closed.

#![allow(clippy::unwrap_used, reason = "tests")]

mod model;

use model::Model;
use prune_core::{Masks, NmPattern};
use prune_schedule::{Evidence, Pruner, Report};

fn pruner(strategy: &str) -> Pruner {
    Pruner::new(strategy.parse().unwrap_or_else(|error| panic!("{strategy}\n{error}")))
}

fn ended(pruner: &mut Pruner, epoch: u64, model: &mut Model) -> Report {
    pruner.end_epoch(epoch, model).unwrap_or_else(|error| panic!("{error}")).unwrap()
}

fn two_layers() -> Model {
    Model::seeded(&[("a", &[8, 12]), ("b", &[4, 6]), ("c", &[6])], 7)
}

/// Closes to a tenth at epoch 1, then carries out `second` at epoch 2; returns the masks before and after, and the
/// second report.
fn closed_then(second: &str) -> (Masks, Masks, Report, Model) {
    let mut model = two_layers();
    let mut pruner = pruner(&format!("{{1: {{'method': 'unstr_unified_local', 'density': 0.1}}, 2: {{{second}}}}}"));
    pruner.check(&model).unwrap();
    ended(&mut pruner, 1, &mut model);
    let before = pruner.masks().clone();
    // Nothing was held; reopened elements start at zero all the same.
    model.disturb(3);
    let report = ended(&mut pruner, 2, &mut model);
    assert_eq!(pruner.revivals(&model).unwrap(), 0);
    (before, pruner.masks().clone(), report, model)
}

/// Every element that was alive is kept, and every element that came in is zero.
fn alive_first_and_zeros_in(before: &Masks, after: &Masks, model: &Model) {
    for (layer, mask) in after.iter() {
        let alive = before.get(layer).unwrap();
        assert!(alive.is_subset(mask).unwrap(), "{layer}");
        let values = model.get(layer).values();
        for index in mask.difference(alive).unwrap().kept_indices() {
            assert_eq!(values[index].to_bits(), 0, "{layer} {index}");
        }
        assert!(alive.kept_indices().all(|index| values[index] != 0.0));
    }
}

#[test]
fn at_random_in_each_layer() {
    let (before, after, report, model) =
        closed_then("'method': 'unstr_unified_local', 'density': 0.5, 'reopen': 'random'");
    alive_first_and_zeros_in(&before, &after, &model);
    assert_eq!([48, 12], ["a", "b"].map(|layer| after.get(layer).unwrap().kept_len()));
    assert_eq!((report.selected.reopened, report.selected.non_zero, report.selected.kept), (60 - 12, 12, 60));
    assert!(report.to_string().contains("reopened"), "{report}");
}

#[test]
fn seeds_decide_and_nothing_else_does() {
    let event = |seed| format!("'method': 'unstr_global', 'density': 0.5, 'reopen': 'random', 'seed': {seed}");
    let masks = |seed| closed_then(&event(seed)).1;
    assert_eq!(masks(1), masks(1));
    assert_ne!(masks(1), masks(2));
    assert_eq!(masks(0), closed_then("'method': 'unstr_global', 'density': 0.5, 'reopen': 'random'").1);
}

#[test]
fn at_random_over_all_layers() {
    let (before, after, report, model) = closed_then("'method': 'unstr_global', 'density': 0.5, 'reopen': 'random'");
    alive_first_and_zeros_in(&before, &after, &model);
    assert_eq!(after.iter().map(|(_, mask)| mask.kept_len()).sum::<usize>(), 60);
    assert_eq!(report.selected.asked, Some(60));
    // A layer with four fifths of the elements gets about four fifths.
    assert!((30..=58).contains(&after.get("a").unwrap().kept_len()));
}

#[test]
fn at_random_until_every_group_is_full() {
    let (before, after, report, model) =
        closed_then("'method': 'str_unified_local', 'pattern': '2:4', 'reopen': 'random', 'axis': 0");
    let pattern: NmPattern = "2:4".parse().unwrap();
    for (layer, mask) in after.iter() {
        let counts = mask.pattern_counts(pattern, 0).unwrap();
        assert_eq!((counts.short, counts.over), (0, 0), "{layer}");
        let (alive, values) = (before.get(layer).unwrap(), model.get(layer).values());
        for index in mask.difference(alive).unwrap().kept_indices() {
            assert_eq!(values[index].to_bits(), 0);
        }
    }
    assert_eq!((report.selected.kept, report.selected.short_groups), (60, 0));
    assert!(report.selected.reopened > 0);
}

#[test]
fn groups_that_close_some_do_not_take_them_back() {
    // Three are alive in the first group, none in the second: one is given up, and two of the second are opened.
    let mut model = Model::of(&[("a", &[1, 8], &[5.0, 4.0, 3.0, 0.1, 0.1, 0.1, 0.1, 0.1])]);
    let mut pruner = pruner(
        "{1: {'method': 'unstr_unified_local', 'density': 0.375},
          2: {'method': 'str_unified_local', 'pattern': '2:4', 'reopen': 'random'}}",
    );
    ended(&mut pruner, 1, &mut model);
    let report = ended(&mut pruner, 2, &mut model);
    let kept: Vec<usize> = pruner.masks().get("a").unwrap().kept_indices().collect();
    assert_eq!(kept[..2], [0, 1]);
    assert!(kept.len() == 4 && kept[2] >= 4, "{kept:?}");
    assert_eq!((report.selected.newly_pruned, report.selected.reopened), (1, 2));
    assert_eq!(model.get("a").values(), [5.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn groups_over_all_layers() {
    let (_, after, report, _) = closed_then("'method': 'str_global', 'pattern': '2:4', 'reopen': 'random'");
    assert_eq!(after.iter().map(|(_, mask)| mask.kept_len()).sum::<usize>(), 60);
    assert_eq!(report.selected.short_groups, 0);
}

#[test]
fn an_event_that_asks_for_less_reopens_nothing() {
    let (before, after, report, _) =
        closed_then("'method': 'unstr_unified_local', 'density': 0.05, 'reopen': 'random'");
    assert_eq!(report.selected.reopened, 0);
    for (layer, mask) in after.iter() {
        assert!(mask.is_subset(before.get(layer).unwrap()).unwrap());
    }
}

const BY_GRADIENT: &str = "{1: {'method': 'unstr_unified_local', 'density': 0.25},
                           2: {'method': 'unstr_unified_local', 'density': 0.5, 'reopen': 'gradient'}}";

fn row() -> Model {
    Model::of(&[("a", &[1, 8], &[9.0, 8.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]), ("bias", &[2], &[1.0, 1.0])])
}

fn gradient(values: &[f32; 8]) -> Model {
    Model::of(&[("a", &[1, 8], values), ("bias", &[2], &[1.0, 1.0])])
}

fn kept(pruner: &Pruner) -> Vec<usize> {
    pruner.masks().get("a").unwrap().kept_indices().collect()
}

#[test]
fn by_the_largest_gradient() {
    let mut model = row();
    let mut pruner = pruner(BY_GRADIENT);
    ended(&mut pruner, 1, &mut model);
    let gradients = gradient(&[100.0, 100.0, 0.1, -0.5, 0.3, f32::NEG_INFINITY, 0.0, 0.2]);
    let evidence = Evidence { gradients: Some(&gradients), ..Evidence::default() };
    let report = pruner.end_epoch_with(2, &mut model, evidence).unwrap().unwrap();
    assert_eq!(kept(&pruner), [0, 1, 3, 5]);
    assert_eq!(report.selected.reopened, 2);
}

#[test]
fn infinite_gradients_do_not_come_before_what_is_alive() {
    let mut model =
        Model::of(&[("a", &[1, 8], &[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 9.0, 8.0]), ("bias", &[2], &[1.0, 1.0])]);
    let mut pruner = pruner(&BY_GRADIENT.replace("0.5", "0.375"));
    ended(&mut pruner, 1, &mut model);
    let gradients = gradient(&[f32::INFINITY, f32::NEG_INFINITY, 0.1, 0.5, 0.3, 0.0, 0.0, 0.0]);
    let evidence = Evidence { gradients: Some(&gradients), ..Evidence::default() };
    pruner.end_epoch_with(2, &mut model, evidence).unwrap();
    assert_eq!(kept(&pruner), [0, 6, 7]);
}

#[test]
fn by_gradients_that_were_observed() {
    let mut model = row();
    let mut pruner = pruner(BY_GRADIENT);
    // Too early to matter: the epoch in training ends in another event.
    pruner.observe(&gradient(&[0.0, 0.0, 9.0, 9.0, 0.0, 0.0, 0.0, 0.0])).unwrap();
    ended(&mut pruner, 1, &mut model);
    pruner.observe(&gradient(&[0.0, 0.0, 3.0, 1.0, 1.0, 0.0, 0.0, 0.0])).unwrap();
    pruner.observe(&gradient(&[0.0, 0.0, -3.0, 1.0, 0.5, 0.0, 0.0, 0.0])).unwrap();
    // Observations are part of the state.
    let mut resumed = Pruner::from_json(&pruner.to_json()).unwrap();
    assert_eq!(resumed, pruner);
    let mut other = model.clone();
    ended(&mut pruner, 2, &mut model);
    assert_eq!(kept(&pruner), [0, 1, 3, 4]);
    ended(&mut resumed, 2, &mut other);
    assert_eq!((&resumed, &other), (&pruner, &model));
}

#[test]
fn without_a_gradient() {
    let mut model = row();
    let mut pruner = pruner(BY_GRADIENT);
    ended(&mut pruner, 1, &mut model);
    let before = (model.bits(), pruner.clone());
    assert_eq!(
        pruner.end_epoch(2, &mut model).unwrap_err().to_string(),
        "epoch 2, layer `a`: 'reopen': 'gradient' needs the layer's gradient; hand it to `end_epoch_with`, or call \
         `observe` after each backward pass of the epoch"
    );
    let other = Model::of(&[("a", &[8, 1], &[0.0; 8])]);
    let evidence = Evidence { gradients: Some(&other), ..Evidence::default() };
    assert_eq!(
        pruner.end_epoch_with(2, &mut model, evidence).unwrap_err().to_string(),
        "epoch 2, layer `a`: the gradient has shape [8, 1], [1, 8] is expected"
    );
    let nan = gradient(&[f32::NAN, 0.0, 0.0, 0.0, 0.0, 0.0, f32::NAN, 0.0]);
    let evidence = Evidence { gradients: Some(&nan), ..Evidence::default() };
    assert_eq!(
        pruner.end_epoch_with(2, &mut model, evidence).unwrap_err().to_string(),
        "epoch 2: layer `a`: the score at [0, 6] is NaN, which has no rank; mend the values or leave the layer out"
    );
    assert_eq!((model.bits(), pruner), before);
}

#[test]
fn in_a_range_what_came_in_stays_and_trains() {
    let mut model = two_layers();
    let mut pruner = pruner(
        "{1: {'method': 'unstr_unified_local', 'density': 0.1},
          '2..=4': {'method': 'unstr_unified_local', 'density': 0.5, 'reopen': 'random'}}",
    );
    ended(&mut pruner, 1, &mut model);
    let first = ended(&mut pruner, 2, &mut model);
    assert_eq!((first.selected.reopened, first.selected.swaps), (48, 0));
    let opened = pruner.masks().clone();
    model.disturb(1);
    pruner.hold(&mut model).unwrap();
    let second = ended(&mut pruner, 3, &mut model);
    assert!(second.unchanged);
    assert_eq!(pruner.masks(), &opened);
    assert_eq!(second.selected.non_zero, 60);
}
