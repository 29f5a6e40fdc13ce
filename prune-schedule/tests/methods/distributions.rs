//! One density shared among layers: in one ranking, over norms, uniformly, by ERK, and within least and greatest
//! densities.

use std::collections::BTreeMap;

use proptest::prelude::*;
use prune_schedule::Evidence;

use crate::model::Model;
use crate::oracle::{self, Thing, best, count, is_alive, local, prunable, things, weights};
use crate::{Kept, agrees, densities, earlier, ended, kept, models, prepared};

/// Least and greatest densities: none, one for all layers, or for some layers.
#[derive(Debug, Clone)]
enum Limit {
    None,
    All(f64),
    Some(BTreeMap<String, f64>),
}

impl Limit {
    fn of(&self, name: &str) -> Option<f64> {
        match self {
            Limit::None => None,
            Limit::All(density) => Some(*density),
            Limit::Some(table) => table.get(name).copied(),
        }
    }

    fn field(&self, name: &str) -> String {
        match self {
            Limit::None => String::new(),
            Limit::All(density) => format!(", '{name}': {density}"),
            Limit::Some(table) => {
                let rows: Vec<String> = table.iter().map(|(layer, density)| format!("'{layer}': {density}")).collect();
                format!(", '{name}': {{{}}}", rows.join(", "))
            }
        }
    }
}

fn limits(names: Vec<String>, low: u32, high: u32) -> impl Strategy<Value = Limit> {
    let density = (low..=high).prop_map(|tenths| f64::from(tenths) / 10.0);
    let some = proptest::sample::subsequence(names.clone(), 0..=names.len());
    let table = (some, proptest::collection::vec(density.clone(), 6))
        .prop_map(|(names, densities)| Limit::Some(names.into_iter().zip(densities).collect()));
    prop_oneof![Just(Limit::None), density.prop_map(Limit::All), table]
}

fn limited() -> impl Strategy<Value = (Model, Limit, Limit)> {
    models().prop_flat_map(|model| {
        let names = prunable(&model);
        (Just(model), limits(names.clone(), 1, 4), limits(names, 3, 10))
    })
}

/// The least and the greatest number that each layer keeps; `None` if they cross in some layer.
fn ranges(model: &Model, min: &Limit, max: &Limit) -> Option<BTreeMap<String, (usize, usize)>> {
    let range = |name: String| {
        let n = model.get(&name).values().len();
        let least = min.of(&name).map_or(0, |density| count(density, n));
        let most = max.of(&name).map_or(n, |density| count(density, n));
        (least <= most).then_some((name, (least, most)))
    };
    prunable(model).into_iter().map(range).collect()
}

/// Gives unit after unit to the layer with the highest claim / (count + 1/2); the smaller name comes first.
fn shares(
    model: &Model,
    erk: bool,
    total: usize,
    ranges: &BTreeMap<String, (usize, usize)>,
) -> Option<BTreeMap<String, usize>> {
    let mut counts: BTreeMap<String, usize> = ranges.iter().map(|(name, (least, _))| (name.clone(), *least)).collect();
    let (least, most) = ranges.values().fold((0, 0), |sum, range| (sum.0 + range.0, sum.1 + range.1));
    if total < least || total > most {
        return None;
    }
    while counts.values().sum::<usize>() < total {
        let claim = |name: &str| -> f64 {
            let shape = model.shape(name);
            if erk { shape.iter().sum::<usize>() as f64 } else { shape.iter().product::<usize>() as f64 }
        };
        let open = counts.iter().filter(|(name, count)| **count < ranges[*name].1);
        let worths = open.map(|(name, count)| (claim(name) / (*count as f64 + 0.5), name.clone()));
        let (_, first) = worths.fold((f64::NEG_INFINITY, String::new()), |a, b| if b.0 > a.0 { b } else { a });
        *counts.get_mut(&first).unwrap() += 1;
    }
    Some(counts)
}

/// The best of each layer up to its least, then the best of all layers that are not full.
fn within(model: &Model, total: usize, ranges: &BTreeMap<String, (usize, usize)>, alive: &Kept) -> Option<Kept> {
    let layers = prunable(model);
    let magnitudes = |name: &str| -> Vec<f64> { weights(model, name).iter().map(|weight| weight.abs()).collect() };
    let (mut chosen, mut rest, mut counts) = (Vec::new(), Vec::<Thing>::new(), BTreeMap::new());
    for name in &layers {
        let (least, _) = ranges[name];
        let all = things(name, &magnitudes(name), alive);
        if least > all.len() {
            return None;
        }
        let first = best(all.clone(), least);
        rest.extend(all.into_iter().filter(|(_, name, index)| !first.contains(&(name.clone(), *index))));
        counts.insert(name.clone(), least);
        chosen.extend(first);
    }
    if chosen.len() > total {
        return None;
    }
    let n = rest.len();
    for (name, index) in best(rest, n) {
        let count = counts.get_mut(&name).unwrap();
        if chosen.len() < total && *count < ranges[&name].1 {
            *count += 1;
            chosen.push((name, index));
        }
    }
    (chosen.len() == total).then(|| oracle::masks(model, &layers, chosen))
}

