//! Laws of selection: the kept count, the elements and the groups.

use proptest::prelude::*;
use proptest::sample::select;

use super::{
    Number, companions, failed, mask_of, masked, nameless, ranking, same, same_all, same_mask, scores, small,
    with_axes, with_nan,
};
use crate::error::{Error, ErrorKind};
use crate::key::RankBy;
use crate::select::{Ranked, Selector};
use crate::tensor::{LayerRef, PlainTensor};
use crate::testing::conformance::{Suite, for_all};
use crate::testing::generators::{axes, densities, patterns};
use crate::testing::oracle::{self, index_of, kept_count};

/// Rule 1: the count is exact, whatever the ties, zeros and equal values.
pub fn kept_count_follows_density(suite: &Suite) {
    for_all("kept_count_follows_density", (small(suite), densities()), |((shape, data), density)| {
        let wanted = kept_count(density.get(), data.len());
        let tensor = suite.tensor(&shape, &data);
        prop_assert_eq!(tensor.mask_unstructured(density).map_err(failed)?.kept_len(), wanted);
        prop_assert_eq!(tensor.mask_unstructured_by_score(density).map_err(failed)?.kept_len(), wanted);
        Ok(())
    });
}

/// Rule 2: every kept element ranks at least as high as every pruned one; among equals it comes first in logical
/// order.
pub fn every_kept_ranks_above_every_pruned(suite: &Suite) {
    let cases = (small(suite), densities(), ranking());
    for_all("every_kept_ranks_above_every_pruned", cases, |((shape, data), density, by)| {
        let rank = |i: usize| if by == RankBy::Magnitude { data[i].to_f64().abs() } else { data[i].to_f64() };
        let tensor = suite.tensor(&shape, &data);
        let mask = match by {
            RankBy::Magnitude => tensor.mask_unstructured(density),
            RankBy::Value => tensor.mask_unstructured_by_score(density),
        };
        let mask = mask.map_err(failed)?;
        // The lowest kept element and the highest pruned one decide for all.
        let lowest = mask.kept_indices().min_by(|&a, &b| rank(a).total_cmp(&rank(b)).then(b.cmp(&a)));
        let pruned = (0..data.len()).filter(|&i| !mask.is_kept(i));
        let highest = pruned.max_by(|&a, &b| rank(a).total_cmp(&rank(b)).then(b.cmp(&a)));
        if let (Some(lowest), Some(highest)) = (lowest, highest) {
            let (low, high) = (rank(lowest), rank(highest));
            prop_assert!(low > high || (low == high && lowest < highest) || zeros_in_order(&data, &mask, low, high));
        }
        Ok(())
    });
}

/// `total_cmp` tells the zeros apart, but they rank as one: the last kept zero must come before the first pruned one.
fn zeros_in_order(data: &[Number], mask: &crate::Mask, low: f64, high: f64) -> bool {
    let zero = |i: &usize| data[*i].to_f64() == 0.0;
    let last_kept = (0..data.len()).filter(zero).filter(|&i| mask.is_kept(i)).max();
    let first_pruned = (0..data.len()).filter(zero).find(|&i| !mask.is_kept(i));
    low == 0.0 && high == 0.0 && last_kept < first_pruned
}

/// Rule 4: each group keeps exactly `min(N, r)` of its `r` elements, lane by lane.
pub fn n_m_holds_in_each_group(suite: &Suite) {
    for_all("n_m_holds_in_each_group", (with_axes(suite), patterns()), |(((shape, data), axis), pattern)| {
        let mask = suite.tensor(&shape, &data).mask_n_m(pattern, axis).map_err(failed)?;
        prop_assert_eq!(mask.shape(), &shape[..]);
        let along = if axis < 0 { (axis + shape.len() as isize) as usize } else { axis as usize };
        // The numbers of kept and of all elements in each group; the group has the oracle's key.
        let mut groups = std::collections::BTreeMap::<Vec<usize>, (usize, usize)>::new();
        for linear in 0..mask.len() {
            let mut name = index_of(linear, &shape);
            name[along] /= pattern.m();
            let group = groups.entry(name).or_default();
            group.0 += usize::from(mask.is_kept(linear));
            group.1 += 1;
        }
        for (name, (kept, elements)) in &groups {
            prop_assert_eq!(*kept, pattern.n().min(*elements), "group {:?} of {} elements", name, elements);
        }
        let counts = mask.pattern_counts(pattern, axis).map_err(failed)?;
        prop_assert_eq!((counts.exact, counts.short, counts.over), (groups.len(), 0, 0));
        Ok(())
    });
}

