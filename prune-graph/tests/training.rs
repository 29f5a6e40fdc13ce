//! Channels that training closes by the couplings of a graph: they have no effect on the network any more.
//!
//! The network is plain loops in `f64`: conv, batch normalisation with a shift, ReLU, conv, batch normalisation, added
//! to a second branch, ReLU, conv, all padded. A pruner that knows the couplings masks it. Its outputs then equal those
//! of a network from which the channels are cut out.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::prelude::*;
use prune_core::{LayerMut, LayerRef, Layers, LayersMut, Masks, PlainTensor};
use prune_graph::{Coupling, Couplings, Graph, Reason, Role};
use prune_schedule::Pruner;

const SIDE: usize = 4;
const INPUTS: usize = 2;
/// The number of channels after the first convolution, and the number after the addition.
const INNER: usize = 5;
const OUTER: usize = 4;

/// Every parameter with its shape; convolutions are (out, in, height, width).
const PARAMETERS: [(&str, &[usize]); 14] = [
    ("a.weight", &[INNER, INPUTS, 3, 3]),
    ("a.bias", &[INNER]),
    ("a_norm.scale", &[INNER]),
    ("a_norm.shift", &[INNER]),
    ("a_norm.mean", &[INNER]),
    ("a_norm.variance", &[INNER]),
    ("b.weight", &[OUTER, INNER, 3, 3]),
    ("b_norm.scale", &[OUTER]),
    ("b_norm.shift", &[OUTER]),
    ("b_norm.mean", &[OUTER]),
    ("b_norm.variance", &[OUTER]),
    ("skip.weight", &[OUTER, INPUTS, 1, 1]),
    ("skip.bias", &[OUTER]),
    ("out.weight", &[2, OUTER, 3, 3]),
];

/// The axes that hold the channels after `a`, and those that hold the channels after the addition, each with its role.
const CHANNELS: [&[(&str, usize, Role)]; 2] = [
    &[
        ("a.weight", 0, Role::Writer),
        ("a.bias", 0, Role::Writer),
        ("a_norm.scale", 0, Role::Writer),
        ("a_norm.shift", 0, Role::Writer),
        ("a_norm.mean", 0, Role::Divisor),
        ("a_norm.variance", 0, Role::Divisor),
        ("b.weight", 1, Role::Reader),
    ],
    &[
        ("b.weight", 0, Role::Writer),
        ("b_norm.scale", 0, Role::Writer),
        ("b_norm.shift", 0, Role::Writer),
        ("b_norm.mean", 0, Role::Divisor),
        ("b_norm.variance", 0, Role::Divisor),
        ("skip.weight", 0, Role::Writer),
        ("skip.bias", 0, Role::Writer),
        ("out.weight", 1, Role::Reader),
    ],
];

/// Named tensors: a network, or the buffers of its optimiser.
#[derive(Debug, Clone)]
struct Network(BTreeMap<&'static str, PlainTensor<f64>>);

impl Layers for Network {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        self.0.iter().map(|(name, tensor)| (Cow::from(*name), LayerRef::of(tensor))).collect()
    }
}

impl LayersMut for Network {
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
        self.0.iter_mut().map(|(name, tensor)| (Cow::from(*name), LayerMut::of(tensor))).collect()
    }
}

impl Network {
    fn of(values: &[f64]) -> Self {
        let mut values = values.iter().copied().cycle();
        let tensor = |shape: &[usize]| {
            let values = values.by_ref().take(shape.iter().product()).collect();
            PlainTensor::from_logical(shape, values).unwrap()
        };
        let shapes = PARAMETERS.iter().map(|(_, shape)| *shape).map(tensor);
        Network(PARAMETERS.iter().map(|(name, _)| *name).zip(shapes).collect())
    }

    fn get(&self, name: &str) -> &[f64] {
        self.0[name].values()
    }

