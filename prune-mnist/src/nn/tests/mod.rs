//! Tests of whole models through their descriptions.
#![allow(clippy::unwrap_used, reason = "tests")]

mod gradients;
mod inputs;
mod refusals;
mod threads;
mod training;

use std::any::Any;
use std::sync::Arc;

use super::*;

/// A model small enough for finite differences, with its data and parameters.
struct Fixture<T, P> {
    network: Network<T>,
    params: P,
    images: Vec<T>,
    labels: Vec<u8>,
}

impl<T: Real, P: ParamStorage<T>> Fixture<T, P> {
    fn new(spec: &ModelSpec, samples: usize, pruned: bool) -> Self {
        let mut network = Network::new(spec, samples).unwrap();
        if pruned {
            for index in 0..network.activation_prunings() {
                network.set_activation_pruner(index, Some(Arc::new(FixedMask))).unwrap();
            }
        }
        let mut params: P = initial_parameters(network.parameters(), Initialisation::HeNormal, 5);
        // Biases are not zero, so that they take part.
        for (index, spec) in network.parameters().iter().enumerate() {
            if spec.kind == ParamKind::Bias {
                let values = params.values_mut(index).iter_mut().enumerate();
                values.for_each(|(i, value)| *value = T::from_f64((i as f64 * 1.3 + index as f64).sin() * 0.1));
            }
        }
        let images = pattern(samples * network.sample_len(), 1);
        let labels = (0..samples).map(|i| (i * i % network.classes()) as u8).collect();
        Self { network, params, images, labels }
    }

    fn gradients(&mut self) -> (Score, P) {
        let mut gradients = P::zeros(self.network.parameters());
        // The old content must not matter.
        gradients.values_mut(0).fill(T::nan());
        let score = self.network.gradients(&self.params, &self.images, &self.labels, &mut gradients).unwrap();
        (score, gradients)
    }

    fn loss(&mut self) -> f64 {
        self.network.score_batch(&self.params, &self.images, &self.labels).unwrap().loss()
    }
}

/// Numbers from -1 to 1 without a pattern that a convolution could follow.
fn pattern<T: Real>(len: usize, salt: u64) -> Vec<T> {
    let mut state = salt;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..len).map(|_| T::from_f64(draw())).collect()
}

/// Keeps three elements of five, chosen by their place alone, so that the loss stays differentiable.
struct FixedMask;

impl<T: Real> ActivationPruning<T> for FixedMask {
    fn prune(
        &self,
        sample: &mut [T],
        shape: &[usize],
        mask: &mut [u64],
        _: &mut (dyn Any + Send + Sync),
    ) -> Result<(), ActivationError> {
        assert_eq!(shape.iter().product::<usize>(), sample.len());
        assert_eq!(mask.len(), sample.len().div_ceil(64));
        mask.fill(0);
        for (index, value) in sample.iter_mut().enumerate() {
            if (index * 7 + index / 5) % 5 < 3 {
                mask[index / 64] |= 1 << (index % 64);
            } else {
                *value = T::zero();
            }
        }
        Ok(())
    }
}

fn conv(features: usize, kernel: [usize; 2], padding: Padding) -> Layer {
    Layer::Conv { features, kernel, padding }
}

fn dense(features: usize) -> Layer {
    Layer::Dense { features }
}

/// A small version of the original's CNN.
fn small_cnn() -> ModelSpec {
    let layers = vec![
        conv(3, [3, 3], Padding::Same),
        Layer::Relu,
        Layer::PruneAct,
        Layer::AvgPool { window: 2 },
        conv(4, [3, 3], Padding::Same),
        Layer::Relu,
        Layer::PruneAct,
        Layer::AvgPool { window: 2 },
        dense(6),
        Layer::Relu,
        dense(3),
    ];
    ModelSpec::new("small cnn", [9, 8, 1], layers)
}

/// A small version of LeNet-300-100.
fn small_mlp() -> ModelSpec {
    ModelSpec::new("small mlp", [4, 5, 1], vec![dense(9), Layer::Relu, dense(7), Layer::Relu, dense(4)])
}

/// A small version of LeNet-5.
fn small_lenet() -> ModelSpec {
    let layers = vec![
        conv(3, [3, 3], Padding::Valid),
        Layer::MaxPool { window: 2 },
        conv(4, [2, 3], Padding::Valid),
        Layer::MaxPool { window: 2 },
        dense(5),
        Layer::Relu,
        dense(3),
    ];
    ModelSpec::new("small lenet", [10, 11, 1], layers)
}

/// Orders of layers that no model here has, but a description may have.
fn unusual() -> Vec<ModelSpec> {
    let pool = Layer::AvgPool { window: 2 };
    let max = Layer::MaxPool { window: 2 };
    let (same, relu, prune) = (Padding::Same, Layer::Relu, Layer::PruneAct);
    let lists = [
        // Pruning without a relu, after each kind of layer; pruning before a relu.
        vec![conv(3, [3, 3], same), prune, pool, prune, conv(2, [2, 2], same), prune, relu, dense(5), prune, dense(3)],
        // A dense layer pruned before its relu, and one with both the other way round.
        vec![dense(9), prune, relu, dense(8), relu, prune, dense(3)],
        // Pooling first, a separate relu after it, pooling last, one channel in the middle.
        vec![max, relu, conv(1, [3, 3], same), conv(3, [2, 2], Padding::Valid), relu, pool, dense(3)],
        // A dense layer before a convolution: the features become the channels of one pixel.
        vec![dense(6), relu, conv(4, [1, 1], same), max_of_one(), dense(3), relu],
        // No dense layer at all; the last output is a pooled, pruned one.
        vec![conv(3, [5, 5], same), relu, Layer::AvgPool { window: 6 }, prune],
        vec![conv(3, [5, 5], same), relu, Layer::MaxPool { window: 6 }],
    ];
    let named = |(index, layers)| ModelSpec::new(format!("unusual {index}"), [6, 6, 2], layers);
    lists.into_iter().enumerate().map(named).collect()
}

fn max_of_one() -> Layer {
    Layer::MaxPool { window: 1 }
}

fn small_models() -> Vec<ModelSpec> {
    [vec![small_cnn(), small_mlp(), small_lenet()], unusual()].concat()
}
