//! Masks of nalgebra's own layouts and views, each held against the full-sort oracle before it is timed.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench: a failure should stop it")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nalgebra::DMatrix;
use prune_nalgebra::prune_core::Error;
use prune_nalgebra::prune_core::testing::generators::{ValueKind, many_values};
use prune_nalgebra::prune_core::testing::oracle;
use prune_nalgebra::{Density, LayerRef, Mask, NmPattern, PruneExt, RankBy};

const ROWS: usize = 600;
const COLUMNS: usize = 500;

fn half() -> Density {
    Density::new(0.5).unwrap()
}

fn pattern() -> NmPattern {
    NmPattern::new(2, 4).unwrap()
}

/// Stops unless both masks are the oracle's.
fn check(layer: &LayerRef<'_>, unstructured: &Mask, n_m: &Mask) {
    let scores = layer.to_logical_f64().unwrap();
    let layer = oracle::Layer { name: "", shape: layer.shape(), scores: &scores, alive: None };
    let best = oracle::unstructured(layer, 0.5, RankBy::Magnitude).unwrap();
    assert!(unstructured.iter().eq(best.kept));
    let best = oracle::n_m(layer, 2, 4, -1, RankBy::Magnitude).unwrap();
    assert!(n_m.iter().eq(best.kept));
}

fn time(
    c: &mut Criterion,
    name: &str,
    unstructured: impl Fn() -> Result<Mask, Error>,
    n_m: impl Fn() -> Result<Mask, Error>,
) {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Bytes((ROWS * COLUMNS * size_of::<f32>()) as u64));
    group.bench_function("unstructured 0.5", |b| b.iter(|| black_box(&unstructured)().unwrap()));
    group.bench_function("2:4 along the last axis", |b| b.iter(|| black_box(&n_m)().unwrap()));
}

fn layouts(c: &mut Criterion) {
    let values = many_values::<f32>(ValueKind::Uniform, ROWS * COLUMNS, 1);
    let matrix = DMatrix::from_vec(ROWS, COLUMNS, values);
    check(&matrix.layer(), &matrix.mask_unstructured(half()).unwrap(), &matrix.mask_n_m(pattern(), -1).unwrap());
    let columns = matrix.columns(1, COLUMNS - 3);
    check(&columns.layer(), &columns.mask_unstructured(half()).unwrap(), &columns.mask_n_m(pattern(), -1).unwrap());
    let gaps = matrix.view((1, 1), (ROWS - 5, COLUMNS - 3));
    check(&gaps.layer(), &gaps.mask_unstructured(half()).unwrap(), &gaps.mask_n_m(pattern(), -1).unwrap());
    time(c, "matrix", || matrix.mask_unstructured(half()), || matrix.mask_n_m(pattern(), -1));
    time(c, "view of columns", || columns.mask_unstructured(half()), || columns.mask_n_m(pattern(), -1));
    time(c, "view with gaps", || gaps.mask_unstructured(half()), || gaps.mask_n_m(pattern(), -1));
}

criterion_group!(benches, layouts);
criterion_main!(benches);
