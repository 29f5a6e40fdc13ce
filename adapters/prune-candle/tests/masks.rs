//! Masks and masked weights equal prune-ndarray's, on networks that are not square, for every method of the pruner.

#![allow(clippy::unwrap_used, reason = "tests")]

use candle_core::{DType, Device, Tensor, Var};
use ndarray::{ArrayD, IxDyn, ShapeBuilder};
use proptest::prelude::*;
use prune_candle::{Evidence, LayerMut, LayerRef, Layers, Params, Pruner, named};
use prune_core::half::{bf16, f16};
use prune_core::{ElementType, PlainTensor};
use prune_schedule::{Inputs, Moment};

/// Strategies that use every method, score, unit, distribution and schedule once.
const STRATEGIES: &[&str] = &[
    "{1: {'method': 'unstr_unified_local', 'density': 0.3}}",
    "{1: {'method': 'unstr_global', 'density': 0.3}}",
    "{1: {'method': 'unstr_local', 'density': {'conv.weight': 0.4, 'fc.bias': 0.5}}}",
    "{1: {'method': 'str_unified_local', 'pattern': (2, 4)}}",
    "{1: {'method': 'str_unified_local', 'pattern': (1, 3), 'axis': 0}}",
    "{1: {'method': 'str_unified_local', 'pattern': (1, 2), 'axis': 'reduction'}}",
    "{1: {'method': 'str_global', 'pattern': (2, 4)}}",
    "{1: {'method': 'str_local', 'pattern': {'fc.weight': (2, 4), 'out.weight': (1, 4)}}}",
    "{1: {'method': 'block_unified_local', 'density': 0.4, 'block': (2, 3)}}",
    "{1: {'method': 'block_global', 'density': 0.4, 'block': 2, 'axes': 0, 'pool': 'max'}}",
    "{1: {'method': 'block_local', 'density': {'fc.weight': 0.5}, 'block': (2, 2)}}",
    "{1: {'method': 'channel_unified_local', 'density': 0.5, 'norm': 1}}",
    "{1: {'method': 'channel_global', 'density': 0.5}}",
    "{1: {'method': 'channel_local', 'density': {'fc.weight': 0.5}, 'bias': True}}",
    "{1: {'method': 'unstr_global', 'density': 0.3, 'distribution': 'erk'}}",
    "{1: {'method': 'unstr_global', 'density': 0.3, 'distribution': 'uniform'}}",
    "{1: {'method': 'unstr_global', 'density': 0.3, 'distribution': 'global_l2', 'min_density': 0.01}}",
    "{1: {'method': 'unstr_global', 'density': 0.3, 'score': 'random', 'seed': 7}}",
    "{1: {'method': 'unstr_global', 'density': 0.3, 'score': 'saliency'}}",
    "{1: {'method': 'unstr_global', 'density': 0.3, 'score': 'snip'}}",
    "{1: {'method': 'unstr_unified_local', 'density': 0.5, 'score': 'wanda'}}",
    "{1: {'method': 'unstr_global', 'density': 0.3, 'score': 'given'}}",
    "{1: {'method': 'unstr_unified_local', 'density': 0.5, 'ranking': 'output'}}",
    "{'1..=3': {'method': 'unstr_global', 'density': 0.2, 'schedule': 'cubic'}}",
    "{1: {'method': 'unstr_global', 'density': 0.2}, 2: {'method': 'unstr_global', 'density': 0.4, 'reopen': 'random', 'seed': 3}}",
    "{1: {'method': 'unstr_global', 'density': 0.2}, 2: {'method': 'unstr_global', 'density': 0.4, 'reopen': 'gradient'}}",
    "{1: {'method': 'unstr_global', 'density': 0.5, 'rewind': 0}}",
    "{0: {'method': 'unstr_unified_local', 'density': 0.4}, '1..=3 steps': {'method': 'set', 'every': 1}}",
    "{0: {'method': 'unstr_unified_local', 'density': 0.4}, '1..=3 steps': {'method': 'rigl', 'every': 1, 'fraction': 0.5}}",
];

