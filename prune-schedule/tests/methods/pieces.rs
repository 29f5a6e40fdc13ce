//! Blocks and channels, in each layer and over all layers, and the biases that follow channels.

use proptest::prelude::*;
use prune_schedule::Evidence;

use crate::model::{Model, shape};
use crate::oracle::{self, Thing, best, count, is_alive, prunable, weights};
use crate::{Kept, agrees, densities, earlier, ended, kept, models, models_of, prepared};

/// The elements of each piece of a layer; pieces are in row-major order.
fn members(shape: &[usize], sides: &[usize]) -> Vec<Vec<usize>> {
    let mut pieces: std::collections::BTreeMap<Vec<usize>, Vec<usize>> = Default::default();
    for element in 0..shape.iter().product() {
        let place = oracle::place(element, shape);
        pieces.entry(place.iter().zip(sides).map(|(at, side)| at / side).collect()).or_default().push(element);
    }
    pieces.into_values().collect()
}

/// A number computed from the magnitudes of a piece.
#[derive(Debug, Clone, Copy)]
enum Of {
    Mean,
    Max,
    L1,
    L2,
}

impl Of {
    fn score(self, magnitudes: &[f64]) -> f64 {
        match self {
            Of::Mean => magnitudes.iter().sum::<f64>() / magnitudes.len() as f64,
            Of::Max => magnitudes.iter().copied().fold(0.0, f64::max),
            Of::L1 => magnitudes.iter().sum(),
            Of::L2 => magnitudes.iter().map(|value| value * value).sum::<f64>().sqrt(),
        }
    }
}

/// The pieces of a layer that can be ranked.
fn ranked(model: &Model, name: &str, sides: &[usize], of: Of, alive: &Kept) -> (Vec<Vec<usize>>, Vec<Thing>) {
    let magnitude = |index: usize| if is_alive(alive, name, index) { weights(model, name)[index].abs() } else { 0.0 };
    let pieces = members(&model.shape(name), sides);
    let things = pieces.iter().enumerate().filter(|(_, piece)| piece.iter().any(|&index| is_alive(alive, name, index)));
    let things = things.map(|(at, piece)| {
        let magnitudes: Vec<f64> = piece.iter().map(|&index| magnitude(index)).collect();
        (of.score(&magnitudes), name.to_owned(), at)
    });
    let things = things.collect();
    (pieces, things)
}

fn expected(
    model: &Model,
    density: f64,
    global: bool,
    of: Of,
    alive: &Kept,
    sides: impl Fn(&str) -> Vec<usize>,
) -> Option<Kept> {
    let layers = prunable(model);
    let all: Vec<(Vec<Vec<usize>>, Vec<Thing>)> =
        layers.iter().map(|name| ranked(model, name, &sides(name), of, alive)).collect();
    let mut chosen = Vec::new();
    if global {
        let asked = count(density, all.iter().map(|(pieces, _)| pieces.len()).sum());
        let things: Vec<Thing> = all.iter().flat_map(|(_, things)| things.clone()).collect();
        if asked > things.len() {
            return None;
        }
        chosen = best(things, asked);
    } else {
        for (pieces, things) in &all {
            let asked = count(density, pieces.len());
            if asked > things.len() {
                return None;
            }
            chosen.extend(best(things.clone(), asked));
        }
    }
    let elements = chosen.into_iter().flat_map(|(name, piece)| {
        let (pieces, _) = &all[layers.iter().position(|layer| *layer == name).unwrap()];
        let living = pieces[piece].iter().filter(|&&index| is_alive(alive, &name, index));
        living.map(|&index| (name.clone(), index)).collect::<Vec<_>>()
    });
    let elements: Vec<(String, usize)> = elements.collect();
    Some(oracle::masks(model, &layers, elements))
}

fn blocks() -> impl Strategy<Value = (Vec<usize>, Option<Vec<isize>>, Of)> {
    let pools = prop_oneof![Just(Of::Mean), Just(Of::Max)];
    let sides = (1usize..4, 1usize..4, pools);
    let axes = proptest::option::of(prop_oneof![
        Just(vec![0]),
        Just(vec![1]),
        Just(vec![-1]),
        Just(vec![0, -1]),
        Just(vec![1, 0]),
    ]);
    (sides, axes).prop_map(|((a, b, of), axes)| {
        let sizes = if axes.as_ref().is_some_and(|axes| axes.len() == 1) { vec![a] } else { vec![a, b] };
        (sizes, axes, of)
    })
}

/// The sides of a block along every axis.
fn sides_of(shape: &[usize], sizes: &[usize], axes: &Option<Vec<isize>>) -> Vec<usize> {
    let rank = shape.len() as isize;
    let axes = axes.clone().unwrap_or_else(|| (0..sizes.len() as isize).map(|i| i - sizes.len() as isize).collect());
    let mut sides = vec![1; shape.len()];
    for (axis, &size) in axes.iter().zip(sizes) {
        sides[axis.rem_euclid(rank).unsigned_abs()] = size;
    }
    sides
}

