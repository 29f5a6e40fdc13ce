//! Layers whose elements are not accessible. They are listed, an event that selects one is refused, and otherwise they
//! make no difference.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::borrow::Cow;

use prune_core::{LayerMut, LayerRef, Layers, LayersMut, PlainTensor};
use prune_schedule::Pruner;

struct Model {
    weight: PlainTensor<f32>,
}

impl Layers for Model {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        let ids = LayerRef::opaque(&[2, 2], "its elements are 64-bit integers").unwrap();
        vec![("fc.weight".into(), LayerRef::of(&self.weight)), ("ids".into(), ids)]
    }
}

impl LayersMut for Model {
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
        let ids = LayerMut::opaque(&[2, 2], "its elements are 64-bit integers").unwrap();
        vec![("fc.weight".into(), LayerMut::of(&mut self.weight)), ("ids".into(), ids)]
    }
}

fn model() -> Model {
    Model { weight: PlainTensor::from_logical(&[2, 2], vec![1.0, 2.0, 3.0, 4.0]).unwrap() }
}

#[test]
fn an_event_that_selects_one_is_refused_with_the_reason_before_training_and_in_it() {
    for event in ["'method': 'unstr_unified_local', 'density': 0.5", "'method': 'unstr_local', 'density': {'ids': 0.5}"]
    {
        let strategy = format!("{{1: {{{event}}}}}");
        let (mut model, mut pruner) = (model(), Pruner::new(strategy.parse().unwrap()));
        let refused = "epoch 1: layer `ids`: it cannot be pruned: its elements are 64-bit integers; exclude it";
        assert_eq!(pruner.check(&model).unwrap_err().to_string(), refused);
        assert_eq!(pruner.end_epoch(1, &mut model).unwrap_err().to_string(), refused);
        assert_eq!(model.weight.values(), [1.0, 2.0, 3.0, 4.0]);
    }
}

#[test]
fn one_that_no_event_selects_is_left_alone() {
    let mut model = model();
    let strategy = "{1: {'method': 'unstr_unified_local', 'density': 0.5, 'exclude': ['ids']}}";
    let mut pruner = Pruner::new(strategy.parse().unwrap());
    pruner.check(&model).unwrap();
    let report = pruner.end_epoch(1, &mut model).unwrap().unwrap();
    assert_eq!((report.all.elements, report.all.non_zero), (4, 2));
    let warnings: Vec<String> = report.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["layer `ids` is left out of all figures: its elements are 64-bit integers"]);
    pruner.hold(&mut model).unwrap();
    assert_eq!((model.weight.values(), pruner.revivals(&model).unwrap()), (&[0.0, 0.0, 3.0, 4.0][..], 0));

    let mut momentum = PlainTensor::from_logical(&[2, 2], vec![1.0f32; 4]).unwrap();
    assert!(pruner.hold_present(&mut [("other", LayerMut::of(&mut momentum))]).unwrap() == ["fc.weight"]);
    assert!(pruner.hold_present(&mut [("fc.weight", LayerMut::of(&mut momentum))]).unwrap().is_empty());
    assert_eq!(momentum.values(), [0.0, 0.0, 1.0, 1.0]);
}
