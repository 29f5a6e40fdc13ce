//! Slices, compared with a ranking for each index.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use crate::testing::generators::{
    TestElement, ValueKind, alive, axes, densities, layouts, many_values, shapes, to_memory_order, values_with_nan,
};
use crate::testing::oracle::{self, Refusal};
use crate::testing::structures;
use crate::{Density, Error, ErrorKind, LayerRef, Layout, Mask, PlainTensor, RankBy, Ranked, Selector, Threads};

type Case<E> = (Vec<usize>, Vec<E>, Option<Vec<bool>>, Layout, isize);

fn cases<E: TestElement>() -> BoxedStrategy<Case<E>> {
    shapes(1..=4)
        .prop_flat_map(|shape| {
            let (len, rank) = (shape.iter().product(), shape.len());
            let layouts = layouts(shape.clone());
            (Just(shape), values_with_nan::<E>(len), prop::option::of(alive(len)), layouts, axes(rank))
        })
        .boxed()
}

/// Compares with the oracle, in this layout.
fn holds<E: TestElement>(
    (shape, data, alive, layout, axis): Case<E>,
    density: Density,
    by: RankBy,
) -> Result<(), TestCaseError> {
    let tensor = PlainTensor::from_memory(layout.clone(), to_memory_order(&layout, &data)).unwrap();
    let scores: Vec<f64> = data.iter().map(|value| value.to_f64()).collect();
    let mask = alive.as_ref().map(|alive| Mask::from_bools(&shape, alive).unwrap());
    let lent = LayerRef::of(&tensor);
    let ranked = Ranked::new("fc", &lent).with_alive(mask.as_ref());
    let along = axis.rem_euclid(shape.len() as isize) as usize;
    let layer = oracle::Layer { name: "fc", shape: &shape, scores: &scores, alive: alive.as_deref() };
    let wanted = structures::each_along(layer, density.get(), along, by);
    for threads in [Threads::One, Threads::Pool] {
        match (Selector::default().with_rank_by(by).with_threads(threads).each_along(ranked, density, axis), &wanted) {
            (Ok(got), Ok(wanted)) => {
                prop_assert_eq!(got.mask.iter().collect::<Vec<_>>(), &wanted.kept[..]);
                prop_assert_eq!((got.ties, got.short_groups), (wanted.ties, 0));
            }
            (
                Err(Error { layer, kind: ErrorKind::TooFewAliveInSlice { axis, slice, asked, alive: some } }),
                Err(refusal),
            ) => {
                prop_assert_eq!((layer.as_deref(), axis), (Some("fc"), along));
                prop_assert_eq!(&Refusal::TooFewAlive { asked, alive: some }, refusal);
                let in_slice = |&i: &usize| oracle::index_of(i, &shape)[along] == slice && ranked_alive(&alive, i);
                prop_assert_eq!((0..data.len()).filter(in_slice).count(), some);
            }
            (Err(Error { layer, kind: ErrorKind::Nan { index } }), Err(refusal)) => {
                prop_assert_eq!(&Refusal::Nan { layer: layer.unwrap_or_default(), index }, refusal);
            }
            (got, wanted) => prop_assert!(false, "{:?} where the oracle has {:?}", got, wanted),
        }
    }
    Ok(())
}

fn ranked_alive(alive: &Option<Vec<bool>>, i: usize) -> bool {
    alive.as_ref().is_none_or(|alive| alive[i])
}

fn by() -> impl Strategy<Value = RankBy> {
    prop_oneof![Just(RankBy::Magnitude), Just(RankBy::Value)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn slices_of_singles_are_those_of_the_oracle(case in cases::<f32>(), density in densities(), by in by()) {
        holds(case, density, by)?;
    }

    #[test]
    fn slices_of_halves_are_those_of_the_oracle(case in cases::<half::bf16>(), density in densities(), by in by()) {
        holds(case, density, by)?;
    }
}

/// Enough elements for threads to share: tasks of many slices, of one slice, and of a part of all.
#[test]
fn slices_of_large_layers() {
    for (shape, axis) in [([60_000, 3], 0), ([3, 60_000], 0), ([400, 500], 1)] {
        let len = shape.iter().product();
        for (kind, order) in [(ValueKind::Tied, [0, 1]), (ValueKind::Uniform, [1, 0])] {
            let layout = crate::testing::generators::dense_layout(&shape, &order, &[false, true]);
            let data = many_values::<f32>(kind, len, 7);
            // Only the kept count of each slice is checked: the oracle would be slow over so many elements.
            let tensor = PlainTensor::from_memory(layout.clone(), to_memory_order(&layout, &data)).unwrap();
            let lent = LayerRef::of(&tensor);
            let half = Density::new(0.4).unwrap();
            let [one, pool] = [Threads::One, Threads::Pool].map(|threads| {
                Selector::default().with_threads(threads).each_along(&lent, half, axis as isize).unwrap()
            });
            assert_eq!(one, pool);
            let members =
                |at: usize| (0..len).filter(move |i| if axis == 0 { i / shape[1] == at } else { i % shape[1] == at });
            for at in [0, 1, shape[axis] - 1] {
                let mut ranking: Vec<usize> = members(at).collect();
                ranking.sort_by(|&a, &b| data[b].abs().total_cmp(&data[a].abs()));
                let (kept, pruned) = ranking.split_at(half.kept_of(ranking.len()));
                assert!(kept.iter().all(|&i| one.mask.is_kept(i)) && !pruned.iter().any(|&i| one.mask.is_kept(i)));
            }
        }
    }
}

#[test]
fn axes_and_empty_slices() {
    let half = Density::new(0.5).unwrap();
    let each = |shape: &[usize], axis| {
        let tensor = PlainTensor::from_logical(shape, vec![1.0f32; shape.iter().product()]).unwrap();
        Selector::default().each_along(Ranked::new("fc", &LayerRef::of(&tensor)), half, axis)
    };
    let refused = each(&[2, 2], -3).unwrap_err();
    assert_eq!(refused.to_string(), "layer `fc`: axis -3 does not exist: the tensor has 2 axes, 0 to 1 (or -2 to -1)");
    assert!(each(&[], 0).is_err());
    // Slices without elements keep none; slices of one element keep it.
    assert_eq!(each(&[3, 0], 0).unwrap().mask.kept_len(), 0);
    assert_eq!(each(&[3], 0).unwrap().mask.kept_len(), 3);
}