proptest! {
    #[test]
    fn shares_close_on_the_total((mut model, min, max) in limited(), earlier in earlier(), density in densities(), erk in any::<bool>()) {
        let name = if erk { "erk" } else { "uniform" };
        let event = format!("'method': 'unstr_global', 'density': {density}, 'distribution': '{name}'{}{}",
            min.field("min_density"), max.field("max_density"));
        let mut pruner = prepared(earlier, &event, &mut model);
        let (before, alive) = (model.clone(), kept(&pruner));
        let total = count(density, prunable(&before).iter().map(|name| before.get(name).values().len()).sum());
        let counts = ranges(&before, &min, &max).and_then(|ranges| shares(&before, erk, total, &ranges));
        let outcome = ended(&mut pruner, &mut model, Evidence::default());
        let Some(counts) = counts else {
            // The event is refused, also by the check before training.
            prop_assert!(pruner.check(&before).is_err());
            prop_assert!(outcome.is_err());
            return Ok(());
        };
        prop_assert_eq!(counts.values().sum::<usize>(), total);
        let magnitudes = before.0.iter().map(|(name, _)| (name.clone(), weights(&before, name).iter().map(|w| w.abs()).collect())).collect();
        let expected = local(&before, &prunable(&before), |name| counts[name], &alive, &magnitudes);
        agrees(outcome, &pruner, &before, &model, &alive, expected)?;
    }

    #[test]
    fn one_ranking_within_bounds((mut model, min, max) in limited(), earlier in earlier(), density in densities()) {
        let event = format!("'method': 'unstr_global', 'density': {density}{}{}",
            min.field("min_density"), max.field("max_density"));
        let mut pruner = prepared(earlier, &event, &mut model);
        let (before, alive) = (model.clone(), kept(&pruner));
        let total = count(density, prunable(&before).iter().map(|name| before.get(name).values().len()).sum());
        let ranges = ranges(&before, &min, &max);
        let expected = ranges.as_ref().and_then(|ranges| within(&before, total, ranges, &alive));
        let outcome = ended(&mut pruner, &mut model, Evidence::default());
        match expected {
            Some(_) => agrees(outcome, &pruner, &before, &model, &alive, expected)?,
            None => {
                prop_assert!(outcome.is_err());
                prop_assert_eq!(before.bits(), model.bits());
            }
        }
    }

    /// Over norms the count is exact, and no kept score is below a dropped one, except for the last bit of a quotient.
    #[test]
    fn one_ranking_over_norms(mut model in models(), earlier in earlier(), density in densities()) {
        let event = format!("'method': 'unstr_global', 'density': {density}, 'distribution': 'global_l2'");
        let mut pruner = prepared(earlier, &event, &mut model);
        let (before, alive) = (model.clone(), kept(&pruner));
        let layers = prunable(&before);
        let normalised = |name: &String| -> Vec<f64> {
            let living = |(index, _): &(usize, f64)| is_alive(&alive, name, *index);
            let squares = weights(&before, name).into_iter().enumerate().filter(living).map(|(_, weight)| weight * weight);
            let norm = squares.sum::<f64>().sqrt();
            weights(&before, name).iter().map(|weight| if norm == 0.0 { 0.0 } else { weight.abs() / norm }).collect()
        };
        let scores: BTreeMap<String, Vec<f64>> = layers.iter().map(|name| (name.clone(), normalised(name))).collect();
        let all: Vec<Thing> = layers.iter().flat_map(|name| things(name, &scores[name], &alive)).collect();
        let total = count(density, layers.iter().map(|name| before.get(name).values().len()).sum());
        let outcome = ended(&mut pruner, &mut model, Evidence::default());
        if total > all.len() {
            prop_assert!(outcome.is_err());
            return Ok(());
        }
        let masks = kept(&pruner);
        let (inside, outside): (Vec<Thing>, Vec<Thing>) = all.into_iter().partition(|(_, name, index)| masks[name][*index]);
        prop_assert_eq!(inside.len(), total);
        let lowest = inside.iter().map(|thing| thing.0).fold(f64::INFINITY, f64::min);
        let highest = outside.iter().map(|thing| thing.0).fold(0.0, f64::max);
        prop_assert!(lowest >= highest * (1.0 - 1e-12), "{} {}", lowest, highest);
    }
}

/// Equal claims are met in the order of names, not in the order of the model.
#[test]
fn the_order_of_layers_makes_no_difference() {
    let layers: [(&str, &[usize], &[f32]); 2] =
        [("a.weight", &[1, 3], &[1.0, 2.0, 3.0]), ("b.weight", &[1, 3], &[1.0, 2.0, 3.0])];
    let mut one = Model::of(&layers);
    let mut other = Model::of(&[layers[1], layers[0]]);
    let text = "'method': 'unstr_global', 'density': 0.5, 'distribution': 'uniform'";
    for model in [&mut one, &mut other] {
        let mut pruner = prepared(None, text, model);
        ended(&mut pruner, model, Evidence::default()).unwrap();
    }
    assert_eq!(one.get("a.weight").values(), [0.0, 2.0, 3.0]);
    assert_eq!(other.get("a.weight"), one.get("a.weight"));
    assert_eq!(other.get("b.weight"), one.get("b.weight"));
}
