//! Masks on the reference tensor: sizes, densities, patterns, axes, element types, layouts, threads, instruction sets and
//! hard inputs. Each is held against the full-sort oracle before it is timed.
//!
//! `cargo xtask bench` measures the same at a hundred million elements, as ratios to reading memory.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench: a failure should stop it")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use half::{bf16, f16};
use prune_core::testing::generators::{TestElement, ValueKind, dense_layout, many_values, to_memory_order};
use prune_core::testing::oracle;
use prune_core::{
    Density, InstructionSet, LayerRef, Mask, NmPattern, PlainTensor, PruneExt, RankBy, Ranked, Selector, Threads,
};

const LARGE: usize = 300_000;

fn density(kept: f64) -> Density {
    Density::new(kept).unwrap()
}

/// A nearly square matrix of about `len` elements; a row is no whole number of mask words.
fn matrix<E: TestElement>(kind: ValueKind, len: usize) -> PlainTensor<E> {
    let columns = (len as f64).sqrt() as usize / 8 * 8 + 4;
    let rows = len / columns;
    PlainTensor::from_logical(&[rows, columns], many_values(kind, rows * columns, 1)).unwrap()
}

fn scores<E: TestElement>(tensor: &PlainTensor<E>) -> Vec<f64> {
    LayerRef::of(tensor).to_logical_f64().unwrap()
}

fn same(mask: &Mask, kept: &[bool]) {
    assert!(mask.iter().eq(kept.iter().copied()), "the mask is not the oracle's");
}

fn check_unstructured<E: TestElement>(tensor: &PlainTensor<E>, kept: f64) {
    let scores = scores(tensor);
    let shape = LayerRef::of(tensor).shape().to_vec();
    let layer = oracle::Layer { name: "", shape: &shape, scores: &scores, alive: None };
    let answer = oracle::unstructured(layer, kept, RankBy::Magnitude).unwrap();
    same(&tensor.mask_unstructured(density(kept)).unwrap(), &answer.kept);
}

fn check_n_m<E: TestElement>(tensor: &PlainTensor<E>, (n, m): (usize, usize), axis: isize) {
    let scores = scores(tensor);
    let shape = LayerRef::of(tensor).shape().to_vec();
    let layer = oracle::Layer { name: "", shape: &shape, scores: &scores, alive: None };
    let answer = oracle::n_m(layer, n, m, axis, RankBy::Magnitude).unwrap();
    same(&tensor.mask_n_m(NmPattern::new(n, m).unwrap(), axis).unwrap(), &answer.kept);
}

fn bytes<E>(tensor: &PlainTensor<E>) -> Throughput
where
    E: prune_core::Element,
{
    Throughput::Bytes(size_of_val(tensor.values()) as u64)
}

fn sizes_and_densities(c: &mut Criterion) {
    let mut group = c.benchmark_group("unstructured, f32");
    for len in [10_000, LARGE] {
        let x = matrix::<f32>(ValueKind::Uniform, len);
        for kept in [0.1, 0.5, 0.9] {
            check_unstructured(&x, kept);
            group.throughput(bytes(&x)).bench_function(BenchmarkId::new(format!("density {kept}"), len), |b| {
                b.iter(|| black_box(&x).mask_unstructured(density(kept)).unwrap())
            });
        }
        group.bench_function(BenchmarkId::new("reading", len), |b| {
            b.iter(|| black_box(&x).values().iter().fold(0u32, |sum, value| sum.wrapping_add(value.to_bits())))
        });
        group.bench_function(BenchmarkId::new("plain Rust: select_nth_unstable", len), |b| {
            b.iter(|| {
                let mut copied: Vec<f32> = black_box(&x).values().iter().map(|value| value.abs()).collect();
                let middle = copied.len() / 2;
                let threshold = *copied.select_nth_unstable_by(middle, |a, b| b.total_cmp(a)).1;
                x.values().iter().map(|value| value.abs() >= threshold).collect::<Vec<bool>>()
            })
        });
    }
}

fn hard_inputs(c: &mut Criterion) {
    let mut group = c.benchmark_group("unstructured 0.5, f32, hard inputs");
    let periodic = |stride: usize| (0..LARGE).map(|i| (i % stride) as f32).collect();
    let zeros = |zero: ValueKind| {
        let values = many_values::<f32>(zero, LARGE, 2);
        values.into_iter().enumerate().map(|(i, value)| if i % 10 > 0 { 0.0 } else { value }).collect()
    };
    let kinds = ValueKind::ALL.map(|kind| (format!("{kind:?}"), many_values::<f32>(kind, LARGE, 3)));
    let made = [
        ("90% zeros".to_owned(), zeros(ValueKind::Uniform)),
        ("stride 64".to_owned(), periodic(64)),
        ("stride 763".to_owned(), periodic(763)),
    ];
    for (name, values) in kinds.into_iter().chain(made) {
        let x = PlainTensor::from_logical(&[LARGE], values).unwrap();
        check_unstructured(&x, 0.5);
        group.throughput(bytes(&x)).bench_function(name, |b| {
            b.iter(|| black_box(&x).mask_unstructured(density(0.5)).unwrap());
        });
    }
}

fn patterns_and_axes(c: &mut Criterion) {
    let mut group = c.benchmark_group("N:M, f32");
    let x = matrix::<f32>(ValueKind::Uniform, LARGE);
    for (n, m) in [(2, 4), (1, 4), (4, 8), (1, 2), (3, 5), (8, 16)] {
        for axis in [0, 1] {
            check_n_m(&x, (n, m), axis);
            let pattern = NmPattern::new(n, m).unwrap();
            let id = BenchmarkId::new(pattern.to_string(), format!("axis {axis}"));
            group
                .throughput(bytes(&x))
                .bench_function(id, |b| b.iter(|| black_box(&x).mask_n_m(pattern, axis).unwrap()));
        }
    }
}

