//! Every ordering of up to six weights, ties included, compared with the full sort: the whole of a small space.

#![allow(clippy::unwrap_used, reason = "tests")]

use prune_core::testing::generators::{dense_layout, to_memory_order};
use prune_core::testing::oracle;
use prune_core::{Density, LayerRef, Mask, NmPattern, PlainTensor, RankBy, Ranked, Selected, Selector};

/// Every order of `len` weights with ties, each as numbers 0, 1, 2, ... without a gap.
fn orderings(len: usize) -> Vec<Vec<usize>> {
    let all = len.pow(len as u32).max(1);
    (0..all)
        .map(|code| {
            (0..len)
                .scan(code, |rest, _| {
                    let digit = *rest % len;
                    *rest /= len;
                    Some(digit)
                })
                .collect::<Vec<_>>()
        })
        .filter(|ranks| (0..ranks.iter().max().map_or(0, |max| max + 1)).all(|rank| ranks.contains(&rank)))
        .collect()
}

/// Weights in that order, in both signs: rank 0 is zero, in both signs too.
fn weights(ranks: &[usize]) -> Vec<f32> {
    ranks.iter().enumerate().map(|(i, &rank)| rank as f32 * 0.25 * if i % 2 == 1 { -1.0 } else { 1.0 }).collect()
}

#[test]
fn there_are_as_many_orderings_as_there_should_be() {
    // The ordered Bell numbers.
    assert_eq!([1, 2, 3, 4, 5, 6].map(|len| orderings(len).len()), [1, 3, 13, 75, 541, 4683]);
}

fn assert_same(got: &Selected, wanted: &oracle::Answer, what: &dyn std::fmt::Debug) {
    assert_eq!(got.mask.iter().collect::<Vec<_>>(), wanted.kept, "{what:?}");
    assert_eq!((got.ties, got.short_groups), (wanted.ties, wanted.short_groups), "{what:?}");
}

#[test]
fn unstructured_at_every_count() {
    for len in 1..=6 {
        for ranks in orderings(len) {
            let values = weights(&ranks);
            let scores: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
            let tensor = PlainTensor::from_logical(&[len], values).unwrap();
            let lent = LayerRef::of(&tensor);
            for by in [RankBy::Magnitude, RankBy::Value] {
                for kept in 1..=len {
                    let density = Density::new(kept as f64 / len as f64).unwrap();
                    let layer = oracle::Layer { name: "", shape: &[len], scores: &scores, alive: None };
                    let wanted = oracle::unstructured(layer, density.get(), by).unwrap();
                    let got = Selector::default().with_rank_by(by).unstructured(&lent, density).unwrap();
                    assert_eq!(got.mask.kept_len(), kept);
                    assert_same(&got, &wanted, &(&ranks, by, kept));
                }
            }
        }
    }
}

#[test]
fn every_pattern_along_every_axis_of_every_layout() {
    let shapes: [&[usize]; 8] = [&[4], &[5], &[6], &[2, 2], &[2, 3], &[3, 2], &[1, 5], &[6, 1]];
    for shape in shapes {
        let len: usize = shape.iter().product();
        let mut orders = vec![(0..shape.len()).collect::<Vec<_>>()];
        if shape.len() == 2 {
            orders.push(vec![1, 0]);
        }
        // The longer a tensor, the fewer layouts, to limit the space.
        let flips = if len == 6 { 1 } else { 1 << shape.len() };
        for ranks in orderings(len) {
            let logical = weights(&ranks);
            let scores: Vec<f64> = logical.iter().map(|&x| f64::from(x)).collect();
            for order in &orders {
                for flip in 0..flips {
                    let reversed: Vec<bool> = (0..shape.len()).map(|axis| flip >> axis & 1 == 1).collect();
                    let layout = dense_layout(shape, order, &reversed);
                    let memory = to_memory_order(&layout, &logical);
                    let tensor = PlainTensor::from_memory(layout, memory).unwrap();
                    let lent = LayerRef::of(&tensor);
                    for (n, m) in [(1, 2), (1, 3), (2, 3), (1, 4), (2, 4), (3, 4), (2, 5), (4, 7)] {
                        for axis in 0..shape.len() as isize {
                            let layer = oracle::Layer { name: "", shape, scores: &scores, alive: None };
                            let wanted = oracle::n_m(layer, n, m, axis, RankBy::Magnitude).unwrap();
                            let pattern = NmPattern::new(n, m).unwrap();
                            let got = Selector::default().n_m(&lent, pattern, axis).unwrap();
                            assert_same(&got, &wanted, &(shape, &ranks, order, flip, pattern, axis));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn every_choice_of_alive_elements() {
    for len in 1..=5 {
        for ranks in orderings(len) {
            let values = weights(&ranks);
            let scores: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
            let tensor = PlainTensor::from_logical(&[len], values).unwrap();
            let lent = LayerRef::of(&tensor);
            for choice in 0..1usize << len {
                let alive: Vec<bool> = (0..len).map(|i| choice >> i & 1 == 1).collect();
                let mask = Mask::from_bools(&[len], &alive).unwrap();
                let ranked = Ranked::new("", &lent).with_alive(Some(&mask));
                let layer = oracle::Layer { name: "", shape: &[len], scores: &scores, alive: Some(&alive) };
                for kept in 1..=len {
                    let density = Density::new(kept as f64 / len as f64).unwrap();
                    let got = Selector::default().unstructured(ranked, density);
                    match oracle::unstructured(layer, density.get(), RankBy::Magnitude) {
                        Ok(wanted) => assert_same(&got.unwrap(), &wanted, &(&ranks, &alive, kept)),
                        Err(_) => assert!(got.is_err(), "{ranks:?} {alive:?} {kept}"),
                    }
                }
                for (n, m) in [(2, 4), (1, 2), (2, 3)] {
                    let got = Selector::default().n_m(ranked, NmPattern::new(n, m).unwrap(), 0).unwrap();
                    let wanted = oracle::n_m(layer, n, m, 0, RankBy::Magnitude).unwrap();
                    assert_same(&got, &wanted, &(&ranks, &alive, n, m));
                }
            }
        }
    }
}
