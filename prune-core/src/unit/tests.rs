//! Units, compared with boxes of indices.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::sum::{Meaning, UnitSum, plain};
use super::{Blocks, Channels, Norm, Pool, Unit};
use crate::hash::hash;
use crate::testing::generators::{
    TestElement, alive, densities, layouts, shapes, to_memory_order, values, values_with_nan,
};
use crate::testing::oracle::{self, Answer, Refusal};
use crate::testing::structures::{self, ElementPooling};
use crate::{Density, Error, ErrorKind, LayerRef, Layout, Mask, PlainTensor, RankBy, Ranked, Selected, Selector};

/// A unit, and the facts that the oracle needs.
#[derive(Debug, Clone)]
struct Case {
    unit: Unit,
    sides: Vec<usize>,
    pooling: ElementPooling,
}

fn blocks(shape: Vec<usize>) -> BoxedStrategy<Case> {
    let rank = shape.len();
    let axes = Just((0..rank).collect::<Vec<usize>>()).prop_shuffle();
    let sides = prop::collection::vec((1usize..6, any::<bool>(), prop::bool::weighted(0.2)), rank);
    (axes, sides, 1..=rank, any::<bool>(), any::<bool>())
        .prop_map(move |(axes, sides, cut, max, last)| {
            let axes: Vec<usize> = if last { (rank - cut..rank).collect() } else { axes[..cut].to_vec() };
            let size = |&axis: &usize| if sides[axis].2 { shape[axis].max(1) + 3 } else { sides[axis].0 };
            let sizes: Vec<usize> = axes.iter().map(size).collect();
            let mut all = vec![1; rank];
            axes.iter().zip(&sizes).for_each(|(&axis, &size)| all[axis] = size);
            let signed = |&axis: &usize| if sides[axis].1 { axis as isize } else { axis as isize - rank as isize };
            let axes: Vec<isize> = if last { Vec::new() } else { axes.iter().map(signed).collect() };
            let (pool, pooling) =
                if max { (Pool::Max, ElementPooling::Max) } else { (Pool::Mean, ElementPooling::Mean) };
            Case { unit: Blocks::new(&sizes, &axes, pool).unwrap().into(), sides: all, pooling }
        })
        .boxed()
}

fn channels(shape: Vec<usize>) -> BoxedStrategy<Case> {
    let rank = shape.len() as isize;
    let norms = [(Norm::L1, ElementPooling::L1), (Norm::L2, ElementPooling::L2), (Norm::Max, ElementPooling::LMax)];
    (-rank..rank, prop::sample::select(norms.to_vec()))
        .prop_map(move |(axis, (norm, pooling))| {
            let mut sides: Vec<usize> = shape.iter().map(|&length| length.max(1)).collect();
            sides[axis.rem_euclid(rank) as usize] = 1;
            Case { unit: Channels::new(axis, norm).into(), sides, pooling }
        })
        .boxed()
}

fn units(shape: Vec<usize>) -> BoxedStrategy<Case> {
    prop_oneof![blocks(shape.clone()), channels(shape)].boxed()
}

/// A layer: its shape, values in logical order, alive elements, a layout, and a unit.
type Layer<E> = (Vec<usize>, Vec<E>, Option<Vec<bool>>, Layout, Case);

fn layers<E: TestElement>(content: fn(usize) -> BoxedStrategy<Vec<E>>) -> BoxedStrategy<Layer<E>> {
    shapes(1..=4)
        .prop_flat_map(move |shape| {
            let len = shape.iter().product();
            (Just(shape.clone()), content(len), prop::option::of(alive(len)), layouts(shape.clone()), units(shape))
        })
        .boxed()
}

/// Values whose sums and means are exact, so that equal ones are equal.
fn whole(len: usize) -> BoxedStrategy<Vec<f32>> {
    prop::collection::vec((-3i8..=3).prop_map(f32::from), len).boxed()
}

fn by() -> impl Strategy<Value = RankBy> {
    prop_oneof![Just(RankBy::Magnitude), Just(RankBy::Value)]
}

