//! Large rankings made to mislead the sample, compared with the full sort.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::room;
use crate::error::{Error, ErrorKind};
use crate::kernel::compare::Bracket;
use crate::select::cut::{Cut, KeyScan, PassCounts, find};
use crate::select::sample::{RUN, positions};
use crate::select::scan::{MemoryScan, ScanPart, sampled_runs};
use crate::tensor::Values;
use crate::testing::generators::{Random, ValueKind, dense_layout, many_values, to_memory_order};
use crate::testing::oracle;
use crate::{Density, Element, LayerRef, Mask, PlainTensor, RankBy, Ranked, Selected, Selector, Threads};

/// The masks of one layer at several densities, on one thread and on all, against the oracle.
fn against_the_oracle<E: Element>(what: &str, tensor: &PlainTensor<E>, alive: Option<&[bool]>, densities: &[f64]) {
    let layer = LayerRef::of(tensor);
    let scores = layer.to_logical_f64().unwrap();
    let mask = alive.map(|alive| Mask::from_bools(layer.shape(), alive).unwrap());
    let ranked = Ranked::new("layer", &layer).with_alive(mask.as_ref());
    for by in [RankBy::Magnitude, RankBy::Value] {
        for &density in densities {
            let asked = oracle::Layer { name: "layer", shape: layer.shape(), scores: &scores, alive };
            let wanted = oracle::unstructured(asked, density, by).unwrap();
            for threads in [Threads::One, Threads::Pool] {
                let selector = Selector::default().with_rank_by(by).with_threads(threads);
                let got = selector.unstructured(ranked, Density::new(density).unwrap()).unwrap();
                assert_same(&format!("{what}, {by:?}, density {density}, {threads:?}"), &got, &wanted);
            }
        }
    }
}

fn assert_same(what: &str, got: &Selected, wanted: &oracle::Answer) {
    let differing = (0..wanted.kept.len()).filter(|&i| got.mask.is_kept(i) != wanted.kept[i]).count();
    assert_eq!(differing, 0, "{what}: elements that differ");
    assert_eq!(got.ties, wanted.ties, "{what}: ties");
}

/// Makes the sample see only `decoy`, whatever the rest is: the sampled positions are known.
fn hide_from_the_sample(values: &mut [f32], mut decoy: impl FnMut(usize) -> f32) {
    let len = values.len();
    let sampled = positions(sampled_runs(len, len), len).flat_map(|start| start..len.min(start + RUN));
    sampled.enumerate().for_each(|(i, position)| values[position] = decoy(i));
}

#[test]
fn a_sample_that_sees_nothing_of_the_values_costs_time_and_not_truth() {
    for len in [20_000usize, 150_000, 400_000] {
        let densities = [0.001, 0.3, 0.9];
        for (name, decoy) in [("highest", 100.0f32), ("lowest", 1e-20), ("in the middle", 0.5)] {
            for kind in [ValueKind::Uniform, ValueKind::Tied] {
                let mut values = many_values::<f32>(kind, len, len as u64);
                hide_from_the_sample(&mut values, |i| decoy * (1.0 + i as f32 * 1e-6));
                let tensor = PlainTensor::from_logical(&[len], values).unwrap();
                against_the_oracle(&format!("{len} {kind:?}, the sample {name}"), &tensor, None, &densities);
            }
        }
    }
}

#[test]
fn a_sample_that_sees_only_ties_where_there_are_none() {
    let len = 300_000;
    let mut values = many_values::<f32>(ValueKind::Uniform, len, 5);
    hide_from_the_sample(&mut values, |_| 0.25);
    let tensor = PlainTensor::from_logical(&[len], values).unwrap();
    against_the_oracle("one decoy", &tensor, None, &[1e-5, 0.2, 0.75, 1.0]);
}