    /// The network after a cut: of each axis in `kept`, only the listed indices are left.
    fn cut(&self, kept: &[(&'static str, usize, &[usize])]) -> Self {
        let mut cut = self.clone();
        for &(name, axis, kept) in kept {
            let tensor = &cut.0[name];
            let mut shape = LayerRef::of(tensor).shape().to_vec();
            let (length, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
            let remains = tensor.values().iter().enumerate().filter(|(i, _)| kept.contains(&(i / inner % length)));
            let values = remains.map(|(_, value)| *value).collect();
            shape[axis] = kept.len();
            cut.0.insert(name, PlainTensor::from_logical(&shape, values).unwrap());
        }
        cut
    }

    /// A padded convolution of an image, with its bias if it has one. The size stays.
    fn conv(&self, name: &str, input: &[f64]) -> Vec<f64> {
        let shape = LayerRef::of(&self.0[&*format!("{name}.weight")]).shape().to_vec();
        let (weight, bias) = (self.get(&format!("{name}.weight")), self.0.get(&*format!("{name}.bias")));
        let [outs, ins, kernel, _] = shape[..] else { panic!("a convolution") };
        let pad = kernel / 2;
        let mut output = Vec::new();
        for out in 0..outs {
            for (y, x) in (0..SIDE * SIDE).map(|at| (at / SIDE, at % SIDE)) {
                let mut sum = 0.0;
                for (from, dy, dx) in
                    (0..ins * kernel * kernel).map(|i| (i / kernel / kernel, i / kernel % kernel, i % kernel))
                {
                    let (row, column) = ((y + dy).wrapping_sub(pad), (x + dx).wrapping_sub(pad));
                    if row < SIDE && column < SIDE {
                        let at = ((out * ins + from) * kernel + dy) * kernel + dx;
                        sum += weight[at] * input[(from * SIDE + row) * SIDE + column];
                    }
                }
                output.push(sum + bias.map_or(0.0, |bias| bias.values()[out]));
            }
        }
        output
    }

    fn norm(&self, name: &str, input: &[f64]) -> Vec<f64> {
        let of = |part| self.get(&format!("{name}.{part}"));
        let (scale, shift, mean, variance) = (of("scale"), of("shift"), of("mean"), of("variance"));
        let value = |(i, x): (usize, &f64)| {
            let channel = i / (SIDE * SIDE);
            (x - mean[channel]) / (variance[channel].abs() + 1e-5).sqrt() * scale[channel] + shift[channel]
        };
        input.iter().enumerate().map(value).collect()
    }

    fn forward(&self, input: &[f64]) -> Vec<f64> {
        let relu = |values: Vec<f64>| -> Vec<f64> { values.into_iter().map(|value| value.max(0.0)).collect() };
        let inner = relu(self.norm("a_norm", &self.conv("a", input)));
        let branch = self.norm("b_norm", &self.conv("b", &inner));
        let added = branch.iter().zip(self.conv("skip", input)).map(|(a, b)| a + b).collect();
        self.conv("out", &relu(added))
    }
}

/// The couplings of the network, first from its graph and then as a user would state them.
fn couplings() -> [Couplings; 2] {
    let mut graph = Graph::new();
    let tensors: BTreeMap<&str, _> =
        PARAMETERS.iter().map(|(name, shape)| (*name, graph.constant(name, shape, shape.len() > 1).unwrap())).collect();
    let why = graph.reason(Reason::new("Conv", "", "joins"));
    for group in CHANNELS {
        for &(name, axis, role) in group {
            let axis = tensors[name].axis(axis);
            graph.join(tensors[group[0].0].axis(group[0].1), axis, why);
            graph.role(axis, role);
        }
    }
    for (name, shape) in PARAMETERS.iter().filter(|(_, shape)| shape.len() > 1) {
        (2..shape.len()).for_each(|axis| graph.pin(tensors[name].axis(axis), why));
    }
    graph.pin(tensors["a.weight"].axis(1), why);
    graph.pin(tensors["skip.weight"].axis(1), why);
    graph.pin(tensors["out.weight"].axis(0), why);
    let length = |name| PARAMETERS.iter().find(|(known, _)| *known == name).unwrap().1[0];
    let stated = CHANNELS.map(|group| {
        let writers = group.iter().filter(|(.., role)| *role == Role::Writer);
        writers.map(|&(name, axis, _)| (name, axis, length(name))).collect()
    });
    [Couplings::of(&graph.close()), Couplings::stated(&stated).unwrap()]
}

/// The network, pruned at the end of an epoch, and the optimiser's buffers after a hold.
fn pruned(density: f64, couplings: Option<&Couplings>, network: &Network) -> (Network, Network, Masks) {
    let strategy = format!(
        "{{1: {{'method': 'channel_unified_local', 'density': {density}, 'include': ['a.weight', 'b.weight', 'skip.weight']}}}}"
    );
    let mut pruner = Pruner::new(strategy.parse().unwrap());
    if let Some(couplings) = couplings {
        let members = couplings.groups().iter().map(Coupling::members).collect::<Result<Vec<_>, _>>().unwrap();
        pruner = pruner.with_couplings(members);
    }
    let (mut network, mut buffers) = (network.clone(), Network::of(&[0.5, -0.25, 0.125]));
    pruner.check(&network).unwrap();
    pruner.end_epoch(1, &mut network).unwrap();
    pruner.hold(&mut buffers).unwrap();
    (network, buffers, pruner.masks().clone())
}

/// The indices along axis 0 at which the tensor is not all zero.
fn open(network: &Network, name: &str) -> Vec<usize> {
    let channels = LayerRef::of(&network.0[name]).shape()[0];
    let rows = network.get(name).chunks(network.get(name).len() / channels).enumerate();
    rows.filter(|(_, row)| row.iter().any(|&value| value != 0.0)).map(|(channel, _)| channel).collect()
}

/// Numbers other than 0, so that every 0 comes from pruning.
fn numbers(len: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(
        (0.05f64..2.0, any::<bool>()).prop_map(|(value, minus)| if minus { -value } else { value }),
        len,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn closed_channels_are_as_good_as_cut_out(
        values in numbers(PARAMETERS.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()),
        input in numbers(INPUTS * SIDE * SIDE),
        density in 0.1f64..0.9,
    ) {
        let network = Network::of(&values);
        let [of_graph, stated] = couplings();
        let (masked, buffers, masks) = pruned(density, Some(&of_graph), &network);
        prop_assert_eq!(&masks, &pruned(density, Some(&stated), &network).2);

        // Weights, biases, scales, shifts and their buffers have zeros in the same channels.
        let (inner, outer) = (open(&masked, "a.weight"), open(&masked, "b.weight"));
        for held in [&masked, &buffers] {
            for (group, kept) in CHANNELS.iter().zip([&inner, &outer]) {
                for (name, ..) in group.iter().filter(|(.., role)| *role == Role::Writer) {
                    prop_assert_eq!(&open(held, name), kept, "{}", name);
                }
            }
        }
        let kept = CHANNELS.iter().zip([&inner, &outer]);
        let cut: Vec<_> = kept.flat_map(|(group, kept)| group.iter().map(move |(name, axis, _)| (*name, *axis, &kept[..]))).collect();
        let expected = network.cut(&cut).forward(&input);
        prop_assert_eq!(masked.forward(&input), expected);
    }
}

/// Without couplings, the shift of a closed channel goes on into the next convolution, and branches close different
/// channels.
#[test]
fn without_couplings_closed_channels_are_seen() {
    let values: Vec<f64> = (0..997).map(|i| 0.1 + f64::from(i * 37 % 101) / 80.0).collect();
    let network = Network::of(&values);
    let (masked, _, masks) = pruned(0.5, None, &network);
    let inner = open(&masked, "a.weight");
    assert_eq!(open(&masked, "a_norm.shift").len(), INNER);
    assert!(inner.len() < INNER && masks.get("a_norm.shift").is_none());
    let cut: Vec<_> = CHANNELS[0].iter().map(|(name, axis, _)| (*name, *axis, &inner[..])).collect();
    let input = vec![1.0; INPUTS * SIDE * SIDE];
    assert_ne!(masked.forward(&input), masked.cut(&cut).forward(&input));
}

/// A normalisation after a concatenation has the channels of both parts; one part has them at other indices.
#[test]
fn channels_at_other_indices_are_refused() {
    let mut graph = Graph::new();
    let why = graph.reason(Reason::new("Concat", "", "joins"));
    let [first, second] = ["first.weight", "second.weight"].map(|name| graph.constant(name, &[3, 2], true).unwrap());
    let shift = graph.constant("norm.shift", &[6], false).unwrap();
    for (part, at) in [(first, 0), (second, 3)] {
        graph.join_segment((shift.axis(0), at), (part.axis(0), 0), 3, why);
        graph.pin(part.axis(1), why);
        graph.role(part.axis(0), Role::Writer);
    }
    graph.role(shift.axis(0), Role::Writer);
    let couplings = Couplings::of(&graph.close());
    let told: Vec<String> = couplings
        .groups()
        .iter()
        .map(|group| {
            group.members().map(Iterator::collect::<Vec<_>>).map_or_else(|e| e.to_string(), |m| format!("{m:?}"))
        })
        .collect();
    assert_eq!(
        told,
        [
            "[(\"first.weight\", 0), (\"norm.shift\", 0)]",
            "coupling of `norm.shift`: its channels have other indices than in the rest of the group; exclude the layers of \
             the group"
        ]
    );
}