/// A tensor's name, shape, type and values.
#[derive(Debug, Clone)]
struct Drawn {
    name: &'static str,
    shape: Vec<usize>,
    of: ElementType,
    values: Vec<f64>,
    gradient: Vec<f64>,
}

/// A few values that often tie, zeros of both signs, and others.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![3 => (-3i8..=3).prop_map(f64::from), 1 => Just(-0.0), 4 => -2.0..2.0f64]
}

fn drawn(name: &'static str, shape: Vec<usize>, of: ElementType) -> impl Strategy<Value = Drawn> {
    let len = shape.iter().product::<usize>();
    (prop::collection::vec(value(), len), prop::collection::vec(value(), len))
        .prop_map(move |(values, gradient)| Drawn { name, shape: shape.clone(), of, values, gradient })
}

fn network() -> impl Strategy<Value = Vec<Drawn>> {
    (2usize..6, 4usize..9, 2usize..5, 1usize..4).prop_flat_map(|(wide, hidden, channels, side)| {
        (
            drawn("conv.weight", vec![channels, 2, side, 2], ElementType::F16),
            drawn("fc.weight", vec![hidden, wide], ElementType::F32),
            drawn("fc.bias", vec![hidden], ElementType::F32),
            drawn("out.weight", vec![3, hidden], ElementType::F64),
            drawn("rest.weight", vec![hidden + 1, 3], ElementType::Bf16),
        )
            .prop_map(|(a, b, c, d, e)| vec![a, b, c, d, e])
    })
}

fn tensor(shape: &[usize], of: ElementType, values: &[f64]) -> Tensor {
    let dtype = match of {
        ElementType::F32 => DType::F32,
        ElementType::F16 => DType::F16,
        ElementType::Bf16 => DType::BF16,
        _ => DType::F64,
    };
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
}

/// An array of any type in column-major order, unlike candle's layout.
enum Array {
    F32(ArrayD<f32>),
    F64(ArrayD<f64>),
    F16(ArrayD<f16>),
    Bf16(ArrayD<bf16>),
}

fn column_major<E: Clone>(shape: &[usize], logical: Vec<E>) -> ArrayD<E> {
    let logical = ArrayD::from_shape_vec(IxDyn(shape), logical).unwrap();
    let mut array = ArrayD::from_elem(IxDyn(shape).f(), logical.first().unwrap().clone());
    array.assign(&logical);
    array
}

impl Array {
    fn new(shape: &[usize], of: ElementType, values: &[f64]) -> Self {
        match of {
            ElementType::F32 => Array::F32(column_major(shape, values.iter().map(|&v| v as f32).collect())),
            ElementType::F16 => Array::F16(column_major(shape, values.iter().map(|&v| f16::from_f64(v)).collect())),
            ElementType::Bf16 => Array::Bf16(column_major(shape, values.iter().map(|&v| bf16::from_f64(v)).collect())),
            _ => Array::F64(column_major(shape, values.to_vec())),
        }
    }

    fn layer(&self) -> LayerRef<'_> {
        use prune_ndarray::PruneExt as _;
        match self {
            Array::F32(array) => array.layer(),
            Array::F64(array) => array.layer(),
            Array::F16(array) => array.layer(),
            Array::Bf16(array) => array.layer(),
        }
    }

    fn layer_mut(&mut self) -> LayerMut<'_> {
        use prune_ndarray::PruneExt as _;
        match self {
            Array::F32(array) => array.layer_mut(),
            Array::F64(array) => array.layer_mut(),
            Array::F16(array) => array.layer_mut(),
            Array::Bf16(array) => array.layer_mut(),
        }
    }
}

/// The bits of the numbers of some layers.
fn bits(layers: &dyn Layers) -> Vec<(String, Vec<u64>)> {
    let mut all: Vec<_> = layers
        .layers()
        .into_iter()
        .map(|(name, layer)| {
            (name.into_owned(), layer.to_logical_f64().unwrap().into_iter().map(f64::to_bits).collect())
        })
        .collect();
    all.sort();
    all
}