/// The same units of the same elements score the same, up to rounding.
fn near(
    shape: &[usize],
    scores: &[f64],
    alive: Option<&[bool]>,
    case: &Case,
    by: RankBy,
    got: &[f64],
) -> TestCaseResult {
    let layer = oracle::Layer { name: "", shape, scores, alive };
    let wanted = structures::unit_scores(layer, &case.sides, case.pooling, by).unwrap();
    prop_assert_eq!(got.len(), wanted.len());
    for ((members, got), wanted) in structures::members(shape, &case.sides).iter().zip(got).zip(wanted) {
        let finite = members.iter().map(|&i| scores[i].abs()).filter(|value| value.is_finite());
        let allowed = (finite.fold(0.0, f64::max) * 1e-12 * members.len() as f64).max(1e-322);
        prop_assert!(*got == wanted || (got - wanted).abs() <= allowed, "{} is not {}", got, wanted);
        prop_assert!(got.to_bits() != (-0.0f64).to_bits());
    }
    Ok(())
}

fn same(got: Result<Selected, Error>, wanted: Result<Answer, Refusal>) -> TestCaseResult {
    match (got, wanted) {
        (Ok(got), Ok(wanted)) => {
            prop_assert_eq!(got.mask.iter().collect::<Vec<_>>(), wanted.kept);
            prop_assert_eq!((got.ties, got.short_groups), (wanted.ties, 0));
        }
        (
            Err(Error { layer, kind: ErrorKind::TooFewUnits { asked, alive } }),
            Err(Refusal::TooFewAlive { asked: a, alive: b }),
        ) => {
            prop_assert_eq!((layer.as_deref(), asked, alive), (Some("fc"), a, b));
        }
        (Err(Error { layer, kind: ErrorKind::Nan { index } }), Err(Refusal::Nan { index: wanted, .. })) => {
            prop_assert_eq!((layer.as_deref(), index), (Some("fc"), wanted));
        }
        (got, wanted) => prop_assert!(false, "{:?} where the oracle has {:?}", got, wanted),
    }
    Ok(())
}

/// The bits of all scores, from the plain sum of each unit.
fn by_definition(shape: &[usize], values: &[f64], alive: Option<&[bool]>, case: &Case, by: RankBy) -> Vec<u64> {
    let alive = |i: usize| alive.is_none_or(|alive| alive[i]);
    let score = |members: Vec<usize>| {
        let value = |i| if alive(i) { values[i] } else { 0.0 };
        let by =
            if matches!(case.pooling, ElementPooling::Mean | ElementPooling::Max) { by } else { RankBy::Magnitude };
        let meant = |value: f64| if by == RankBy::Magnitude { value.abs() } else { value };
        let of_unit: Vec<f64> = members.into_iter().map(|i| meant(value(i))).collect();
        let infinity = [f64::INFINITY, f64::NEG_INFINITY].into_iter().find(|infinity| of_unit.contains(infinity));
        if matches!(case.pooling, ElementPooling::Max | ElementPooling::LMax) {
            return of_unit.iter().fold(f64::NEG_INFINITY, |top, &value| if value > top { value } else { top }) + 0.0;
        }
        if let Some(infinity) = infinity {
            return infinity;
        }
        let top = of_unit.iter().fold(0.0f64, |top, value| top.max(value.abs()));
        let two = 2.0f64;
        let squares = case.pooling == ElementPooling::L2;
        let scale = match top {
            top if top > two.powi(if squares { 450 } else { 900 }) => two.powi(-700),
            top if squares && top > 0.0 && top < two.powi(-450) => two.powi(700),
            _ => 1.0,
        };
        let scaled: Vec<f64> = of_unit.iter().map(|value| value * scale).collect();
        let UnitSum { sum, .. } = plain(&scaled, if squares { Meaning::Square } else { Meaning::Signed });
        let pooled = match case.pooling {
            ElementPooling::Mean => sum / of_unit.len() as f64,
            ElementPooling::L2 => sum.sqrt(),
            _ => sum,
        };
        (pooled / scale).clamp(-f64::MAX, f64::MAX) + 0.0
    };
    structures::members(shape, &case.sides).into_iter().map(|members| score(members).to_bits()).collect()
}

