//! One training step of both models on both storages, at one and two threads.
//!
//! Before anything is timed, the gradients are compared with those of the same arithmetic in f64, and these with a
//! finite difference of the loss.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench: a failure should stop it")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use prune_mnist::nn::{
    Initialisation, ModelSpec, NalgebraParams, NdarrayParams, Network, Optimiser, ParamStorage, Real, Sgd,
    initial_parameters,
};

const BATCH: usize = 128;
const SEED: u64 = 42;

/// Images that look random, and labels.
fn batch<T: Real>(count: usize, sample: usize) -> (Vec<T>, Vec<u8>) {
    let value = |i: usize| T::from_f64(((i * 2_654_435_761) >> 7 & 255) as f64 / 255.0);
    ((0..count * sample).map(value).collect(), (0..count).map(|i| (i * 7 % 10) as u8).collect())
}

fn gradients<T: Real, P: ParamStorage<T>>(spec: &ModelSpec, count: usize) -> (Network<T>, P, P) {
    let mut network = Network::<T>::new(spec, count).unwrap();
    let params: P = initial_parameters(network.parameters(), Initialisation::LecunNormal, SEED);
    let mut gradients = P::zeros(network.parameters());
    let (images, labels) = batch(count, network.sample_len());
    network.gradients(&params, &images, &labels, &mut gradients).unwrap();
    (network, params, gradients)
}

/// Stops unless f32 gradients are near those of f64, and those near a finite difference along themselves.
fn check<P: ParamStorage<f32>, Q: ParamStorage<f64>>(spec: &ModelSpec) {
    let count = 20;
    let (_, _, single) = gradients::<f32, P>(spec, count);
    let (mut network, mut params, exact) = gradients::<f64, Q>(spec, count);
    let mut square = 0.0;
    for index in 0..network.parameters().len() {
        let largest = exact.values(index).iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        for (&single, &exact) in single.values(index).iter().zip(exact.values(index)) {
            assert!((f64::from(single) - exact).abs() <= 1e-4 * largest, "{}: {single} {exact}", spec.name);
            square += exact * exact;
        }
    }
    let (images, labels) = batch(count, network.sample_len());
    let mut moved = |by: f64| {
        for index in 0..exact.specs().len() {
            let pairs = params.values_mut(index).iter_mut().zip(exact.values(index));
            pairs.for_each(|(weight, gradient)| *weight += by * gradient);
        }
        network.score_batch(&params, &images, &labels).unwrap().loss()
    };
    let step = 1e-6;
    let difference = (moved(step) - moved(-2.0 * step)) / (2.0 * step);
    assert!((difference / square - 1.0).abs() < 1e-5, "{}: {difference} {square}", spec.name);
}

fn step<P: ParamStorage<f32>>(criterion: &mut Criterion, spec: &ModelSpec, storage: &str) {
    let mut group = criterion.benchmark_group(format!("training step/{}", spec.name));
    group.throughput(Throughput::Elements(BATCH as u64));
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (mut network, mut params, mut gradients) = gradients::<f32, P>(spec, BATCH);
        let mut sgd = Sgd::new(network.parameters(), 0.9, 0.0);
        let (images, labels) = batch(BATCH, network.sample_len());
        group.bench_function(BenchmarkId::new(storage, format!("threads {threads}")), |bencher| {
            pool.install(|| {
                bencher.iter(|| {
                    let score = network.gradients(&params, &images, &labels, &mut gradients).unwrap();
                    sgd.step(&mut params, &gradients, 1e-4).unwrap();
                    black_box(score)
                });
            });
        });
    }
    group.finish();
}

fn training(criterion: &mut Criterion) {
    for spec in [ModelSpec::mlp(), ModelSpec::cnn()] {
        check::<NdarrayParams<f32>, NdarrayParams<f64>>(&spec);
        check::<NalgebraParams<f32>, NalgebraParams<f64>>(&spec);
        step::<NdarrayParams<f32>>(criterion, &spec, "ndarray");
        step::<NalgebraParams<f32>>(criterion, &spec, "nalgebra");
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = training
}
criterion_main!(benches);