#[test]
fn mass_ties_beyond_the_room_for_candidates() {
    for len in [16_384usize, 16_385, 40_000, 131_072, 1_000_003] {
        let densities: &[f64] = if len > 500_000 { &[0.1, 0.6] } else { &[0.001, 0.1, 0.25, 0.5, 0.6, 0.999, 1.0] };
        for kind in [ValueKind::Tied, ValueKind::Equal, ValueKind::Needles, ValueKind::Sorted] {
            let tensor = PlainTensor::from_logical(&[len], many_values::<f32>(kind, len, 3)).unwrap();
            against_the_oracle(&format!("{len} {kind:?}"), &tensor, None, densities);
        }
    }
}

#[test]
fn millions_of_values_of_each_type() {
    let shape = [1500, 1400];
    let len = shape.iter().product();
    fn one<E: crate::testing::generators::TestElement>(shape: &[usize], len: usize, kind: ValueKind) {
        let layout = dense_layout(shape, &[1, 0], &[false, true]);
        let memory = to_memory_order(&layout, &many_values::<E>(kind, len, 11));
        let tensor = PlainTensor::from_memory(layout, memory).unwrap();
        against_the_oracle(&format!("{} {kind:?}", E::TYPE), &tensor, None, &[0.05]);
    }
    one::<f32>(&shape, len, ValueKind::Exponents);
    one::<f64>(&shape, len, ValueKind::Uniform);
    // At most 65,536 distinct values: each appears about thirty times.
    one::<half::f16>(&shape, len, ValueKind::Exponents);
    one::<half::bf16>(&shape, len, ValueKind::Uniform);
}

#[test]
fn ties_are_broken_in_logical_order_in_any_memory_order() {
    let shape = [70, 61, 97];
    let len = shape.iter().product();
    for kind in [ValueKind::Tied, ValueKind::Needles, ValueKind::Uniform] {
        let logical = many_values::<f32>(kind, len, 17);
        for order in [[0usize, 1, 2], [2, 1, 0], [1, 2, 0]] {
            for reversed in [[false; 3], [true, false, true]] {
                let layout = dense_layout(&shape, &order, &reversed);
                let memory = to_memory_order(&layout, &logical);
                let tensor = PlainTensor::from_memory(layout, memory).unwrap();
                against_the_oracle(&format!("{kind:?} {order:?} {reversed:?}"), &tensor, None, &[0.3]);
            }
        }
    }
}

#[test]
fn few_alive_among_many() {
    let len = 500_000;
    let values = many_values::<f32>(ValueKind::Tied, len, 23);
    let tensor = PlainTensor::from_logical(&[len], values).unwrap();
    for every in [2usize, 3, 100, 10_000] {
        let mut random = Random::new(every as u64);
        let alive: Vec<bool> =
            (0..len).map(|_| random.next_u64() >> 20 & 0xFFFF_FFFF < u64::from(u32::MAX) / every as u64).collect();
        let share = alive.iter().filter(|&&alive| alive).count() as f64 / len as f64;
        let densities = [share * 0.2, share * 0.9];
        against_the_oracle(&format!("one in {every} alive"), &tensor, Some(&alive), &densities);
    }
}

#[test]
fn a_ranking_over_large_layers_of_every_type() {
    let names = ["conv1", "conv10", "conv2", "dense"];
    let shapes: [&[usize]; 4] = [&[300, 500], &[5, 5, 40, 60], &[99_999], &[3, 7]];
    let lens: Vec<usize> = shapes.iter().map(|shape| shape.iter().product()).collect();
    let a = PlainTensor::from_logical(shapes[0], many_values::<f32>(ValueKind::Tied, lens[0], 1)).unwrap();
    let b = PlainTensor::from_logical(shapes[1], many_values::<half::f16>(ValueKind::Tied, lens[1], 2)).unwrap();
    let c = PlainTensor::from_logical(shapes[2], many_values::<f64>(ValueKind::Uniform, lens[2], 3)).unwrap();
    let d = PlainTensor::from_logical(shapes[3], many_values::<half::bf16>(ValueKind::Tied, lens[3], 4)).unwrap();
    // Given in an order other than that of the names.
    let layers = [LayerRef::of(&d), LayerRef::of(&c), LayerRef::of(&b), LayerRef::of(&a)];
    let names: Vec<&str> = names.into_iter().rev().collect();
    let shapes: Vec<&[usize]> = shapes.into_iter().rev().collect();
    let scores: Vec<Vec<f64>> = layers.iter().map(|layer| layer.to_logical_f64().unwrap()).collect();
    let ranked: Vec<Ranked<'_>> = (0..4).map(|i| Ranked::new(names[i], &layers[i])).collect();
    let asked: Vec<oracle::Layer<'_>> =
        (0..4).map(|i| oracle::Layer { name: names[i], shape: shapes[i], scores: &scores[i], alive: None }).collect();
    for density in [1e-9, 0.01, 0.2, 0.45, 0.8] {
        let wanted = oracle::global(&asked, density, RankBy::Magnitude).unwrap();
        for threads in [Threads::One, Threads::Pool] {
            let selector = Selector::default().with_threads(threads);
            let got = selector.global(&ranked, Density::new(density).unwrap()).unwrap();
            for ((got, wanted), name) in got.iter().zip(&wanted).zip(&names) {
                assert_same(&format!("{name} at {density}"), got, wanted);
            }
        }
    }
}