/// Checks every method of units, in a layout and in row-major memory.
fn hold<E: TestElement>((shape, data, alive, layout, case): Layer<E>, by: RankBy, density: Density) -> TestCaseResult {
    let lying = PlainTensor::from_memory(layout.clone(), to_memory_order(&layout, &data)).unwrap();
    let rows = PlainTensor::from_logical(&shape, data.clone()).unwrap();
    let (lying, rows) = (LayerRef::of(&lying), LayerRef::of(&rows));
    let mask = alive.as_ref().map(|alive| Mask::from_bools(&shape, alive).unwrap());
    let widened: Vec<f64> = data.iter().map(|value| value.to_f64()).collect();
    let unit = &case.unit;

    let [scores, same_scores] = [&lying, &rows].map(|layer| unit.scores(layer, by, mask.as_ref()));
    match (scores, same_scores) {
        (Ok(scores), Ok(same)) => {
            let bits = |scores: &PlainTensor<f64>| scores.values().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&scores), bits(&same), "layouts");
            prop_assert_eq!(LayerRef::of(&scores).shape().to_vec(), unit.grid(&shape).unwrap());
            near(&shape, &widened, alive.as_deref(), &case, by, scores.values())?;
            prop_assert_eq!(bits(&scores), by_definition(&shape, &widened, alive.as_deref(), &case, by), "plain");
        }
        (scores, same) => {
            prop_assert!(matches!(scores, Err(Error { kind: ErrorKind::Nan { .. }, .. })), "{:?}", scores);
            prop_assert_eq!(scores, same);
        }
    }
    if let Some(mask) = &mask {
        // There and back: the units with an alive element, and all their elements.
        let units = unit.alive(mask).unwrap();
        let members = structures::members(&shape, &case.sides);
        let any: Vec<bool> = members.iter().map(|members| members.iter().any(|&i| mask.is_kept(i))).collect();
        prop_assert_eq!(units.iter().collect::<Vec<_>>(), any.clone());
        let mut all = vec![false; data.len()];
        members.iter().zip(any).for_each(|(members, any)| members.iter().for_each(|&i| all[i] = any));
        prop_assert_eq!(unit.spread(&units, &shape).unwrap().iter().collect::<Vec<_>>(), all);
    }
    let ranked = |layer| Ranked { name: "fc", scores: layer, alive: mask.as_ref() };
    let [got, on_rows] =
        [&lying, &rows].map(|layer| Selector::default().with_rank_by(by).units(ranked(layer), unit, density));
    prop_assert_eq!(&got, &on_rows);
    let layer = oracle::Layer { name: "fc", shape: &shape, scores: &widened, alive: alive.as_deref() };
    let wanted = structures::units(layer, &case.sides, case.pooling, density.get(), by);
    // If sums are rounded, the oracle's order may differ.
    if got.is_err() || wanted.is_err() || widened.iter().all(|value| value.fract() == 0.0 && value.abs() < 1e6) {
        same(got, wanted)?;
    } else if let (Ok(got), Ok(wanted)) = (got, wanted) {
        let kept = unit.alive(&got.mask).unwrap();
        let units = structures::members(&shape, &case.sides).len();
        prop_assert_eq!(kept.kept_len(), oracle::kept_count(density.get(), units));
        prop_assert!(
            !matches!(case.pooling, ElementPooling::Max | ElementPooling::LMax) || got.mask.iter().eq(wanted.kept)
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn units_of_whole_numbers_are_those_of_the_oracle(layer in layers(whole), by in by(), density in densities()) {
        hold(layer, by, density)?;
    }

    #[test]
    fn units_of_any_singles(layer in layers(values_with_nan::<f32>), by in by(), density in densities()) {
        hold(layer, by, density)?;
    }

    #[test]
    fn units_of_any_doubles(layer in layers(values::<f64>), by in by(), density in densities()) {
        hold(layer, by, density)?;
    }

    #[test]
    fn units_of_any_halves(layer in layers(values_with_nan::<half::f16>), by in by(), density in densities()) {
        hold(layer, by, density)?;
    }
}

fn scores(unit: &Unit, shape: &[usize], values: Vec<f64>, by: RankBy) -> Vec<f64> {
    let tensor = PlainTensor::from_logical(shape, values).unwrap();
    unit.scores(&LayerRef::of(&tensor), by, None).unwrap().to_logical()
}

/// Long enough for many blocks, tasks and threads, and for blocks cut off at every edge.
#[test]
fn long_sums_are_those_of_the_definition_on_any_number_of_threads() {
    let channels = |shape: &[usize], axis: usize, norm, pooling| {
        let mut sides = shape.to_vec();
        sides[axis] = 1;
        Case { unit: Channels::new(axis as isize, norm).into(), sides, pooling }
    };
    let boxes = |sides: &[usize], pool, pooling| Case {
        unit: Blocks::new(sides, &[], pool).unwrap().into(),
        sides: sides.to_vec(),
        pooling,
    };
    for shape in [[1300, 1, 110], [3, 5200, 9], [140_003, 1, 1], [55, 54, 53]] {
        let len: usize = shape.iter().product();
        let number = |i: u64| (hash(i) as i64 as f64 / 2f64.powi(60)) as f32;
        let data: Vec<f32> = (0..len as u64).map(number).collect();
        let widened: Vec<f64> = data.iter().map(|&value| f64::from(value)).collect();
        let alive: Vec<bool> = (0..len as u64).map(|i| !hash(i << 20).is_multiple_of(3)).collect();
        let mask = Mask::from_bools(&shape, &alive).unwrap();
        let mut cases = vec![
            boxes(&[700, 20, 3], Pool::Mean, ElementPooling::Mean),
            boxes(&[2, 2, 2], Pool::Max, ElementPooling::Max),
        ];
        for axis in 0..3 {
            cases.push(channels(&shape, axis, Norm::L2, ElementPooling::L2));
        }
        let columns = [1, shape[0] as isize, (shape[0] * shape[1]) as isize];
        let layouts = [Layout::row_major(&shape).unwrap(), Layout::new(&shape, &columns, 0).unwrap()];
        for case in cases {
            for alive in [None, Some(&alive[..])] {
                let wanted = by_definition(&shape, &widened, alive, &case, RankBy::Value);
                for layout in &layouts {
                    let tensor = PlainTensor::from_memory(layout.clone(), to_memory_order(layout, &data)).unwrap();
                    let layer = LayerRef::of(&tensor);
                    let bits = || {
                        let scores = case.unit.scores(&layer, RankBy::Value, alive.map(|_| &mask)).unwrap();
                        scores.values().iter().map(|score| score.to_bits()).collect::<Vec<u64>>()
                    };
                    on_threads(|threads| assert!(bits() == wanted, "{case:?} {layout:?} {threads}"));
                }
            }
        }
    }
}

/// Runs `check` on pools of 1, 2 and 7 threads.
#[cfg(feature = "rayon")]
fn on_threads(check: impl Fn(usize) + Sync) {
    for threads in [1, 2, 7] {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| check(threads));
    }
}

