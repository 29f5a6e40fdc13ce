//! The caller's facts about parameters override those from names and shapes.

#![allow(clippy::unwrap_used, reason = "tests")]

use candle_core::{DType, Device, Var};
use prune_candle::{CandleError, Evidence, LayerFacts, Params, Pruner};
use prune_schedule::names::{AxisEvidence, Class, Role};

const CHANNELS: &str = "{1: {'method': 'channel_unified_local', 'density': 0.5}}";

fn ones(shape: &[usize]) -> Var {
    Var::ones(shape, DType::F32, &Device::Cpu).unwrap()
}

/// A transposed convolution of 3 inputs and 5 outputs without a bias.
fn up() -> Params {
    Params::named([("decoder.0.weight", ones(&[3, 5, 2, 2]))]).unwrap()
}

fn axis_of(params: &Params, mut pruner: Pruner) -> Option<usize> {
    let mut params = params.on_cpu().unwrap();
    params.end_epoch(&mut pruner, 1, &mut [], Evidence::default()).unwrap().unwrap().layers[0].axis
}

fn warnings(params: &Params, strategy: &str) -> Vec<String> {
    let pruner = params.pruner(strategy.parse().unwrap());
    params.check(&pruner).unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn axes_of_a_transposed_convolution_are_told() {
    let params = up();
    assert_eq!(axis_of(&params, params.pruner(CHANNELS.parse().unwrap())), Some(0));
    assert_eq!(
        warnings(&params, CHANNELS),
        [
            "`decoder.0.weight`: nothing tells its axes, so axis 0 is taken for its outputs, as in a convolution; a transposed one has \
          them on axis 1: say with `with_axes` which it is"
        ]
    );
    // This event needs no axes.
    assert!(warnings(&params, "{1: {'method': 'unstr_global', 'density': 0.5}}").is_empty());
    let told = params.with_axes("decoder.0.weight", 0, 1).unwrap();
    assert!(warnings(&told, CHANNELS).is_empty());
    assert_eq!(axis_of(&told, told.pruner(CHANNELS.parse().unwrap())), Some(1));
    // Groups run along the inputs, which the role gives.
    let reduction = "{1: {'method': 'str_unified_local', 'pattern': '1:3', 'axis': 'reduction'}}";
    assert_eq!(axis_of(&told, told.pruner(reduction.parse().unwrap())), Some(0));
    // A name that may mean either is refused until its axes are given.
    let up = Params::named([("up.weight", ones(&[3, 5, 2, 2]))]).unwrap();
    assert!(matches!(up.check(&up.pruner(CHANNELS.parse().unwrap())), Err(CandleError::Prune(_))));
    let up = up.with_axes("up.weight", 0, 1).unwrap();
    assert_eq!(axis_of(&up, up.pruner(CHANNELS.parse().unwrap())), Some(1));
    // The length of a bias tells the axis.
    let biased = Params::named([("decoder.0.weight", ones(&[3, 5, 2, 2])), ("decoder.0.bias", ones(&[5]))]).unwrap();
    assert!(warnings(&biased, CHANNELS).is_empty());
    assert_eq!(axis_of(&biased, biased.pruner(CHANNELS.parse().unwrap())), Some(1));
}

#[test]
fn a_pruner_that_was_not_told_is_refused() {
    let told = up().with_axes("decoder.0.weight", 0, 1).unwrap();
    let mut untold = Pruner::new(CHANNELS.parse().unwrap());
    let message = "the pruner does not know what has been told of `decoder.0.weight`; make it with `Params::pruner`, and one that \
                   was saved with `.with_facts(params.facts())`";
    assert_eq!(told.check(&untold).unwrap_err().to_string(), message);
    let mut params = told.clone();
    let refused = params.end_epoch(&mut untold, 1, &mut [], Evidence::default()).unwrap_err();
    assert!(matches!(refused, CandleError::FactsUntold { .. }));
    assert_eq!(params.get("decoder.0.weight").unwrap().min_all().unwrap().to_scalar::<f32>().unwrap(), 1.0);
    let resumed = Pruner::from_json(&told.pruner(CHANNELS.parse().unwrap()).to_json()).unwrap();
    assert!(told.check(&resumed).is_err());
    assert_eq!(axis_of(&told, resumed.with_facts(told.facts())), Some(1));
}

#[test]
fn facts_add_up_and_fit_the_parameters() {
    let table =
        || Params::named([("t.weight", ones(&[4, 2])), ("fc.weight", ones(&[4, 2])), ("shift", ones(&[4]))]).unwrap();
    let no_weight = LayerFacts { weight: Some(false), ..LayerFacts::default() };
    let params = table().with_facts([("t.weight", no_weight)]).unwrap().with_axes("t.weight", 1, 0).unwrap();
    let facts: Vec<_> = params.facts().collect();
    assert_eq!((facts.len(), facts[0].0, facts[0].1.weight), (1, "t.weight", Some(false)));
    assert_eq!(facts[0].1.role.as_ref().unwrap().outputs, [0]);
    // It is held and counted, but no event selects it on its own.
    let mut pruner = params.pruner("{1: {'method': 'unstr_global', 'density': 0.5}}".parse().unwrap());
    let report = params.clone().end_epoch(&mut pruner, 1, &mut [], Evidence::default()).unwrap().unwrap();
    assert_eq!(report.layers.iter().map(|layer| layer.layer.as_str()).collect::<Vec<_>>(), ["fc.weight"]);

    let error = |name: &str, facts: LayerFacts| table().with_facts([(name, facts)]).unwrap_err().to_string();
    assert_eq!(
        error("fc.wieght", LayerFacts::default()),
        "there is no parameter `fc.wieght`; did you mean `fc.weight`?"
    );
    let bias = LayerFacts { bias: Some("shfit".to_owned()), ..LayerFacts::default() };
    assert_eq!(error("fc.weight", bias), "there is no parameter `shfit`; did you mean `shift`?");
    let (inputs, outputs, evidence) = (vec![0], vec![2], Some(AxisEvidence::Class));
    let role = Role { class: Class::Weight, entry: "x".to_owned(), inputs, outputs, evidence };
    let message = error("fc.weight", LayerFacts { role: Some(role), ..LayerFacts::default() });
    assert!(message.contains("`fc.weight`") && message.contains("axis 2"), "{message}");
}

/// `check` gives these warnings without being asked.
#[test]
fn a_check_warns_of_embeddings() {
    let params = Params::named([("model.embed_tokens.weight", ones(&[4, 2])), ("fc.weight", ones(&[4, 2]))]).unwrap();
    let strategy = "{1: {'method': 'unstr_global', 'density': 0.5}}";
    let all = warnings(&params, strategy);
    assert_eq!(all.len(), 1);
    assert!(all[0].starts_with("`model.embed_tokens.weight` looks like an embedding of tokens"), "{all:?}");
    let no_weight = LayerFacts { weight: Some(false), ..LayerFacts::default() };
    let told = params.with_facts([("model.embed_tokens.weight", no_weight)]).unwrap();
    assert!(warnings(&told, strategy).is_empty());
}