fn agree(strategy: &str, network: &[Drawn]) -> Result<(), TestCaseError> {
    let vars = network.iter().map(|d| (d.name, Var::from_tensor(&tensor(&d.shape, d.of, &d.values)).unwrap()));
    let mut params = Params::named(vars).unwrap();
    let gradients: Vec<(&str, Tensor)> =
        network.iter().map(|d| (d.name, tensor(&d.shape, d.of, &d.gradient))).collect();
    let gradients = named(gradients.iter().map(|(name, tensor)| (*name, tensor)));
    let before = params.on_cpu().unwrap();

    let mut arrays: Vec<(&str, Array)> =
        network.iter().map(|d| (d.name, Array::new(&d.shape, d.of, &d.values))).collect();
    let of_gradients: Vec<(&str, Array)> =
        network.iter().map(|d| (d.name, Array::new(&d.shape, d.of, &d.gradient))).collect();
    let of_gradients: Vec<(&str, LayerRef<'_>)> =
        of_gradients.iter().map(|(name, array)| (*name, array.layer())).collect();
    let start: Vec<(&str, Array)> = network.iter().map(|d| (d.name, Array::new(&d.shape, d.of, &d.values))).collect();
    let start: Vec<(&str, LayerRef<'_>)> = start.iter().map(|(name, array)| (*name, array.layer())).collect();

    // With these names, outputs are axis 0.
    let norms: Vec<(&str, PlainTensor<f64>)> = network
        .iter()
        .map(|d| {
            let len = d.shape[1..].iter().product();
            (
                d.name,
                PlainTensor::from_logical(&d.shape[1..], d.gradient[..len].iter().map(|v| v.abs()).collect()).unwrap(),
            )
        })
        .collect();
    let norms: Vec<(&str, LayerRef<'_>)> = norms.iter().map(|(name, norm)| (*name, LayerRef::of(norm))).collect();

    let (mut ours, mut theirs) = (Pruner::new(strategy.parse().unwrap()), Pruner::new(strategy.parse().unwrap()));
    let evidence = Evidence {
        gradients: Some(&gradients),
        scores: Some(&gradients),
        rewind: Some(&before),
        inputs: Some(Inputs::Norms(&norms)),
        ..Evidence::default()
    };
    let expected = Evidence {
        gradients: Some(&of_gradients),
        scores: Some(&of_gradients),
        rewind: Some(&start),
        inputs: Some(Inputs::Norms(&norms)),
        ..Evidence::default()
    };
    for epoch in 0..=3 {
        // Without evidence, the parameters are read in place.
        let in_place = params.prepare(&ours, Moment::Epoch(epoch), Evidence::default());
        let mut model: Vec<(&str, LayerMut<'_>)> =
            arrays.iter_mut().map(|(name, array)| (*name, array.layer_mut())).collect();
        if ours.strategy().has_steps() && epoch > 0 {
            ours.end_step_with(epoch, &mut params, evidence).unwrap();
            theirs.end_step_with(epoch, &mut model, expected).unwrap();
        } else if epoch % 2 == 0 {
            // Some epochs end with a copy of the model, others without.
            ours.end_epoch_with(epoch, &mut params, evidence).unwrap();
            theirs.end_epoch_with(epoch, &mut model, expected).unwrap();
        } else {
            params.end_epoch(&mut ours, epoch, &mut [], evidence).unwrap();
            theirs.end_epoch_with(epoch, &mut model, expected).unwrap();
        }
        prop_assert!(!ours.masks().is_empty() || epoch == 0, "{}", strategy);
        prop_assert_eq!(ours.masks(), theirs.masks(), "{}", strategy);
        for (name, mask) in in_place.iter().flatten().flat_map(|event| event.masks().iter()) {
            prop_assert_eq!(Some(mask), ours.masks().get(name), "{}", strategy);
        }
        prop_assert_eq!(bits(&params), bits(&model), "{}", strategy);
        prop_assert_eq!(params.revivals(ours.masks()).unwrap(), 0);
    }
    Ok(())
}

#[test]
fn masks_equal_those_of_ndarray() {
    for strategy in STRATEGIES {
        prune_core::testing::conformance::for_all(strategy, network(), |network| agree(strategy, &network));
    }
}
