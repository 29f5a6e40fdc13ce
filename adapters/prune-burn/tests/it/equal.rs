//! Masks equal those of prune-ndarray, bit for bit, for every method, on layers that are not square.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::Tensor;
use proptest::prelude::*;
use prune_burn::{Evidence, LayerFacts, LayerRef, Layers, ModulePruner, Parameters, Pruner};
use prune_ndarray::ndarray::{ArrayD, IxDyn};
use prune_ndarray::{LayerMut, PruneExt};
use prune_schedule::Inputs;
use prune_schedule::names::{AxisEvidence, Class, Role};

use crate::nets::{Zoo, filled, numbers};

/// A layer with its axes of inputs and outputs.
type Known = (&'static str, Option<(usize, usize)>);

/// The axes of inputs and outputs of each layer, as in burn's documentation. The table is no prunable weight.
const AXES: [Known; 7] = [
    ("conv.weight", Some((1, 0))),
    ("up.weight", Some((0, 1))),
    ("layers.0.weight", Some((0, 1))),
    ("layers.1.weight", Some((0, 1))),
    ("column.weight", Some((0, 1))),
    ("own", Some((1, 0))),
    ("table.weight", None),
];

/// Each has two events, so that the second meets a mask.
const STRATEGIES: [&str; 31] = [
    "{1: {'method': 'unstr_unified_local', 'density': 0.6}, 2: {'method': 'unstr_unified_local', 'density': 0.3}}",
    "{1: {'method': 'unstr_global', 'density': 0.6}, 2: {'method': 'unstr_global', 'density': 0.2}}",
    "{1: {'method': 'unstr_local', 'density': {'conv.weight': 0.5, 'table.weight': 0.4, 'norm.gamma': 0.5}}}",
    "{1: {'method': 'str_unified_local', 'pattern': (2, 4)}, 2: {'method': 'str_unified_local', 'pattern': (1, 4)}}",
    "{1: {'method': 'str_unified_local', 'pattern': (2, 4), 'axis': 'reduction'}}",
    "{1: {'method': 'str_unified_local', 'pattern': (1, 2), 'axis': 'output'}}",
    "{1: {'method': 'str_global', 'pattern': (2, 4)}}",
    "{1: {'method': 'str_local', 'pattern': {'up.weight': (1, 3), 'column.weight': (2, 5)}, 'axis': 0}}",
    "{1: {'method': 'block_unified_local', 'density': 0.5, 'block': (2, 3)}}",
    "{1: {'method': 'block_global', 'density': 0.5, 'block': 2, 'axes': 0, 'pool': 'max'}}",
    "{1: {'method': 'channel_unified_local', 'density': 0.5, 'bias': True}}",
    "{1: {'method': 'channel_unified_local', 'density': 0.5, 'axis': 'reduction', 'norm': 1}}",
    "{1: {'method': 'channel_global', 'density': 0.4}}",
    "{1: {'method': 'channel_local', 'density': {'layers.1.weight': 0.3}, 'norm': 'inf'}}",
    "{1: {'method': 'unstr_global', 'density': 0.3, 'score': 'random', 'seed': 7}}",
    "{1: {'method': 'unstr_global', 'density': 0.3, 'score': 'saliency'}}",
    "{1: {'method': 'unstr_global', 'density': 0.3, 'score': 'snip'}}",
    "{1: {'method': 'unstr_unified_local', 'density': 0.4, 'score': 'wanda'}}",
    "{1: {'method': 'unstr_global', 'density': 0.4, 'score': 'given'}}",
    "{1: {'method': 'unstr_unified_local', 'density': 0.5, 'ranking': 'output'}}",
    "{1: {'method': 'unstr_global', 'density': 0.3, 'distribution': 'erk'}}",
    "{1: {'method': 'unstr_global', 'density': 0.3}, 2: {'method': 'unstr_global', 'density': 0.5, 'reopen': 'gradient'}}",
    "{1: {'method': 'unstr_global', 'density': 0.3}, 2: {'method': 'unstr_global', 'density': 0.5, 'reopen': 'random', 'seed': 5}}",
    "{1: {'method': 'block_local', 'density': {'conv.weight': 0.5, 'column.weight': 0.3}, 'block': (2, 2)}}",
    "{1: {'method': 'unstr_global', 'density': 0.3, 'distribution': 'global_l2', 'min_density': 0.01}}",
    "{1: {'method': 'unstr_global', 'density': 0.3, 'distribution': 'uniform'}}",
    "{'1..=3': {'method': 'unstr_global', 'density': 0.2, 'schedule': 'cubic'}}",
    "{'1..=3': {'method': 'channel_unified_local', 'density': 0.4, 'schedule': 'linear', 'every': 2}}",
    "{1: {'method': 'unstr_global', 'density': 0.5, 'rewind': 0}, 2: {'method': 'unstr_global', 'density': 0.2, 'rewind': 0}}",
    "{0: {'method': 'unstr_global', 'density': 0.3}, '1..=4 steps': {'method': 'rigl', 'every': 1}}",
    "{0: {'method': 'unstr_global', 'density': 0.3}, '1..=4 steps': {'method': 'set', 'every': 1, 'seed': 3}}",
];

/// In the order of the module, since reports add up in that order.
type Arrays = Vec<(String, ArrayD<f32>)>;

fn named(arrays: &Arrays) -> Vec<(&str, LayerRef<'_>)> {
    prune_ndarray::named(arrays.iter().map(|(name, array)| (name.as_str(), array)))
}

fn named_mut(arrays: &mut Arrays) -> Vec<(&str, LayerMut<'_>)> {
    arrays.iter_mut().map(|(name, array)| (name.as_str(), array.layer_mut())).collect()
}

fn arrays(layers: &dyn Layers) -> Arrays {
    let array = |layer: &LayerRef<'_>| {
        let values = layer.to_logical_f64().unwrap().into_iter().map(|value| value as f32).collect();
        ArrayD::from_shape_vec(IxDyn(layer.shape()), values).unwrap()
    };
    let floats = layers.layers().into_iter().filter(|(_, layer)| layer.opaque_reason().is_none());
    floats.map(|(name, layer)| (name.into_owned(), array(&layer))).collect()
}