#[cfg(not(feature = "rayon"))]
fn on_threads(check: impl Fn(usize) + Sync) {
    check(1);
}

#[test]
fn infinities_keep_their_place() {
    let pairs = Unit::from(Blocks::new(&[2], &[], Pool::Mean).unwrap());
    let (plus, minus, max) = (f64::INFINITY, f64::NEG_INFINITY, f64::MAX);
    let values = vec![plus, minus, minus, plus, minus, max, plus, -max, minus, 1.0];
    assert_eq!(scores(&pairs, &[10], values.clone(), RankBy::Value), [plus, plus, minus, plus, minus]);
    assert_eq!(scores(&pairs, &[10], values.clone(), RankBy::Magnitude), [plus; 5]);
    for norm in [Norm::L1, Norm::L2, Norm::Max] {
        let rows = Unit::from(Channels::new(0, norm));
        assert_eq!(scores(&rows, &[5, 2], values.clone(), RankBy::Value), [plus; 5]);
    }
    let highest = Unit::from(Blocks::new(&[2], &[], Pool::Max).unwrap());
    assert_eq!(scores(&highest, &[10], values, RankBy::Value), [plus, plus, max, plus, 1.0]);
}

/// Finite elements never score like infinite ones, and extremes keep their order.
#[test]
fn extremes_are_scaled() {
    let max = f64::MAX;
    let tiny = f64::from_bits(1);
    let mean = Unit::from(Blocks::new(&[4], &[], Pool::Mean).unwrap());
    let values = vec![max, max, max, max, max, max, -max, -max, max, max, -max, max, tiny, tiny, tiny, tiny];
    assert_eq!(scores(&mean, &[16], values.clone(), RankBy::Value), [max, 0.0, max / 2.0, tiny]);
    assert_eq!(scores(&mean, &[16], values, RankBy::Magnitude), [max, max, max, tiny]);
    let rows = |norm| Unit::from(Channels::new(0, norm));
    // Beyond the greatest number: as large as possible, but below infinity.
    let values = vec![max, max, f64::INFINITY, 0.0, max, 0.0, max / 4.0, max / 2.0];
    assert_eq!(
        scores(&rows(Norm::L1), &[4, 2], values.clone(), RankBy::Value),
        [max, f64::INFINITY, max, max / 4.0 * 3.0]
    );
    assert_eq!(scores(&rows(Norm::L2), &[4, 2], values, RankBy::Value)[..3], [max, f64::INFINITY, max]);
    // Squares that overflow, and squares that vanish: still 3, 4, 5.
    for scale in [1e200, 1e-200, 1e300, 1e-320] {
        let found = scores(&rows(Norm::L2), &[2, 2], vec![3.0 * scale, 4.0 * scale, 6.0 * scale, 0.0], RankBy::Value);
        assert!((found[0] / scale - 5.0).abs() < 1e-3 && (found[1] / scale - 6.0).abs() < 1e-3, "{found:?}");
    }
}