/// A NaN that no sample sees is an error, and a dead one is not.
#[test]
fn one_nan_among_many() {
    let len = 200_000;
    let mut values = many_values::<f32>(ValueKind::Uniform, len, 29);
    values[123_457] = f32::NAN;
    values[150_000] = -f32::NAN;
    let tensor = PlainTensor::from_logical(&[200, 1000], values).unwrap();
    let layer = LayerRef::of(&tensor);
    let half = Density::new(0.5).unwrap();
    let nan = |index: &[usize]| ErrorKind::Nan { index: index.to_vec() }.in_layer("fc");
    let selector = Selector::default();
    assert_eq!(selector.unstructured(Ranked::new("fc", &layer), half), Err(nan(&[123, 457])));
    let mut alive = vec![true; len];
    alive[123_457] = false;
    let mask = Mask::from_bools(&[200, 1000], &alive).unwrap();
    let ranked = Ranked::new("fc", &layer).with_alive(Some(&mask));
    assert_eq!(selector.unstructured(ranked, half), Err(nan(&[150, 0])));
    assert_eq!(selector.n_m(ranked, crate::NmPattern::new(2, 4).unwrap(), -1), Err(nan(&[150, 0])));
    alive[150_000] = false;
    let mask = Mask::from_bools(&[200, 1000], &alive).unwrap();
    assert_eq!(
        selector.unstructured(Ranked::new("fc", &layer).with_alive(Some(&mask)), half).unwrap().mask.kept_len(),
        len / 2
    );
    // An error even if nothing is to be kept: the scores are ranked all the same.
    assert_eq!(selector.top_of_layer(Ranked::new("fc", &layer), 0), Err(nan(&[123, 457])));
}

/// A scan that counts its passes.
struct Counting<'a> {
    scan: MemoryScan<'a>,
    passes: usize,
    histograms: usize,
}

impl KeyScan for Counting<'_> {
    fn sample(&mut self) -> Result<Vec<u64>, Error> {
        self.scan.sample()
    }

    fn pass(&mut self, bracket: Bracket, room: usize) -> Result<PassCounts, Error> {
        self.passes += 1;
        self.scan.pass(bracket, room)
    }

    fn cut_gathered(&mut self, wanted: usize) -> Option<Cut> {
        self.scan.cut_gathered(wanted)
    }

    fn histogram(&mut self, low: u64, shift: u32, buckets: usize) -> Result<Vec<usize>, Error> {
        self.histograms += 1;
        self.scan.histogram(low, shift, buckets)
    }
}