fn facts() -> impl Iterator<Item = (&'static str, LayerFacts)> {
    AXES.into_iter().map(|(name, axes)| {
        let (class, inputs, outputs) = match axes {
            Some((input, output)) => (Class::Weight, vec![input], vec![output]),
            None => (Class::Other("embedding"), vec![], vec![]),
        };
        let role = Role { class, entry: "test".to_owned(), inputs, outputs, evidence: Some(AxisEvidence::Class) };
        (name, LayerFacts { weight: Some(axes.is_some()), role: Some(role), bias: None })
    })
}

/// Norms of inputs for each layer with axes. Their shape is the layer's without the axis of outputs.
fn norms(zoo: &Arrays, seed: u64) -> Arrays {
    let norms = |(i, &(name, axes)): (usize, &Known)| {
        let (_, output) = axes?;
        let mut shape = zoo.iter().find(|(listed, _)| listed == name)?.1.shape().to_vec();
        shape.remove(output);
        let values = numbers(seed + i as u64, shape.iter().product()).into_iter().map(f32::abs).collect();
        Some((name.to_owned(), ArrayD::from_shape_vec(IxDyn(&shape), values).unwrap()))
    };
    AXES.iter().enumerate().filter_map(norms).collect()
}

/// A gradient for every parameter.
fn gradients(zoo: &Zoo, seed: u64) -> GradientsParams {
    struct Register(u64, GradientsParams);
    impl ModuleVisitor for Register {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0 += 1;
            let device = param.lazy_device().without_autodiff();
            self.1.register(param.id, filled::<D>(self.0, param.dims(), &device));
        }
    }
    let mut register = Register(seed << 20, GradientsParams::new());
    zoo.visit(&mut register);
    register.1
}

/// The same for arrays.
fn array_gradients(zoo: &Zoo, seed: u64) -> Arrays {
    let listed = Parameters::of(zoo).unwrap();
    let layers = listed.layers();
    let mut floats = layers.iter().filter(|(_, layer)| layer.opaque_reason().is_none());
    let mut next = seed << 20;
    std::iter::from_fn(|| {
        let (name, layer) = floats.next()?;
        next += 1;
        let values = numbers(next, layer.len());
        Some((name.to_string(), ArrayD::from_shape_vec(IxDyn(layer.shape()), values).unwrap()))
    })
    .collect()
}

