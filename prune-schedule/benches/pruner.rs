//! The cost of a strategy inside a training loop: reading it, an event over a model, and holding its masks.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench: a failure should stop it")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use prune_core::testing::generators::{ValueKind, many_values};
use prune_core::testing::oracle;
use prune_core::{LayerMut, LayerRef, PlainTensor, PruneExt, RankBy};
use prune_schedule::{Pruner, Strategy};

const NAMES: [&str; 3] = ["fc1", "fc2", "fc3"];
const SHAPES: [[usize; 2]; 3] = [[784, 300], [300, 100], [100, 10]];

fn model() -> Vec<PlainTensor<f32>> {
    let layer = |shape: &[usize; 2]| {
        PlainTensor::from_logical(shape, many_values(ValueKind::Uniform, shape.iter().product(), 7)).unwrap()
    };
    SHAPES.iter().map(layer).collect()
}

fn layers(model: &mut [PlainTensor<f32>]) -> Vec<(&'static str, LayerMut<'_>)> {
    NAMES.into_iter().zip(model.iter_mut().map(|tensor| tensor.layer_mut())).collect()
}

/// Stops unless the event of `pruner` keeps the elements of `before` that the oracle keeps.
fn check(pruner: &Pruner, before: &[PlainTensor<f32>]) {
    for ((name, shape), tensor) in NAMES.into_iter().zip(&SHAPES).zip(before) {
        let scores = LayerRef::of(tensor).to_logical_f64().unwrap();
        let layer = oracle::Layer { name, shape, scores: &scores, alive: None };
        let best = oracle::n_m(layer, 2, 4, -1, RankBy::Magnitude).unwrap();
        assert!(pruner.masks().get(name).unwrap().iter().eq(best.kept), "{name}");
    }
}

fn pruner(c: &mut Criterion) {
    let text = "{1: {'method': 'str_unified_local', 'pattern': (2, 4)}}";
    let strategy: Strategy = text.parse().unwrap();
    let mut group = c.benchmark_group("a model of 266,200 weights");
    group.bench_function(BenchmarkId::new("read a strategy of", text.len()), |b| {
        b.iter(|| black_box(text).parse::<Strategy>().unwrap());
    });
    let before = model();
    let mut pruned = before.clone();
    let mut held = Pruner::new(strategy.clone());
    held.end_epoch(1, &mut layers(&mut pruned)).unwrap();
    check(&held, &before);
    group.bench_function("an event, with its report", |b| {
        b.iter(|| {
            let mut pruner = Pruner::new(strategy.clone());
            pruner.end_epoch(1, &mut layers(&mut pruned)).unwrap()
        });
    });
    group.bench_function("hold", |b| b.iter(|| held.hold(&mut layers(black_box(&mut pruned))).unwrap()));
    group.bench_function("save and load its state", |b| b.iter(|| Pruner::from_json(&held.to_json()).unwrap()));
}

/// Small layers, so that their number decides: the time of an event must be proportional to it, not to its square.
fn many_layers(c: &mut Criterion) {
    let mut group = c.benchmark_group("an event over layers of 2x2");
    group.sample_size(10);
    for count in [12_500, 100_000] {
        let names: Vec<String> = (0..count).map(|i| format!("layer.{i}.weight")).collect();
        let tensor = || PlainTensor::from_logical(&[2, 2], vec![4.0f32, 3.0, 2.0, 1.0]).unwrap();
        let mut tensors: Vec<PlainTensor<f32>> = (0..count).map(|_| tensor()).collect();
        let mut model: Vec<(&str, LayerMut<'_>)> =
            names.iter().map(String::as_str).zip(tensors.iter_mut().map(|tensor| tensor.layer_mut())).collect();
        for (end, key) in [("end_epoch", "1"), ("end_step", "'1 steps'")] {
            let text = format!("{{{key}: {{'method': 'unstr_unified_local', 'density': 0.5}}}}");
            let strategy: Strategy = text.parse().unwrap();
            group.bench_function(BenchmarkId::new(end, count), |b| {
                b.iter(|| {
                    let mut pruner = Pruner::new(strategy.clone());
                    let report = match end {
                        "end_epoch" => pruner.end_epoch(1, &mut model),
                        _ => pruner.end_step(1, &mut model),
                    };
                    let report = report.unwrap().unwrap();
                    assert_eq!((report.layers.len(), report.selected.kept), (count, 2 * count));
                    report
                });
            });
        }
    }
}

criterion_group!(benches, pruner, many_layers);
criterion_main!(benches);