#[test]
fn the_first_nan_is_named_by_its_element() {
    let mut values = vec![0.0f32; 24];
    values[17] = f32::NAN;
    values[22] = f32::NAN;
    // In column-major memory the second NaN comes first.
    let layout = Layout::new(&[4, 6], &[1, 4], 0).unwrap();
    let tensor = PlainTensor::from_memory(layout.clone(), to_memory_order(&layout, &values)).unwrap();
    let layer = LayerRef::of(&tensor);
    let mut alive = vec![true; 24];
    for unit in [Blocks::new(&[2, 4], &[], Pool::Max).unwrap().into(), Unit::from(Channels::new(1, Norm::L1))] {
        for (dead, index) in [(0, vec![2, 5]), (17, vec![3, 4])] {
            alive[dead] = false;
            let mask = Mask::from_bools(&[4, 6], &alive).unwrap();
            let nan = |layer: &str| ErrorKind::Nan { index: index.clone() }.in_layer(layer);
            assert_eq!(unit.scores(&layer, RankBy::Magnitude, Some(&mask)), Err(nan("")));
            let ranked = Ranked::new("fc", &layer).with_alive(Some(&mask));
            assert_eq!(Selector::default().units(ranked, &unit, Density::new(0.5).unwrap()), Err(nan("fc")));
            alive[0] = true;
        }
        alive[17] = true;
    }
}

