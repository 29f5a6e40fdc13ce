//! Bounds, compared with choosing element by element.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::Bound;
use crate::testing::generators::{alive, layouts, to_memory_order, values};
use crate::testing::{oracle, structures};
use crate::{Density, ErrorKind, LayerRef, Layout, Mask, PlainTensor, RankBy, Ranked, Selector, Threads};

/// A layer: its name, values in logical order, alive elements, a layout, and a bound as shares of the alive elements.
type Case = (String, Vec<f32>, Option<Vec<bool>>, Layout, (f64, f64));

fn case() -> BoxedStrategy<Case> {
    let share = || prop_oneof![Just(0.0), Just(1.0), 0.0f64..1.0];
    ("[ab]{1,2}", 0usize..9, 1usize..9, -3i32..4)
        .prop_flat_map(move |(name, rows, columns, magnitude)| {
            let (shape, len) = (vec![rows, columns], rows * columns);
            // Layers of different scales, so that bounds are met from both sides; or layers of the same few values.
            let values = prop_oneof![
                values::<f32>(len),
                prop::collection::vec((1u8..5).prop_map(move |x| f32::from(x) * 10f32.powi(magnitude)), len),
            ];
            (Just(name), values, prop::option::of(alive(len)), layouts(shape), (share(), share()))
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn bounded_rankings_are_those_of_choosing_one_by_one(
        cases in prop::collection::vec(case(), 0..6),
        share in 0.0f64..=1.0,
        value: bool,
    ) {
        let by = if value { RankBy::Value } else { RankBy::Magnitude };
        let mut cases = cases;
        cases.sort_by(|a, b| b.0.cmp(&a.0));
        cases.dedup_by(|a, b| a.0 == b.0);
        let tensors: Vec<PlainTensor<f32>> = cases
            .iter()
            .map(|(_, data, _, layout, _)| PlainTensor::from_memory(layout.clone(), to_memory_order(layout, data)).unwrap())
            .collect();
        let lent: Vec<LayerRef<'_>> = tensors.iter().map(LayerRef::of).collect();
        let masks: Vec<Option<Mask>> = cases
            .iter()
            .map(|(_, _, alive, layout, _)| alive.as_ref().map(|alive| Mask::from_bools(layout.shape(), alive).unwrap()))
            .collect();
        let ranked: Vec<Ranked<'_>> =
            (0..cases.len()).map(|i| Ranked { name: &cases[i].0, scores: &lent[i], alive: masks[i].as_ref() }).collect();
        let bounds: Vec<Bound> = (0..cases.len())
            .map(|i| {
                let alive = masks[i].as_ref().map_or(lent[i].len(), Mask::kept_len) as f64;
                let (a, b) = cases[i].4;
                Bound { min: (a.min(b) * alive) as usize, max: (a.max(b) * alive).ceil() as usize }
            })
            .collect();
        let (least, most) = bounds.iter().fold((0, 0), |(least, most), bound| (least + bound.min, most + bound.max));
        let kept = least + ((most - least) as f64 * share).round() as usize;

        let scores: Vec<Vec<f64>> = cases.iter().map(|case| case.1.iter().copied().map(f64::from).collect()).collect();
        let layers: Vec<oracle::Layer<'_>> = (0..cases.len())
            .map(|i| oracle::Layer { name: &cases[i].0, shape: lent[i].shape(), scores: &scores[i], alive: cases[i].2.as_deref() })
            .collect();
        let plain: Vec<(usize, usize)> = bounds.iter().map(|bound| (bound.min, bound.max)).collect();
        let wanted = structures::top_within(&layers, kept, &plain, by).unwrap();
        for threads in [Threads::One, Threads::Pool] {
            let got = Selector::default().with_rank_by(by).with_threads(threads).top_within(&ranked, kept, &bounds).unwrap();
            let got: Vec<Vec<bool>> = got.iter().map(|selected| selected.mask.iter().collect()).collect();
            prop_assert_eq!(got.iter().flatten().filter(|&&kept| kept).count(), kept);
            prop_assert_eq!(&got, &wanted);
        }
        // Without bounds the result is the global ranking, ties included.
        let free = vec![Bound::default(); cases.len()];
        let selector = Selector::default().with_rank_by(by);
        prop_assert_eq!(selector.top_within(&ranked, kept, &free), selector.top(&ranked, kept));
    }
}

#[test]
fn bounds_that_cannot_be_met_are_refused_with_the_numbers() {
    let tensors = [[3.0f32, 1.0, 2.0, 0.0], [0.3, 0.1, f32::NAN, 0.0]]
        .map(|values| PlainTensor::from_logical(&[4], values.to_vec()).unwrap());
    let lent = [LayerRef::of(&tensors[0]), LayerRef::of(&tensors[1])];
    let alive = Mask::from_bools(&[4], &[true, true, false, true]).unwrap();
    let layers = [Ranked::new("a", &lent[0]), Ranked::new("b", &lent[1]).with_alive(Some(&alive))];
    let refused = |kept, bounds: &[(usize, usize)]| {
        let bounds: Vec<Bound> = bounds.iter().map(|&(min, max)| Bound { min, max }).collect();
        Selector::default().top_within(&layers, kept, &bounds).unwrap_err()
    };
    assert_eq!(refused(3, &[(2, 4), (2, 3)]), ErrorKind::BudgetTooSmall { asked: 3, least: 4 }.into());
    // A maximum beyond the number alive becomes the number alive.
    assert_eq!(refused(6, &[(0, 2), (0, 99)]), ErrorKind::BudgetTooLarge { asked: 6, most: 5 }.into());
    assert_eq!(refused(8, &[(0, 9), (0, 9)]), ErrorKind::TooFewAlive { asked: 8, alive: 7 }.into());
    assert_eq!(refused(3, &[(0, 4), (3, 2)]), ErrorKind::BoundsCross { min: 3, max: 2 }.in_layer("b"));
    assert_eq!(refused(3, &[(0, 4), (4, 4)]), ErrorKind::TooFewAlive { asked: 4, alive: 3 }.in_layer("b"));
    assert_eq!(refused(3, &[(0, 4)]).to_string(), "1 bounds are given for 2 layers; each layer needs one");
    // Dead elements are not examined; alive elements are, however few are kept.
    let free = [Bound::default(); 2];
    assert!(Selector::default().top_within(&layers, 7, &free).is_ok());
    let all = [layers[0], layers[1].with_alive(None)];
    let nan = ErrorKind::Nan { index: vec![2] }.in_layer("b");
    assert_eq!(Selector::default().top_within(&all, 2, &[Bound::default(), Bound { min: 0, max: 0 }]), Err(nan));
    let twice = Selector::default().top_within(&[layers[0], layers[0]], 2, &free);
    assert_eq!(twice, Err(ErrorKind::DuplicateLayer { name: "a".to_owned() }.into()));
    assert_eq!(Selector::default().top_within(&[], 0, &[]), Ok(vec![]));
}

/// Ties are counted in the ranking that decided the layer.
#[test]
fn ties_are_those_of_the_ranking_that_decided() {
    let tensors = [vec![9.0f32, 9.0, 9.0], vec![1.0, 1.0, 1.0], vec![1.0, 1.0, 0.5]]
        .map(|values| PlainTensor::from_logical(&[3], values).unwrap());
    let lent = tensors.each_ref().map(LayerRef::of);
    let layers = [Ranked::new("a", &lent[0]), Ranked::new("b", &lent[1]), Ranked::new("c", &lent[2])];
    let bounds = [Bound { min: 0, max: 2 }, Bound::default(), Bound::default()];
    let selected = Selector::default().top_within(&layers, 6, &bounds).unwrap();
    assert_eq!(selected.iter().map(|s| (s.mask.kept_len(), s.ties)).collect::<Vec<_>>(), [(2, 3), (3, 3), (1, 2)]);
}

#[test]
fn densities_make_bounds() {
    let density = |kept| Some(Density::new(kept).unwrap());
    assert_eq!(Bound::between(10, density(0.25), density(0.55)), Bound { min: 3, max: 6 });
    assert_eq!(Bound::between(0, density(0.25), None), Bound { min: 0, max: usize::MAX });
    assert_eq!(Bound::between(7, None, density(1e-9)), Bound { min: 0, max: 1 });
}
