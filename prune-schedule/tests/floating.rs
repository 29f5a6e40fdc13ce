//! Floating masks: made anew at the end of each epoch, held only after the last.

#![allow(clippy::unwrap_used, reason = "tests")]

mod model;

use model::Model;
use prune_core::Mask;
use prune_schedule::{Pruner, Report};

fn pruner(strategy: &str) -> Pruner {
    Pruner::new(strategy.parse().unwrap_or_else(|error| panic!("{strategy}\n{error}")))
}

fn ended(pruner: &mut Pruner, epoch: u64, model: &mut Model) -> Report {
    pruner.end_epoch(epoch, model).unwrap_or_else(|error| panic!("{error}")).unwrap()
}

fn mask(pruner: &Pruner) -> Mask {
    pruner.masks().get("a").unwrap().clone()
}

fn set(model: &mut Model, values: &[f32]) {
    model.get_mut("a").values_mut().copy_from_slice(values);
}

#[test]
fn weights_change_places_within_a_range_and_not_after() {
    let mut model = Model::of(&[("a", &[1, 4], &[4.0, 3.0, 2.0, 1.0])]);
    let mut pruner = pruner("{'2..=4': {'method': 'unstr_unified_local', 'density': 0.5}}");
    pruner.check(&model).unwrap();
    pruner.end_epoch(1, &mut model).unwrap();

    let first = ended(&mut pruner, 2, &mut model);
    assert_eq!(model.get("a").values(), [4.0, 3.0, 0.0, 0.0]);
    assert_eq!((first.floats, first.selected.swaps, first.selected.newly_pruned), (true, 0, 2));

    // The mask is not held in between: a pruned weight may grow past a kept one.
    set(&mut model, &[4.0, 1.0, 0.5, 2.0]);
    pruner.hold(&mut model).unwrap();
    assert_eq!(model.get("a").values(), [4.0, 1.0, 0.5, 2.0]);
    assert_eq!(pruner.revivals(&model).unwrap(), 0);
    let second = ended(&mut pruner, 3, &mut model);
    assert_eq!(model.get("a").values(), [4.0, 0.0, 0.0, 2.0]);
    assert_eq!((second.selected.swaps, second.selected.newly_pruned, second.selected.reopened), (1, 1, 0));
    assert!(
        second.to_string().starts_with(
            "epoch 3: unstr_unified_local, keeps 50%, removes 50%, floating (2..=4)\n\
         layer            shape  asked  kept  of  density  non-zero  newly pruned  swaps  norm kept\n"
        ),
        "{second}"
    );

    let third = ended(&mut pruner, 4, &mut model);
    assert!(third.unchanged);

    // After the last epoch of the range the mask is held.
    set(&mut model, &[4.0, 1.0, 0.5, 2.0]);
    assert_eq!(pruner.revivals(&model).unwrap(), 2);
    pruner.hold(&mut model).unwrap();
    assert_eq!(model.get("a").values(), [4.0, 0.0, 0.0, 2.0]);
}

#[test]
fn what_earlier_events_closed_stays_closed() {
    let mut model = Model::of(&[("a", &[1, 4], &[4.0, 3.0, 2.0, 1.0])]);
    let mut pruner = pruner(
        "{1: {'method': 'unstr_unified_local', 'density': 0.75}, '2..=3': {'method': 'unstr_unified_local', 'density': 0.5}}",
    );
    pruner.check(&model).unwrap();
    ended(&mut pruner, 1, &mut model);
    ended(&mut pruner, 2, &mut model);
    set(&mut model, &[4.0, 3.0, 5.0, 100.0]);
    pruner.hold(&mut model).unwrap();
    assert_eq!(model.get("a").values(), [4.0, 3.0, 5.0, 0.0]);
    ended(&mut pruner, 3, &mut model);
    assert_eq!(model.get("a").values(), [4.0, 0.0, 5.0, 0.0]);
}

#[test]
fn the_rest_of_the_epochs_floats_to_the_end() {
    let mut model = Model::seeded(&[("a", &[10, 10])], 2);
    let mut pruner = pruner("{-1: {'method': 'unstr_unified_local', 'density': 0.2}}");
    pruner.check(&model).unwrap();
    assert!(pruner.start(&mut model).unwrap().is_none());
    for epoch in 1..6 {
        (0..10).for_each(|step| model.disturb(epoch * 10 + step));
        pruner.hold(&mut model).unwrap();
        let report = ended(&mut pruner, epoch, &mut model);
        assert_eq!((report.selected.kept, report.event.as_str()), (20, "-1"));
        assert!((report.selected.swaps > 0) == (epoch > 1), "{report}");
        assert_eq!(model.get("a").values().iter().filter(|value| **value != 0.0).count(), 20);
    }
}

#[test]
fn a_key_of_its_own_ends_a_run_of_other_epochs() {
    let mut model = Model::seeded(&[("a", &[10, 10])], 2);
    let mut pruner = pruner(
        "{-1: {'method': 'unstr_unified_local', 'density': 0.5},
           3: {'method': 'unstr_unified_local', 'density': 0.5}, '4..=9': {'method': 'unstr_unified_local', 'density': 0.5}}",
    );
    pruner.check(&model).unwrap();
    ended(&mut pruner, 1, &mut model);
    let first = mask(&pruner);
    model.disturb(1);
    ended(&mut pruner, 2, &mut model);
    let second = mask(&pruner);
    assert_ne!(first, second);
    // The mask is held from here, through epoch 3 and its event, which finds half alive and asks for half.
    model.disturb(2);
    assert_eq!(pruner.revivals(&model).unwrap(), 50);
    let third = ended(&mut pruner, 3, &mut model);
    assert_eq!((third.selected.closed, third.selected.swaps, third.unchanged), (0, 0, false), "50 weights went");
    assert_eq!(mask(&pruner), second);
    model.disturb(3);
    pruner.hold(&mut model).unwrap();
    assert!(ended(&mut pruner, 4, &mut model).unchanged);
}

#[test]
fn a_range_of_one_epoch_holds_at_once() {
    let mut model = Model::seeded(&[("a", &[10, 10])], 2);
    let mut pruner = pruner("{'1..=1': {'method': 'unstr_unified_local', 'density': 0.5}}");
    ended(&mut pruner, 1, &mut model);
    assert_eq!(pruner.masks(), pruner.held());
}