#[test]
fn blocks_that_do_not_exist_are_refused() {
    let why = |sizes: &[usize], axes: &[isize]| match Blocks::new(sizes, axes, Pool::Mean) {
        Err(Error { kind: ErrorKind::Blocks { why, .. }, .. }) => why,
        other => panic!("{other:?}"),
    };
    assert!(why(&[], &[]).contains("no size") && why(&[], &[0]).contains("no size"));
    assert!(why(&[2, 0], &[]).contains("a size is 0"));
    assert!(why(&[2, 2], &[0]).contains("an axis for each size"));
    assert!(why(&[2, 2, 2], &[1, 0, 1]).contains("the same one"));

    let of = |sizes: &[usize], axes: &[isize]| Unit::from(Blocks::new(sizes, axes, Pool::Mean).unwrap());
    let twice = of(&[2, 2], &[1, -1]).grid(&[4, 4]).unwrap_err();
    assert_eq!(twice.to_string(), "blocks of sizes [2, 2] along axes [1, -1]: two of the axes are the same one");
    assert_eq!(of(&[2, 2], &[1, -1]).grid(&[4, 4, 4]), Ok(vec![4, 2, 2]));
    let deep = of(&[2, 3, 2], &[]).grid(&[4, 4]).unwrap_err();
    assert_eq!(
        deep.to_string(),
        "blocks of sizes [2, 3, 2] need 3 axes, but the tensor of shape [4, 4] has 2; give fewer sizes"
    );
    assert_eq!(of(&[2], &[2]).grid(&[4, 4]), Err(ErrorKind::AxisOutOfRange { axis: 2, rank: 2 }.into()));
    let channels = Unit::from(Channels::new(-3, Norm::L2));
    assert_eq!(channels.grid(&[4, 4]), Err(ErrorKind::AxisOutOfRange { axis: -3, rank: 2 }.into()));
    assert!(matches!(channels.grid(&[2, 2, usize::MAX, 2]), Err(Error { kind: ErrorKind::ShapeOverflow { .. }, .. })));
    // Errors of a selection name the layer.
    let tensor = PlainTensor::from_logical(&[2, 2], vec![1.0f32; 4]).unwrap();
    let refused = Selector::default().units(
        Ranked::new("fc", &LayerRef::of(&tensor)),
        &of(&[2, 2], &[1, -1]),
        Density::new(0.5).unwrap(),
    );
    assert!(refused.unwrap_err().to_string().starts_with("layer `fc`: blocks of sizes"));
    // A mask of other units, and one of another layer.
    let rows = Unit::from(Channels::new(0, Norm::L2));
    assert!(matches!(
        rows.spread(&Mask::all(&[3]).unwrap(), &[2, 2]),
        Err(Error { kind: ErrorKind::ShapeMismatch { .. }, .. })
    ));
    let other = Mask::all(&[4]).unwrap();
    assert!(matches!(
        rows.scores(&LayerRef::of(&tensor), RankBy::Value, Some(&other)),
        Err(Error { kind: ErrorKind::ShapeMismatch { .. }, .. })
    ));
}

/// Tensors without elements have no units, however long their other axes are. A false layout is refused before memory
/// is allocated for its units.
#[test]
fn emptiness_and_false_claims() {
    let half = Density::new(0.5).unwrap();
    for unit in [Unit::from(Channels::new(1, Norm::L2)), Blocks::new(&[2, 1], &[], Pool::Mean).unwrap().into()] {
        let empty = PlainTensor::<f32>::from_logical(&[usize::MAX, usize::MAX, 0], Vec::new()).unwrap();
        let layer = LayerRef::of(&empty);
        let alive = Mask::all(layer.shape()).unwrap();
        for alive in [None, Some(&alive)] {
            let selected = Selector::default().units(Ranked::new("", &layer).with_alive(alive), &unit, half).unwrap();
            assert_eq!((selected.mask.shape(), selected.mask.kept_len()), (layer.shape(), 0));
        }
        let claim = Layout::new(&[1 << 30, 1 << 30], &[1 << 30, 1], 0).unwrap();
        let layer = LayerRef::lent(crate::LentTensor::new(claim, crate::Memory::Dense(&[1.0f32, 2.0])));
        assert!(matches!(unit.scores(&layer, RankBy::Value, None), Err(Error { kind: ErrorKind::Layout { .. }, .. })));
    }
    let number = PlainTensor::from_logical(&[], vec![2.0f32]).unwrap();
    let rows = Unit::from(Channels::new(0, Norm::L2));
    let refused = rows.scores(&LayerRef::of(&number), RankBy::Value, None);
    assert_eq!(refused, Err(ErrorKind::AxisOutOfRange { axis: 0, rank: 0 }.into()));
}