/// The reason that selection is fast: values without mass ties take one pass, whatever the length and the density,
/// and values with mass ties take two.
#[test]
fn one_pass_is_enough_and_two_where_masses_tie() {
    for len in [1000usize, 16_384, 16_385, 60_000, 262_144, 700_000, 1_500_000, 2_400_000, 4_000_000] {
        for (kind, passes) in
            [(ValueKind::Uniform, 1), (ValueKind::Sorted, 1), (ValueKind::Equal, 2), (ValueKind::Tied, 2)]
        {
            let values = many_values::<f32>(kind, len, len as u64);
            for density in [0.5, 0.1, 0.9] {
                let words = vec![0; len.div_ceil(64)];
                let part = ScanPart { values: Values::F32(&values), alive: None, sure: words, inside: Vec::new() };
                let scan = MemoryScan::new(vec![part], RankBy::Magnitude, Threads::Pool);
                let mut scan = Counting { scan, passes: 0, histograms: 0 };
                let kept = (len as f64 * density) as usize;
                find(&mut scan, kept, len, room(len)).unwrap();
                let what = format!("{len} {kind:?} at {density}");
                assert!(scan.passes <= passes, "{what}: {} passes", scan.passes);
                assert_eq!(scan.histograms, 0, "{what}");
            }
        }
    }
}

/// The error names the first NaN in logical order, whatever the memory order, of the first layer by name.
#[test]
fn the_first_nan_in_any_memory_order() {
    let shape = [500, 600];
    let first = |nans: &[usize], order: &[usize], reversed: &[bool]| {
        let mut logical = many_values::<f32>(ValueKind::Uniform, 300_000, 31);
        nans.iter().for_each(|&nan| logical[nan] = f32::NAN);
        let layout = dense_layout(&shape, order, reversed);
        let memory = to_memory_order(&layout, &logical);
        let tensor = PlainTensor::from_memory(layout, memory).unwrap();
        let other = PlainTensor::from_logical(&[2], vec![f32::NAN, 1.0]).unwrap();
        let (layer, other) = (LayerRef::of(&tensor), LayerRef::of(&other));
        let half = Density::new(0.5).unwrap();
        // The other layer comes first in the list and second by name.
        Selector::default().global(&[Ranked::new("b", &other), Ranked::new("a", &layer)], half).unwrap_err()
    };
    // In column order the last of these comes first, and each lies in a chunk of its own.
    let nans = [200 * 600 + 599, 300 * 600 + 300, 400 * 600];
    for (order, reversed) in [([0, 1], [false; 2]), ([1, 0], [false; 2]), ([0, 1], [true; 2]), ([1, 0], [true, false])]
    {
        let wanted = ErrorKind::Nan { index: vec![200, 599] }.in_layer("a");
        assert_eq!(first(&nans, &order, &reversed), wanted, "{order:?} {reversed:?}");
    }
}

/// Layers shared among threads give the same results, and the same errors, as one after the other.
#[test]
fn each_layer_by_itself_is_as_one_after_the_other() {
    let lens = [3usize, 200_000, 1, 70_000, 300_000, 0, 65_536, 5_000];
    let tensors: Vec<PlainTensor<f32>> = lens
        .iter()
        .enumerate()
        .map(|(i, &len)| {
            let kind = if i % 2 == 0 { ValueKind::Tied } else { ValueKind::Uniform };
            PlainTensor::from_logical(&[len], many_values::<f32>(kind, len, i as u64)).unwrap()
        })
        .collect();
    let layers: Vec<LayerRef<'_>> = tensors.iter().map(LayerRef::of).collect();
    // Names may repeat: each layer is ranked alone.
    let mut asked: Vec<(Ranked<'_>, usize)> =
        layers.iter().zip(&lens).map(|(layer, &len)| (Ranked::new("same", layer), len / 3)).collect();
    for threads in [Threads::One, Threads::Pool] {
        let selector = Selector::default().with_threads(threads);
        let wanted: Vec<Selected> =
            asked.iter().map(|&(layer, kept)| selector.top_of_layer(layer, kept).unwrap()).collect();
        assert_eq!(selector.top_of_each(&asked).unwrap(), wanted);
    }
    asked[3].0.name = "third";
    (asked[3].1, asked[6].1) = (70_001, 70_000);
    let refused = ErrorKind::TooFewAlive { asked: 70_001, alive: 70_000 }.in_layer("third");
    assert_eq!(Selector::default().top_of_each(&asked), Err(refused));
}