/// Rules 1, 2, 3, 4: the same answer as sorting everything, through every method.
pub fn equals_the_full_sort_oracle(suite: &Suite) {
    let tensors = with_nan(suite);
    let cases = tensors.prop_flat_map(|(shape, data)| {
        let axes = axes(shape.len().max(1));
        ((Just(shape), Just(data)), densities(), patterns(), axes)
    });
    for_all("equals_the_full_sort_oracle", cases, |((shape, data), density, pattern, axis)| {
        let scores = scores(&data);
        let layer = nameless(&shape, &scores, None);
        let tensor = suite.tensor(&shape, &data);
        let (d, n, m) = (density.get(), pattern.n(), pattern.m());
        same_mask(tensor.mask_unstructured(density), oracle::unstructured(layer, d, RankBy::Magnitude))?;
        same_mask(tensor.mask_unstructured_by_score(density), oracle::unstructured(layer, d, RankBy::Value))?;
        same_mask(tensor.mask_n_m(pattern, axis), oracle::n_m(layer, n, m, axis, RankBy::Magnitude))?;
        same_mask(tensor.mask_n_m_by_score(pattern, axis), oracle::n_m(layer, n, m, axis, RankBy::Value))
    });
}

/// Rule 9: dead elements are neither chosen nor examined, and asking for more than is alive is refused.
pub fn dead_elements_stay_dead(suite: &Suite) {
    let cases = masked(with_nan(suite)).prop_flat_map(|(shape, data, alive)| {
        let axes = axes(shape.len().max(1));
        ((Just(shape), Just(data), Just(alive)), densities(), patterns(), axes, ranking())
    });
    for_all("dead_elements_stay_dead", cases, |((shape, data, alive), density, pattern, axis, by)| {
        let scores = scores(&data);
        let layer = nameless(&shape, &scores, Some(&alive));
        let tensor = suite.tensor(&shape, &data);
        let alive_mask = mask_of(&shape, &alive)?;
        let lent = tensor.layer();
        let ranked = Ranked::new("", &lent).with_alive(Some(&alive_mask));
        let selector = Selector::default().with_rank_by(by);
        let got = selector.unstructured(ranked, density);
        same(got.as_ref(), oracle::unstructured(layer, density.get(), by).as_ref())?;
        let grouped = selector.n_m(ranked, pattern, axis);
        same(grouped.as_ref(), oracle::n_m(layer, pattern.n(), pattern.m(), axis, by).as_ref())?;
        for selected in got.iter().chain(&grouped) {
            prop_assert!(selected.mask.is_subset(&alive_mask).map_err(failed)?);
        }
        Ok(())
    });
}

/// One ranking over layers of several element types, named in any order.
pub fn global_equals_the_oracle(suite: &Suite) {
    several_layers("global_equals_the_oracle", suite, |selector, ranked, layers, density, _, by| {
        same_all(selector.global(ranked, density), oracle::global(layers, density.get(), by))
    });
}

/// Groups over the concatenation of several layers, named in any order, straddle lanes and layers.
pub fn concatenated_groups_equal_the_oracle(suite: &Suite) {
    several_layers("concatenated_groups_equal_the_oracle", suite, |selector, ranked, layers, _, pattern, by| {
        let wanted = oracle::n_m_concatenated(layers, pattern.n(), pattern.m(), by);
        same_all(selector.n_m_concatenated(ranked, pattern), wanted)
    });
}

/// One of five numbers that every element type has: zero, and two of each sign.
fn few(bits: u64) -> f64 {
    (bits % 5) as f64 * 0.5 - 1.0
}