fn element_types(c: &mut Criterion) {
    fn of<E: TestElement>(c: &mut Criterion) {
        let x = matrix::<E>(ValueKind::Uniform, LARGE);
        check_unstructured(&x, 0.5);
        check_n_m(&x, (2, 4), -1);
        let mut group = c.benchmark_group(format!("element type {}", E::TYPE));
        group.throughput(bytes(&x));
        group.bench_function("unstructured 0.5", |b| {
            b.iter(|| black_box(&x).mask_unstructured(density(0.5)).unwrap());
        });
        let pattern: NmPattern = "2:4".parse().unwrap();
        group.bench_function("2:4", |b| b.iter(|| black_box(&x).mask_n_m(pattern, -1).unwrap()));
    }
    of::<f32>(c);
    of::<f64>(c);
    of::<f16>(c);
    of::<bf16>(c);
}

fn layouts(c: &mut Criterion) {
    let mut group = c.benchmark_group("layouts, f32");
    let shape = [500, 600];
    let logical = many_values::<f32>(ValueKind::Uniform, LARGE, 4);
    for (name, order, reversed) in
        [("row-major", [0, 1], false), ("column-major", [1, 0], false), ("reversed", [0, 1], true)]
    {
        let layout = dense_layout(&shape, &order, &[reversed; 2]);
        let memory = to_memory_order(&layout, &logical);
        let x = PlainTensor::from_memory(layout, memory).unwrap();
        check_unstructured(&x, 0.5);
        check_n_m(&x, (2, 4), -1);
        group.throughput(bytes(&x));
        group.bench_function(BenchmarkId::new("unstructured 0.5", name), |b| {
            b.iter(|| black_box(&x).mask_unstructured(density(0.5)).unwrap());
        });
        let pattern: NmPattern = "2:4".parse().unwrap();
        group.bench_function(BenchmarkId::new("2:4", name), |b| {
            b.iter(|| black_box(&x).mask_n_m(pattern, -1).unwrap());
        });
    }
}

fn threads_and_instructions(c: &mut Criterion) {
    let x = matrix::<f32>(ValueKind::Uniform, LARGE);
    let layer = LayerRef::of(&x);
    let ranked = Ranked::new("", &layer);
    let pattern: NmPattern = "2:4".parse().unwrap();
    for set in InstructionSet::available() {
        InstructionSet::limit(Some(set));
        check_unstructured(&x, 0.5);
        check_n_m(&x, (2, 4), -1);
        let mut group = c.benchmark_group(format!("f32 on {set}"));
        group.throughput(bytes(&x));
        for threads in [Threads::One, Threads::Pool] {
            let selector = Selector::magnitude().with_threads(threads);
            group.bench_function(BenchmarkId::new("unstructured 0.5", format!("{threads:?}")), |b| {
                b.iter(|| selector.unstructured(black_box(&ranked), density(0.5)).unwrap());
            });
            group.bench_function(BenchmarkId::new("2:4", format!("{threads:?}")), |b| {
                b.iter(|| selector.n_m(black_box(&ranked), pattern, -1).unwrap());
            });
        }
    }
    InstructionSet::limit(None);
}

fn several_layers(c: &mut Criterion) {
    let tensors: Vec<_> = (0..20).map(|i| matrix::<f32>(ValueKind::Uniform, LARGE / 20 + i)).collect();
    let layers: Vec<_> = tensors.iter().map(LayerRef::of).collect();
    let names: Vec<String> = (0..20).map(|i| format!("layer {i:02}")).collect();
    let ranked: Vec<_> = names.iter().zip(&layers).map(|(name, layer)| Ranked::new(name, layer)).collect();
    let scores: Vec<_> = tensors.iter().map(scores).collect();
    let asked: Vec<_> = (0..20)
        .map(|i| oracle::Layer { name: &names[i], shape: layers[i].shape(), scores: &scores[i], alive: None })
        .collect();
    let answers = oracle::global(&asked, 0.5, RankBy::Magnitude).unwrap();
    let selected = Selector::magnitude().global(&ranked, density(0.5)).unwrap();
    selected.iter().zip(&answers).for_each(|(got, wanted)| same(&got.mask, &wanted.kept));
    let mut group = c.benchmark_group("global 0.5 over 20 layers, f32");
    group.throughput(Throughput::Bytes(tensors.iter().map(|x| size_of_val(x.values()) as u64).sum()));
    group.bench_function("select", |b| {
        b.iter(|| Selector::magnitude().global(black_box(&ranked), density(0.5)).unwrap())
    });
}

fn apply(c: &mut Criterion) {
    let mut x = matrix::<f32>(ValueKind::Uniform, LARGE);
    let mask = x.mask_unstructured(density(0.5)).unwrap();
    let expected = oracle::apply(&scores(&x), &mask.iter().collect::<Vec<_>>());
    x.apply_mask(&mask).unwrap();
    assert_eq!(scores(&x), expected);
    let mut group = c.benchmark_group("apply, f32");
    group.throughput(bytes(&x));
    group.bench_function("mask", |b| b.iter(|| black_box(&mut x).apply_mask(&mask).unwrap()));
    let mut y = x.clone();
    group.bench_function("scaling in place", |b| {
        b.iter(|| black_box(&mut y).values_mut().iter_mut().for_each(|value| *value *= 1.000_001));
    });
}

criterion_group!(
    benches,
    sizes_and_densities,
    hard_inputs,
    patterns_and_axes,
    element_types,
    layouts,
    threads_and_instructions,
    several_layers,
    apply
);
criterion_main!(benches);
