//! Compacted chains against the masked dense ones, and against removing neurons one at a time.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::{CompactChain, DenseLayer, compact};
use crate::testing::generators::{Random, layouts, to_memory_order};
use crate::{Error, LayerRef, Layout, Mask, PlainTensor, Tensor as _};

/// A dense layer as the tests hold it.
#[derive(Debug, Clone)]
struct Dense {
    inputs: usize,
    outputs: usize,
    /// True if weights are of shape (out, in).
    turned: bool,
    layout: Layout,
    /// In logical order.
    weights: Vec<f32>,
    kept: Option<Vec<bool>>,
    bias: Option<Vec<f32>>,
}

impl Dense {
    fn place(&self, input: usize, output: usize) -> usize {
        if self.turned { output * self.inputs + input } else { input * self.outputs + output }
    }

    fn weight(&self, input: usize, output: usize) -> f64 {
        let place = self.place(input, output);
        if self.kept.as_ref().is_none_or(|kept| kept[place]) { f64::from(self.weights[place]) } else { 0.0 }
    }

    fn bias(&self, output: usize) -> f64 {
        self.bias.as_ref().map_or(0.0, |bias| f64::from(bias[output]))
    }
}

fn dense(inputs: usize, outputs: usize) -> BoxedStrategy<Dense> {
    let len = inputs * outputs;
    // From empty to dense, and with idle rows and columns.
    let zeros = prop_oneof![Just(0u8), Just(5), Just(8), Just(9), Just(10)];
    (any::<bool>(), any::<u64>(), zeros, any::<bool>(), any::<bool>())
        .prop_flat_map(move |(turned, seed, zeros, masked, biased)| {
            let mut random = Random::new(seed);
            let mut number = || (random.next_u64() >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
            let shape = if turned { vec![outputs, inputs] } else { vec![inputs, outputs] };
            let mut weights: Vec<f32> = (0..len).map(|_| number()).collect();
            let empty: Vec<bool> = (0..len).map(|_| (number() + 1.0) * 5.0 < f32::from(zeros)).collect();
            let idle = |at: usize| at.wrapping_mul(0x9E37_79B9).wrapping_add(seed as usize).is_multiple_of(5);
            let empty: Vec<bool> =
                (0..len).map(|i| empty[i] || idle(i / shape[1]) || idle(i % shape[1] + 77)).collect();
            let kept = masked.then(|| empty.iter().map(|empty| !empty).collect::<Vec<bool>>());
            if !masked {
                weights.iter_mut().zip(&empty).for_each(|(weight, &empty)| *weight = if empty { 0.0 } else { *weight });
            }
            let bias = biased.then(|| (0..outputs).map(|_| number()).collect::<Vec<f32>>());
            (layouts(shape), Just((turned, weights, kept, bias)))
        })
        .prop_map(move |(layout, (turned, weights, kept, bias))| Dense {
            inputs,
            outputs,
            turned,
            layout,
            weights,
            kept,
            bias,
        })
        .boxed()
}

fn chains() -> BoxedStrategy<Vec<Dense>> {
    prop::collection::vec(prop_oneof![1 => Just(0usize), 12 => 1usize..9], 2..6)
        .prop_flat_map(|widths| widths.windows(2).map(|pair| dense(pair[0], pair[1])).collect::<Vec<_>>())
        .boxed()
}

fn compacted(chain: &[Dense], activation: fn(f64) -> f64) -> Result<CompactChain, Error> {
    let tensors: Vec<PlainTensor<f32>> = chain
        .iter()
        .map(|dense| {
            PlainTensor::from_memory(dense.layout.clone(), to_memory_order(&dense.layout, &dense.weights)).unwrap()
        })
        .collect();
    let biases: Vec<Option<PlainTensor<f32>>> = chain
        .iter()
        .map(|dense| dense.bias.clone().map(|bias| PlainTensor::from_logical(&[dense.outputs], bias).unwrap()))
        .collect();
    let masks: Vec<Option<Mask>> = chain
        .iter()
        .map(|dense| dense.kept.as_ref().map(|kept| Mask::from_bools(dense.layout.shape(), kept).unwrap()))
        .collect();
    let weights: Vec<LayerRef<'_>> = tensors.iter().map(LayerRef::of).collect();
    let biases: Vec<Option<LayerRef<'_>>> = biases.iter().map(|bias| bias.as_ref().map(LayerRef::of)).collect();
    let layers: Vec<DenseLayer<'_>> = (0..chain.len())
        .map(|i| DenseLayer::new("fc", &weights[i]).with_bias(biases[i].as_ref()).with_mask(masks[i].as_ref()))
        .zip(chain)
        .map(|(layer, dense)| layer.with_input_axis(if dense.turned { -1 } else { 0 }))
        .collect();
    compact(&layers, activation)
}

/// The output of the masked dense chain.
fn run(chain: &[Dense], input: &[f64], activation: fn(f64) -> f64) -> Vec<f64> {
    let mut x = input.to_vec();
    for (l, dense) in chain.iter().enumerate() {
        let last = l + 1 == chain.len();
        let sum = |j| dense.bias(j) + (0..dense.inputs).map(|i| x[i] * dense.weight(i, j)).sum::<f64>();
        x = (0..dense.outputs).map(sum).map(|y: f64| if last { y } else { activation(y) }).collect();
    }
    x
}

/// The output of the compacted chain.
fn run_small(chain: &CompactChain, input: &[f64], activation: fn(f64) -> f64) -> Vec<f64> {
    let mut x = input.to_vec();
    for (l, layer) in chain.layers.iter().enumerate() {
        let last = l + 1 == chain.layers.len();
        let shape = layer.weights.layout().shape().to_vec();
        let outputs = shape[1 - layer.input_axis];
        assert_eq!(shape[layer.input_axis], x.len());
        let at = |i: usize, j: usize| {
            layer.weights.values()[if layer.input_axis == 0 { i * outputs + j } else { j * x.len() + i }]
        };
        let bias = |j: usize| layer.bias.as_ref().map_or(0.0, |bias| bias.values()[j]);
        let sum = |j| bias(j) + (0..x.len()).map(|i| x[i] * at(i, j)).sum::<f64>();
        x = (0..outputs).map(sum).map(|y: f64| if last { y } else { activation(y) }).collect();
    }
    x
}

/// The hidden neurons that are left after removing, one at a time, every neuron without connections on one side; and
/// the inputs that are still connected.
fn one_at_a_time(chain: &[Dense]) -> Vec<Vec<bool>> {
    // Columns of neurons: the inputs first, the outputs last.
    let mut left: Vec<Vec<bool>> = vec![vec![true; chain[0].inputs]];
    left.extend(chain.iter().map(|dense| vec![true; dense.outputs]));
    let connected = |left: &[Vec<bool>], l: usize, j: usize, outwards: bool| {
        if outwards {
            (0..chain[l].outputs).any(|k| left[l + 1][k] && chain[l].weight(j, k) != 0.0)
        } else {
            (0..chain[l - 1].inputs).any(|i| left[l - 1][i] && chain[l - 1].weight(i, j) != 0.0)
        }
    };
    loop {
        let mut idle = None;
        for l in 1..chain.len() {
            for j in 0..left[l].len() {
                if left[l][j] && !(connected(&left, l, j, true) && connected(&left, l, j, false)) {
                    idle = Some((l, j));
                }
            }
        }
        match idle {
            Some((l, j)) => left[l][j] = false,
            None => break,
        }
    }
    left[0] = (0..chain[0].inputs).map(|i| connected(&left, 0, i, true)).collect();
    left
}

fn relu(x: f64) -> f64 {
    x.max(0.0)
}

/// Its constants are not zero, whatever the bias.
fn soft(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn the_function_stays_and_idle_neurons_go(chain in chains(), seed: u64, curved: bool) {
        let activation = if curved { soft } else { relu };
        let small = compacted(&chain, activation).unwrap();
        let left = one_at_a_time(&chain);
        prop_assert_eq!(small.used_inputs.iter().collect::<Vec<_>>(), &left[0][..]);
        for (l, layer) in small.layers.iter().enumerate() {
            let last = l + 1 == chain.len();
            prop_assert_eq!(layer.inputs.iter().collect::<Vec<_>>(), if l == 0 { vec![true; chain[0].inputs] } else { left[l].clone() });
            prop_assert_eq!(layer.outputs.iter().collect::<Vec<_>>(), if last { vec![true; chain[l].outputs] } else { left[l + 1].clone() });
            // The mask of the rest equals the rest of the mask.
            let kept = |dense: &Dense, i, j| dense.kept.as_ref().is_none_or(|kept| kept[dense.place(i, j)]);
            let both = layer.inputs.kept_indices().flat_map(|i| layer.outputs.kept_indices().map(move |j| (i, j)));
            let of_both = both.filter(|&(i, j)| kept(&chain[l], i, j)).count();
            prop_assert_eq!(layer.mask.kept_len(), of_both);
            let layout = layer.weights.layout();
            prop_assert_eq!(layer.mask.shape(), layout.shape());
            prop_assert_eq!(layer.parameters_before(), chain[l].weights.len() + chain[l].bias.as_ref().map_or(0, Vec::len));
        }
        let mut random = Random::new(seed);
        let fewer = small.clone().without_unused_inputs();
        prop_assert_eq!(&fewer.clone().without_unused_inputs(), &fewer);
        for _ in 0..3 {
            let input: Vec<f64> =
                (0..chain[0].inputs).map(|_| (random.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0).collect();
            let wanted = run(&chain, &input, activation);
            let used: Vec<f64> = small.used_inputs.kept_indices().map(|i| input[i]).collect();
            for got in [run_small(&small, &input, activation), run_small(&fewer, &used, activation)] {
                prop_assert_eq!(got.len(), wanted.len());
                for (got, wanted) in got.iter().zip(&wanted) {
                    prop_assert!((got - wanted).abs() <= 1e-12 * (1.0 + wanted.abs()), "{} is not {}", got, wanted);
                }
            }
        }
    }
}

fn plain(inputs: usize, outputs: usize, weights: &[f32], bias: &[f32]) -> Dense {
    let layout = Layout::row_major(&[inputs, outputs]).unwrap();
    let (weights, bias) = (weights.to_vec(), Some(bias.to_vec()));
    Dense { inputs, outputs, turned: false, layout, weights, kept: None, bias }
}

/// A neuron whose only input is a constant is a constant too, through to the outputs.
#[test]
fn constants_are_folded_through_to_the_last() {
    let chain = [
        plain(2, 2, &[0.0, 1.0, 0.0, 1.0], &[2.0, -1.0]),
        plain(2, 2, &[3.0, 0.0, 0.0, 1.0], &[0.5, 0.25]),
        plain(2, 1, &[10.0, 2.0], &[7.0]),
    ];
    let small = compacted(&chain, relu).unwrap();
    let values = |l: usize| (small.layers[l].weights.values(), small.layers[l].bias.as_ref().unwrap().values());
    assert_eq!(values(0), (&[1.0, 1.0][..], &[-1.0][..]));
    assert_eq!(values(1), (&[1.0][..], &[0.25][..]));
    // 7 + 10 * (0.5 + 3 * 2).
    assert_eq!(values(2), (&[2.0][..], &[72.0][..]));
    assert_eq!(
        small.to_string(),
        "fc: 2 -> 1 neurons, 6 -> 3 parameters\nfc: 2 -> 1 neurons, 6 -> 2 parameters\n\
         fc: 1 -> 1 neurons, 3 -> 2 parameters\nin all 15 -> 7 parameters; 2 of 2 inputs are used"
    );
}

/// A layer without connections leaves constants, and no input is used.
#[test]
fn an_empty_layer_makes_the_outputs_constants() {
    let chain = [
        plain(2, 2, &[1.0, 2.0, 3.0, 4.0], &[1.0, 1.0]),
        plain(2, 2, &[0.0; 4], &[2.0, -3.0]),
        plain(2, 2, &[1.0, 1.0, 5.0, 5.0], &[0.0, 1.0]),
    ];
    let small = compacted(&chain, relu).unwrap();
    assert_eq!(small.used_inputs.kept_len(), 0);
    assert_eq!(small.layers.iter().map(|layer| layer.weights.values().len()).collect::<Vec<_>>(), [0, 0, 0]);
    assert_eq!(small.layers[2].bias.as_ref().unwrap().values(), [2.0, 3.0]);
    assert_eq!((small.parameters_before(), small.parameters()), (18, 2));
    let none = small.without_unused_inputs();
    assert_eq!(none.layers[0].weights.layout().shape(), [0, 0]);
    assert_eq!(run_small(&none, &[], relu), [2.0, 3.0]);
}

#[test]
fn what_makes_no_chain_is_refused() {
    let tensor = |shape: &[usize]| PlainTensor::from_logical(shape, vec![1.0f32; shape.iter().product()]).unwrap();
    let (wide, cube, bias) = (tensor(&[3, 4]), tensor(&[2, 2, 2]), tensor(&[4]));
    let (wide, cube, bias) = (LayerRef::of(&wide), LayerRef::of(&cube), LayerRef::of(&bias));
    let refused = |layers: &[DenseLayer<'_>]| compact(layers, relu).unwrap_err().to_string();
    let fc = DenseLayer::new("fc1", &wide);
    assert_eq!(
        refused(&[fc, DenseLayer::new("fc2", &wide)]),
        "layer `fc2`: it takes 3 inputs, but `fc1` before it has 4 outputs"
    );
    assert_eq!(
        refused(&[DenseLayer::new("conv", &cube)]),
        "layer `conv`: a dense layer has weights of rank 2, these are of shape [2, 2, 2]"
    );
    let of_inputs = refused(&[fc.with_input_axis(1).with_bias(Some(&bias))]);
    assert_eq!(of_inputs, "layer `fc1`: the bias has shape [4] where [3] is needed");
    let mask = Mask::all(&[4, 3]).unwrap();
    assert_eq!(refused(&[fc.with_mask(Some(&mask))]), "layer `fc1`: the mask has shape [4, 3] where [3, 4] is needed");
    assert!(refused(&[fc.with_input_axis(2)]).starts_with("layer `fc1`: axis 2 does not exist"));
    let none = compact(&[], relu).unwrap();
    assert_eq!((none.layers.len(), none.used_inputs.len()), (0, 0));
    assert!(compact(&[fc.with_bias(Some(&bias)), DenseLayer::new("fc2", &wide).with_input_axis(-1)], relu).is_ok());
}