fn several_layers(
    law: &str,
    suite: &Suite,
    check: impl Fn(
        Selector,
        &[Ranked<'_>],
        &[oracle::Layer<'_>],
        crate::Density,
        crate::NmPattern,
        RankBy,
    ) -> Result<(), TestCaseError>,
) {
    let names = Just(vec!["a", "b", "layer-10", "layer-9", "Z", "\u{e9}"]).prop_shuffle();
    let tensors = masked(with_nan(suite));
    let nan_in_companion = select(vec![0usize, 0, 0, 1]);
    let cases = (tensors, companions(), nan_in_companion, any::<bool>(), names, densities(), patterns(), ranking());
    for_all(law, cases, |((shape, mut data, alive), companions, nan, share, names, density, pattern, by)| {
        let (mut doubles, mut halves): (Vec<f64>, Vec<half::bf16>) = companions;
        if share {
            // A few numbers that all layers share: ties across layers and types, which names must break.
            data.iter_mut().for_each(|value| *value = value.like(few(value.low_bits())));
            doubles.iter_mut().for_each(|value| *value = few(value.to_bits()));
            halves.iter_mut().for_each(|value| *value = half::bf16::from_f64(few(value.to_bits().into())));
        }
        if nan == 1
            && let Some(last) = doubles.last_mut()
        {
            *last = f64::NAN;
        }
        let widened = halves.iter().map(|x| x.to_f64()).collect();
        let all_scores = [scores(&data), doubles.clone(), widened];
        let shapes = [shape.clone(), vec![doubles.len()], vec![halves.len()]];
        let masks = [Some(&alive[..]), None, None];
        let layers: Vec<oracle::Layer<'_>> = (0..3)
            .map(|i| oracle::Layer { name: names[i], shape: &shapes[i], scores: &all_scores[i], alive: masks[i] })
            .collect();

        let alive = mask_of(&shape, &alive)?;
        let tensor = suite.tensor(&shape, &data);
        let doubles = PlainTensor::from_logical(&shapes[1], doubles).map_err(failed)?;
        let halves = PlainTensor::from_logical(&shapes[2], halves).map_err(failed)?;
        let lent = [tensor.layer(), LayerRef::of(&doubles), LayerRef::of(&halves)];
        let masks = [Some(&alive), None, None];
        let ranked: Vec<Ranked<'_>> = (0..3).map(|i| Ranked::new(names[i], &lent[i]).with_alive(masks[i])).collect();
        check(Selector::default().with_rank_by(by), &ranked, &layers, density, pattern, by)
    });
}

/// Rule 6: a lower density, or a lower N of the same M, keeps a subset of the higher one's elements.
pub fn later_mask_is_subset_of_earlier(suite: &Suite) {
    let cases = (small(suite), densities(), densities(), patterns(), 1usize..=9);
    for_all("later_mask_is_subset_of_earlier", cases, |((shape, data), one, other, pattern, n)| {
        let (low, high) = if one.get() < other.get() { (one, other) } else { (other, one) };
        let tensor = suite.tensor(&shape, &data);
        let few = tensor.mask_unstructured(low).map_err(failed)?;
        let many = tensor.mask_unstructured(high).map_err(failed)?;
        prop_assert!(few.is_subset(&many).map_err(failed)?);
        let fewer = crate::NmPattern::new(n.min(pattern.n()), pattern.m());
        let fewer = fewer.map_err(|error| TestCaseError::fail(error.to_string()))?;
        for axis in 0..shape.len() as isize {
            let few = tensor.mask_n_m(fewer, axis).map_err(failed)?;
            let many = tensor.mask_n_m(pattern, axis).map_err(failed)?;
            prop_assert!(few.is_subset(&many).map_err(failed)?, "{} and {} along {}", fewer, pattern, axis);
        }
        Ok(())
    });
}

/// Flipping signs changes nothing under magnitude.
pub fn sign_flips_change_nothing(suite: &Suite) {
    let cases = (masked(small(suite)), densities(), patterns());
    for_all("sign_flips_change_nothing", cases, |((shape, data, flips), density, pattern)| {
        let flip = |(&value, &flip): (&Number, &bool)| if flip { value.flipped() } else { value };
        let flipped: Vec<Number> = data.iter().zip(&flips).map(flip).collect();
        let (tensor, flipped) = (suite.tensor(&shape, &data), suite.tensor(&shape, &flipped));
        prop_assert_eq!(tensor.mask_unstructured(density), flipped.mask_unstructured(density));
        for axis in 0..shape.len() as isize {
            prop_assert_eq!(tensor.mask_n_m(pattern, axis), flipped.mask_n_m(pattern, axis));
        }
        Ok(())
    });
}

/// Rule 3: a NaN that is ranked is an error naming the first one, in every method.
pub fn nan_is_an_error_naming_the_first(suite: &Suite) {
    let shapes = suite.shapes().small().prop_filter("a place for a NaN", |shape| !shape.contains(&0));
    let element_type = suite.element_type();
    let cases = shapes.prop_flat_map(move |shape| {
        let len = shape.iter().product();
        (Just(shape), Number::values_with_nan(element_type, len), any::<prop::sample::Index>(), densities(), patterns())
    });
    for_all("nan_is_an_error_naming_the_first", cases, |(shape, mut data, place, density, pattern)| {
        *place.get_mut(&mut data) = Number::nearest(suite.element_type(), f64::NAN);
        let first = data.iter().position(|value| value.to_f64().is_nan()).unwrap_or(0);
        let nan = Error::from(ErrorKind::Nan { index: index_of(first, &shape) });
        let tensor = suite.tensor(&shape, &data);
        prop_assert_eq!(tensor.mask_unstructured(density), Err(nan.clone()));
        prop_assert_eq!(tensor.mask_unstructured_by_score(density), Err(nan.clone()));
        for axis in 0..shape.len() as isize {
            prop_assert_eq!(tensor.mask_n_m(pattern, axis), Err(nan.clone()));
            prop_assert_eq!(tensor.mask_n_m_by_score(pattern, axis), Err(nan.clone()));
        }
        let lent = tensor.layer();
        let named = Selector::value().unstructured(Ranked::new("fc1.weight", &lent), density);
        prop_assert_eq!(named.map(|selected| selected.mask), Err(nan.in_layer("fc1.weight")));
        Ok(())
    });
}

/// An axis that does not exist is an error that names the ones that do.
pub fn no_axis_is_an_error(suite: &Suite) {
    for_all("no_axis_is_an_error", (small(suite), patterns(), 0isize..4), |((shape, data), pattern, beyond)| {
        let rank = shape.len();
        let tensor = suite.tensor(&shape, &data);
        for axis in [rank as isize + beyond, -(rank as isize) - 1 - beyond, isize::MAX, isize::MIN] {
            let refused = Err(Error::from(ErrorKind::AxisOutOfRange { axis, rank }));
            prop_assert_eq!(tensor.mask_n_m(pattern, axis), refused.clone());
            prop_assert_eq!(tensor.mask_n_m_by_score(pattern, axis), refused);
        }
        Ok(())
    });
}
