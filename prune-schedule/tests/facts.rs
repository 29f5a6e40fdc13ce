//! Facts about layers that a door knows: which layers are weights, their axes, and their biases.

#![allow(clippy::unwrap_used, reason = "tests")]

use prune_core::{LayerMut, PlainTensor};
use prune_schedule::names::{AxisEvidence, Class, Role};
use prune_schedule::{LayerFacts, Pruner, Report};

/// A table of tokens and a layer stored as (in, out), both named `weight`, and a bias whose name tells nothing.
struct Net {
    table: PlainTensor<f32>,
    linear: PlainTensor<f32>,
    shift: PlainTensor<f32>,
}

impl Net {
    fn new() -> Self {
        let rising =
            |shape: &[usize], len: u8| PlainTensor::from_logical(shape, (1..=len).map(f32::from).collect()).unwrap();
        Net { table: rising(&[3, 2], 6), linear: rising(&[2, 3], 6), shift: rising(&[3], 3) }
    }

    fn after(&mut self, event: &str) -> Report {
        let mut pruner = Pruner::new(format!("{{1: {{{event}}}}}").parse().unwrap()).with_facts(facts());
        let mut model = [
            ("table.weight", LayerMut::of(&mut self.table)),
            ("fc.weight", LayerMut::of(&mut self.linear)),
            ("fc.shift", LayerMut::of(&mut self.shift)),
        ];
        pruner.check(&model).unwrap();
        pruner.end_epoch(1, &mut model).unwrap().unwrap()
    }
}

fn facts() -> [(&'static str, LayerFacts); 2] {
    let role = |class, inputs, outputs| {
        Some(Role { class, entry: "class".to_owned(), inputs, outputs, evidence: Some(AxisEvidence::Class) })
    };
    let table = LayerFacts { weight: Some(false), role: role(Class::Other("embedding"), vec![], vec![]), bias: None };
    let bias = Some("fc.shift".to_owned());
    let linear = LayerFacts { weight: None, role: role(Class::Weight, vec![0], vec![1]), bias };
    [("table.weight", table), ("fc.weight", linear)]
}

#[test]
fn what_is_no_weight_is_selected_by_its_name_alone() {
    let report = Net::new().after("'method': 'unstr_unified_local', 'density': 0.5");
    assert_eq!(report.layers.iter().map(|layer| layer.layer.as_str()).collect::<Vec<_>>(), ["fc.weight"]);
    let report = Net::new().after("'method': 'unstr_local', 'density': {'table.weight': 0.5}");
    assert_eq!(report.layers.iter().map(|layer| layer.layer.as_str()).collect::<Vec<_>>(), ["table.weight"]);
}

#[test]
fn axes_and_biases_are_those_that_the_door_knows() {
    let mut net = Net::new();
    let report = net.after("'method': 'str_unified_local', 'pattern': '1:2', 'axis': 'reduction'");
    assert_eq!(report.layers[0].axis, Some(0));
    assert_eq!(net.linear.values(), [0.0, 0.0, 0.0, 4.0, 5.0, 6.0]);
    let mut net = Net::new();
    let report = net.after("'method': 'channel_unified_local', 'density': 0.34, 'bias': True");
    assert_eq!(report.layers[0].axis, Some(1));
    assert_eq!(net.linear.values(), [0.0, 0.0, 3.0, 0.0, 0.0, 6.0]);
    assert_eq!(net.shift.values(), [0.0, 0.0, 3.0]);
}
