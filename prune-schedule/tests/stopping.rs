//! An event that is stopped between layers.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::cell::Cell;

use prune_core::{LayerMut, PlainTensor};
use prune_schedule::{Evidence, Moment, PruneError, Pruner};

const LAYERS: usize = 5;
const RULES: [&str; 5] = [
    "'method': 'unstr_unified_local', 'density': 0.5",
    "'method': 'str_unified_local', 'pattern': (2, 4)",
    "'method': 'channel_unified_local', 'density': 0.5, 'axis': 0",
    "'method': 'block_unified_local', 'density': 0.5, 'block': (2, 2)",
    "'method': 'unstr_global', 'density': 0.5",
];

fn tensors() -> Vec<PlainTensor<f32>> {
    let values = |layer: usize| (0..16).map(|i| ((i * 7 + layer) % 16) as f32 - 7.5).collect();
    (0..LAYERS).map(|layer| PlainTensor::from_logical(&[4, 4], values(layer)).unwrap()).collect()
}

/// A stop at any question leaves model and pruner unchanged; without a stop the result is the same as without
/// questions.
#[test]
fn an_event_that_is_stopped_changes_nothing() {
    for rule in RULES {
        let strategy: prune_schedule::Strategy = format!("{{1: {{{rule}}}}}").parse().unwrap();
        let mut tensors = tensors();
        let names: Vec<String> = (0..LAYERS).map(|layer| format!("fc{layer}")).collect();
        let mut model: Vec<(&str, LayerMut<'_>)> =
            names.iter().map(String::as_str).zip(tensors.iter_mut().map(LayerMut::of)).collect();
        let mut pruner = Pruner::new(strategy);
        let fresh = pruner.clone();
        let expected = pruner.prepare(Moment::Epoch(1), &model, Evidence::default()).unwrap().unwrap().masks().clone();
        let asked = Cell::new(0);
        let never = || {
            asked.set(asked.get() + 1);
            false
        };
        let evidence = Evidence { stop: Some(&never), ..Evidence::default() };
        let prepared = pruner.prepare(Moment::Epoch(1), &model, evidence).unwrap().unwrap();
        assert_eq!(*prepared.masks(), expected, "{rule}");
        drop(prepared);
        // Small layers that are ranked alone are ranked at once.
        let times = asked.get();
        assert!(times >= if rule.contains("unstr_unified") { 2 } else { LAYERS }, "{rule}: asked {times} times");
        for yes_at in 1..=times {
            asked.set(0);
            let stop = || {
                asked.set(asked.get() + 1);
                asked.get() == yes_at
            };
            let evidence = Evidence { stop: Some(&stop), ..Evidence::default() };
            let refused = pruner.end_epoch_with(1, &mut model, evidence).unwrap_err();
            assert!(matches!(refused, PruneError::Stopped { .. }), "{rule}: {refused}");
            assert_eq!(refused.to_string(), "epoch 1: stopped; nothing has changed");
            assert_eq!((asked.get(), &pruner), (yes_at, &fresh), "{rule}");
        }
        drop(model);
        assert_eq!(tensors, self::tensors(), "{rule}");
    }
}

/// Layers ranked alone are ranked in turns if the event can be stopped.
#[test]
fn large_layers_are_ranked_in_turns() {
    let mut tensors: Vec<_> =
        (0..3).map(|_| PlainTensor::from_logical(&[1 << 12, 1 << 12], vec![1.0f32; 1 << 24]).unwrap()).collect();
    let model: Vec<(&str, LayerMut<'_>)> =
        ["a", "b", "c"].into_iter().zip(tensors.iter_mut().map(LayerMut::of)).collect();
    let pruner = Pruner::new("{1: {'method': 'unstr_unified_local', 'density': 0.5}}".parse().unwrap());
    let asked = Cell::new(0);
    let never = || {
        asked.set(asked.get() + 1);
        false
    };
    let evidence = Evidence { stop: Some(&never), ..Evidence::default() };
    let prepared = pruner.prepare(Moment::Epoch(1), &model, evidence).unwrap().unwrap();
    assert_eq!((asked.get(), prepared.report().selected.kept), (4, 3 << 23));
}