fn both(strategy: &str, seed: u64) {
    let told = || facts().find(|(name, _)| *name == "own").unwrap();
    let (own, own_facts) = told();
    let mut burn = ModulePruner::new(strategy.parse().unwrap()).with_facts(own, own_facts);
    let mut rival = Pruner::new(strategy.parse().unwrap()).with_facts(facts());
    let mut zoo = Zoo::new(seed);
    let mut optimizer = SgdConfig::new().init();
    // Events that rewind set parameters back to those of this other module.
    let source = Parameters::of(&Zoo::new(seed ^ 1)).unwrap();
    let source_arrays = arrays(&source);
    let source_arrays = named(&source_arrays);
    let mut rivals = arrays(&Parameters::of(&zoo).unwrap());
    let (norms, scores) = (norms(&rivals, seed), array_gradients(&zoo, seed + 77));
    let (norms, scores) = (named(&norms), named(&scores));
    let evidence = Evidence { inputs: Some(Inputs::Norms(&norms)), scores: Some(&scores), ..Evidence::default() };
    let rewinding = strategy.contains("rewind");
    let burn_evidence = Evidence { rewind: rewinding.then_some(&source as &dyn Layers), ..evidence };
    let rival_evidence = Evidence { rewind: rewinding.then_some(&source_arrays as &dyn Layers), ..evidence };
    burn.check(&zoo).unwrap_or_else(|error| panic!("{strategy}: {error}"));

    (zoo, _) = burn.start(zoo).unwrap();
    rival.start(&mut named_mut(&mut rivals)).unwrap();
    for epoch in 1..=3 {
        let (given, given_arrays) = (gradients(&zoo, seed + epoch), array_gradients(&zoo, seed + epoch));
        burn.observe(&zoo, &given).unwrap();
        rival.observe(&named(&given_arrays)).unwrap();
        if strategy.contains("steps") {
            zoo = burn.after_step(zoo, &mut optimizer).unwrap().0;
            rival.end_step(epoch, &mut named_mut(&mut rivals)).unwrap();
        } else {
            let (pruned, report) = burn.end_epoch_with(epoch, zoo, &mut optimizer, burn_evidence).unwrap();
            zoo = pruned;
            // The optimiser's buffers are held already.
            assert!(report.as_ref().is_none_or(|report| report.next_step().is_none()), "{strategy}");
            let expected = rival.end_epoch_with(epoch, &mut named_mut(&mut rivals), rival_evidence).unwrap();
            assert_eq!(report.map(|report| report.selected), expected.map(|report| report.selected));
        }
        assert_eq!(burn.masks(), rival.masks(), "{strategy}");
        assert_eq!(arrays(&Parameters::of(&zoo).unwrap()), rivals, "{strategy}");
        assert_eq!(burn.revivals(&zoo).unwrap(), 0);
    }
    assert!(burn.masks().iter().any(|(_, mask)| mask.kept_len() < mask.len()), "{strategy} pruned nothing");
}

/// An event that rewinds also sets running statistics. Burn's clones of a module share them.
#[test]
fn running_statistics_are_set_back_in_every_clone() {
    let source = Parameters::of(&Zoo::new(8)).unwrap();
    let (zoo, mut optimizer) = (Zoo::new(9), SgdConfig::new().init());
    let clone = zoo.clone();
    let strategy = "{1: {'method': 'unstr_global', 'density': 0.5, 'include': ['layers.*'], 'rewind': 0}}";
    let evidence = Evidence { rewind: Some(&source), ..Evidence::default() };
    let (zoo, _) =
        ModulePruner::new(strategy.parse().unwrap()).end_epoch_with(1, zoo, &mut optimizer, evidence).unwrap();
    let mean = |zoo: &Zoo| zoo.norm.running_mean.value_sync().into_data();
    assert_eq!(mean(&zoo), mean(&Zoo::new(8)));
    assert_eq!(mean(&clone), mean(&zoo));
    // The rest of the clone is unchanged.
    assert_eq!(crate::nets::values(&clone.own), crate::nets::values(&Zoo::new(9).own));
    assert_eq!(crate::nets::values(&zoo.own), crate::nets::values(&Zoo::new(8).own));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn masks_are_those_of_arrays_by_every_method(seed in 0u64..1 << 40) {
        STRATEGIES.iter().for_each(|strategy| both(strategy, seed));
    }
}
