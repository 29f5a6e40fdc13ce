//! The list of a module's parameters, and the facts that follow from their classes.

use burn::module::Module;
use prune_burn::{Layers, ModulePruner, Parameters};

use crate::nets::{Zoo, values};

fn report(strategy: &str) -> (Zoo, Vec<(String, Option<usize>)>) {
    let mut pruner = ModulePruner::new(strategy.parse().unwrap());
    let zoo = Zoo::new(1);
    pruner.check(&zoo).unwrap();
    let (zoo, report) = pruner.start(zoo).unwrap();
    let layers = report.unwrap().layers.iter().map(|layer| (layer.layer.clone(), layer.axis)).collect();
    (zoo, layers)
}

#[test]
fn parameters_are_named_by_their_paths() {
    let parameters = Parameters::of(&Zoo::new(1)).unwrap();
    let layers = parameters.layers();
    let names: Vec<&str> = layers.iter().map(|(name, _)| name.as_ref()).collect();
    assert_eq!(
        names,
        [
            "conv.weight",
            "conv.bias",
            "up.weight",
            "up.bias",
            "norm.gamma",
            "norm.beta",
            "norm.running_mean",
            "norm.running_var",
            "table.weight",
            "layers.0.weight",
            "layers.0.bias",
            "layers.1.weight",
            "column.weight",
            "column.bias",
            "scale.gamma",
            "scale.beta",
            "own",
            "steps",
        ]
    );
    let shapes = |name: &str| layers.iter().find(|(listed, _)| listed == name).unwrap().1.shape().to_vec();
    assert_eq!((shapes("layers.0.weight"), shapes("column.weight")), (vec![6, 10], vec![12, 5]));
    let steps = &layers.last().unwrap().1;
    assert_eq!(steps.opaque_reason(), Some("its elements are integers"));
}

#[test]
fn values_are_those_of_the_parameters_in_logical_order() {
    let zoo = Zoo::new(2);
    let parameters = Parameters::of(&zoo).unwrap();
    let layers = parameters.layers();
    let listed = |name: &str| layers.iter().find(|(listed, _)| listed == name).unwrap().1.to_logical_f64().unwrap();
    let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<_>>();
    assert_eq!(listed("column.weight"), wide(values(&zoo.column.weight)));
    assert_eq!(listed("conv.weight"), wide(values(&zoo.conv.weight)));
}

#[test]
fn classes_tell_the_axes_and_what_is_no_weight() {
    let along = |word: &str| {
        format!("{{0: {{'method': 'str_unified_local', 'pattern': '1:2', 'axis': '{word}', 'exclude': ['own']}}}}")
    };
    let inputs =
        [("conv.weight", 1), ("up.weight", 0), ("layers.0.weight", 0), ("layers.1.weight", 0), ("column.weight", 0)];
    let named = |axes: [(&str, usize); 5]| axes.map(|(name, axis)| (name.to_owned(), Some(axis))).to_vec();
    assert_eq!(report(&along("reduction")).1, named(inputs));
    let channels = "{0: {'method': 'channel_unified_local', 'density': 0.5, 'exclude': ['own']}}";
    assert_eq!(report(channels).1, named(inputs.map(|(name, input)| (name, 1 - input))));
}

#[test]
fn a_bias_follows_the_outputs_of_its_layer() {
    let channels = "{0: {'method': 'channel_unified_local', 'density': 0.5, 'bias': True, 'exclude': ['own']}}";
    let (zoo, layers) = report(channels);
    assert!(layers.iter().any(|(name, _)| name == "column.bias"));
    let (weight, bias) = (values(&zoo.column.weight), values(zoo.column.bias.as_ref().unwrap()));
    for (output, bias) in bias.iter().enumerate() {
        let closed = (0..12).all(|input| weight[input * 5 + output] == 0.0);
        assert_eq!(closed, *bias == 0.0);
    }
    assert_eq!(bias.iter().filter(|bias| **bias == 0.0).count(), 2);
}

#[test]
fn embeddings_are_left_dense_unless_they_are_named() {
    let (zoo, layers) = report("{0: {'method': 'unstr_unified_local', 'density': 0.5}}");
    assert!(layers.iter().all(|(name, _)| name != "table.weight"));
    assert!(layers.iter().any(|(name, _)| name == "own"));
    assert!(values(&zoo.table.weight).iter().all(|value| *value != 0.0));
    let (zoo, layers) = report("{0: {'method': 'unstr_local', 'density': {'table.weight': 0.5}}}");
    assert_eq!(layers.len(), 1);
    assert_eq!(values(&zoo.table.weight).iter().filter(|value| **value == 0.0).count(), 27);
}

#[test]
fn nothing_is_guessed_of_a_module_of_ones_own() {
    let strategy = "{0: {'method': 'str_unified_local', 'pattern': '1:2', 'axis': 'reduction'}}";
    let pruner = ModulePruner::new(strategy.parse().unwrap());
    assert_eq!(
        pruner.check(&Zoo::new(1)).unwrap_err().to_string(),
        "epoch 0, layer `own`: nothing tells which of its 2 axes is that of its inputs; write `axis` as an index"
    );
    let role = |axis| prune_schedule::names::Role {
        class: prune_schedule::names::Class::Weight,
        entry: "told".to_owned(),
        inputs: vec![axis],
        outputs: vec![1 - axis],
        evidence: None,
    };
    let facts = prune_burn::LayerFacts { role: Some(role(1)), ..Default::default() };
    let mut pruner = ModulePruner::new(strategy.parse().unwrap()).with_facts("own", facts);
    pruner.check(&Zoo::new(1)).unwrap();
    let (_, report) = pruner.start(Zoo::new(1)).unwrap();
    assert_eq!(report.unwrap().layers.iter().find(|layer| layer.layer == "own").unwrap().axis, Some(1));
}

#[test]
fn a_module_for_inference_is_pruned_too() {
    let zoo = Zoo::new(3).valid();
    let mut pruner = ModulePruner::new("{0: {'method': 'unstr_unified_local', 'density': 0.25}}".parse().unwrap());
    let (zoo, _) = pruner.start(zoo).unwrap();
    assert_eq!(pruner.revivals(&zoo).unwrap(), 0);
    assert!(!zoo.conv.weight.val().is_autodiff());
    // After `train`, parameters require gradients again.
    assert!(zoo.train().conv.weight.is_require_grad());
}