/// Checks the counts in the report: units asked for, units kept, and all units.
fn units_add_up(report: &prune_schedule::Report, density: f64, global: bool) -> Result<(), TestCaseError> {
    let units = || report.layers.iter().filter_map(|layer| layer.units);
    for units in units() {
        prop_assert_eq!(units.asked, (!global).then(|| count(density, units.of)));
        prop_assert!(units.asked.is_none_or(|asked| asked == units.kept));
    }
    if global {
        prop_assert_eq!(
            units().map(|units| units.kept).sum::<usize>(),
            count(density, units().map(|units| units.of).sum())
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn blocks_by_what_they_hold(mut model in models(), earlier in earlier(), density in densities(), global in any::<bool>(),
                                (sizes, axes, of) in blocks()) {
        let method = if global { "block_global" } else { "block_unified_local" };
        let axes_field = axes.as_ref().map_or_else(String::new, |axes| format!(", 'axes': {axes:?}"));
        let pool = if matches!(of, Of::Max) { "max" } else { "mean" };
        let event = format!("'method': '{method}', 'density': {density}, 'block': {sizes:?}{axes_field}, 'pool': '{pool}'");
        let mut pruner = prepared(earlier, &event, &mut model);
        let (before, alive) = (model.clone(), kept(&pruner));
        let sides = |name: &str| sides_of(&before.shape(name), &sizes, &axes);
        let expected = expected(&before, density, global, of, &alive, sides);
        let outcome = ended(&mut pruner, &mut model, Evidence::default());
        if let Ok(report) = &outcome {
            units_add_up(report, density, global)?;
        }
        agrees(outcome, &pruner, &before, &model, &alive, expected)?;
    }

    #[test]
    fn channels_by_their_norm(mut model in models(), earlier in earlier(), density in densities(), global in any::<bool>(),
                              axis in -2isize..2, norm in prop_oneof![Just(("1", Of::L1)), Just(("2", Of::L2)), Just(("'inf'", Of::Max))]) {
        let method = if global { "channel_global" } else { "channel_unified_local" };
        let (norm, of) = norm;
        let event = format!("'method': '{method}', 'density': {density}, 'axis': {axis}, 'norm': {norm}");
        let mut pruner = prepared(earlier, &event, &mut model);
        let (before, alive) = (model.clone(), kept(&pruner));
        let sides = |name: &str| {
            let mut sides = before.shape(name);
            let rank = sides.len() as isize;
            sides[axis.rem_euclid(rank).unsigned_abs()] = 1;
            sides
        };
        let expected = expected(&before, density, global, of, &alive, sides);
        let outcome = ended(&mut pruner, &mut model, Evidence::default());
        if let Ok(report) = &outcome {
            units_add_up(report, density, global)?;
        }
        // The number of elements asked for is known per layer, if nothing in the layer is dead.
        let whole = !global && alive.values().flatten().all(|kept| *kept);
        if let Ok(report) = &outcome {
            prop_assert!(report.selected.asked.is_some() || !whole, "{}", report);
        }
        agrees(outcome, &pruner, &before, &model, &alive, expected)?;
    }

    #[test]
    fn biases_go_with_their_channels(mut model in models_of(&["Dense_0-kernel", "fc.weight"]), earlier in earlier(),
                                     density in densities(), global in any::<bool>()) {
        let axis = |name: &str, rank: usize| if name.ends_with("kernel") { rank - 1 } else { 0 };
        let outputs: Vec<(String, usize)> = model.0.iter().map(|(name, tensor)| {
            (name.replace("kernel", "bias").replace("weight", "bias"), shape(tensor)[axis(name, shape(tensor).len())])
        }).collect();
        for (bias, outputs) in &outputs {
            model.0.push((bias.clone(), prune_core::PlainTensor::from_logical(&[*outputs], vec![1.0; *outputs]).unwrap()));
        }
        let method = if global { "channel_global" } else { "channel_unified_local" };
        let event = format!("'method': '{method}', 'density': {density}, 'bias': True");
        let mut pruner = prepared(earlier, &event, &mut model);
        let (before, alive) = (model.clone(), kept(&pruner));
        let sides = |name: &str| {
            let mut sides = before.shape(name);
            let rank = sides.len();
            sides[axis(name, rank)] = 1;
            sides
        };
        let mut expected = expected(&before, density, global, Of::L2, &alive, sides);
        if let Some(masks) = &mut expected {
            for (layer, kept) in masks.clone() {
                let shape = before.shape(&layer);
                let axis = axis(&layer, shape.len());
                let mut bias = vec![false; shape[axis]];
                kept.iter().enumerate().filter(|(_, kept)| **kept).for_each(|(index, _)| bias[oracle::place(index, &shape)[axis]] = true);
                masks.insert(layer.replace("kernel", "bias").replace("weight", "bias"), bias);
            }
        }
        let outcome = ended(&mut pruner, &mut model, Evidence::default());
        agrees(outcome, &pruner, &before, &model, &alive, expected)?;
    }
}
