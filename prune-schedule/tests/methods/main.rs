//! Every method of the pruner against a plain implementation, on small models with ties, zeros of both signs, layers of
//! any rank in any order, and masks in force from an earlier event.

#![allow(clippy::unwrap_used, reason = "tests")]

mod axes;
mod checking;
mod coupled;
mod distributions;
mod growing;
#[path = "../model/mod.rs"]
mod model;
mod oracle;
mod outputs;
mod pieces;
mod ramps;
mod resuming;
mod rewinding;
mod scores;
mod straight_through;

use std::collections::BTreeMap;

use model::{Model, shape};
use proptest::prelude::*;
use prune_core::PlainTensor;
use prune_schedule::{Evidence, PruneError, Pruner, Report};

/// Names that tell their axes, one that does not, and one of rank 1. They are in no order.
const NAMES: [&str; 6] = ["fc.weight", "Conv_1-kernel", "conv.weight", "Dense_0-kernel", "table", "Dense_0-bias"];

/// Values with many ties, small enough for exact sums and products.
fn values() -> impl Strategy<Value = f32> {
    prop_oneof![4 => (-6i8..=6).prop_map(|eighths| f32::from(eighths) / 8.0), 1 => Just(-0.0f32)]
}

/// Models of some of these layers; the rank is 1 for biases, otherwise 2 to 4.
fn models_of(names: &'static [&'static str]) -> impl Strategy<Value = Model> {
    let names = proptest::sample::subsequence(names.to_vec(), 1..=names.len()).prop_shuffle();
    let shaped = names.prop_flat_map(|names| {
        let shape = |name: &'static str| {
            let rank = if name.ends_with("bias") { 1..=1 } else { 2..=4usize };
            proptest::collection::vec(1usize..=4, rank).prop_map(move |shape| (name, shape))
        };
        names.into_iter().map(shape).collect::<Vec<_>>()
    });
    shaped.prop_flat_map(|layers| {
        let layer = |(name, shape): (&'static str, Vec<usize>)| {
            proptest::collection::vec(values(), shape.iter().product::<usize>())
                .prop_map(move |values| (name.to_owned(), PlainTensor::from_logical(&shape, values).unwrap()))
        };
        layers.into_iter().map(layer).collect::<Vec<_>>().prop_map(Model)
    })
}

fn models() -> impl Strategy<Value = Model> {
    models_of(&NAMES).prop_filter("an event needs something to select", |model| {
        model.0.iter().any(|(_, tensor)| shape(tensor).len() >= 2)
    })
}

/// Another model of the same layers, with other values.
fn like(model: &Model) -> impl Strategy<Value = Model> + use<> {
    let layers: Vec<(String, Vec<usize>)> =
        model.0.iter().map(|(name, tensor)| (name.clone(), shape(tensor))).collect();
    let layer = |(name, shape): (String, Vec<usize>)| {
        proptest::collection::vec(values(), shape.iter().product::<usize>())
            .prop_map(move |values| (name.clone(), PlainTensor::from_logical(&shape, values).unwrap()))
    };
    layers.into_iter().map(layer).collect::<Vec<_>>().prop_map(Model)
}

fn densities() -> impl Strategy<Value = f64> {
    (1u32..=20).prop_map(|twentieths| f64::from(twentieths) / 20.0)
}

/// An event before training that leaves a mask in force on every prunable layer, or none.
fn earlier() -> impl Strategy<Value = Option<(f64, u64)>> {
    proptest::option::of(((8u32..=20).prop_map(|d| f64::from(d) / 20.0), 0u64..9))
}

fn pruner(strategy: &str) -> Pruner {
    Pruner::new(strategy.parse().unwrap_or_else(|error| panic!("{strategy}\n{error}")))
}

/// A pruner with this event at epoch 1, and the masks of an earlier one in force.
fn prepared(earlier: Option<(f64, u64)>, event: &str, model: &mut Model) -> Pruner {
    let before = earlier.map_or_else(String::new, |(density, seed)| {
        format!("0: {{'method': 'unstr_unified_local', 'density': {density}, 'score': 'random', 'seed': {seed}}}, ")
    });
    let mut pruner = pruner(&format!("{{{before}1: {{{event}}}}}"));
    pruner.start(model).unwrap();
    pruner
}

/// The kept elements of each layer that has a mask.
type Kept = BTreeMap<String, Vec<bool>>;

fn kept(pruner: &Pruner) -> Kept {
    pruner.masks().iter().map(|(name, mask)| (name.to_owned(), mask.iter().collect())).collect()
}

/// Ends epoch 1.
fn ended(pruner: &mut Pruner, model: &mut Model, evidence: Evidence<'_>) -> Result<Report, PruneError> {
    pruner.end_epoch_with(1, model, evidence).map(|report| report.unwrap())
}

/// The expected weights: zero outside the masks, unchanged inside.
fn applied(before: &Model, kept: &Kept) -> Model {
    let mut after = before.clone();
    for (name, kept) in kept {
        let values = after.get_mut(name).values_mut();
        values.iter_mut().zip(kept).filter(|(_, kept)| !**kept).for_each(|(value, _)| *value = 0.0);
    }
    after
}

/// Compares the outcome of an event with the oracle: masks, weights and the counts of the report, or the error that too
/// few are alive.
fn agrees(
    outcome: Result<Report, PruneError>,
    pruner: &Pruner,
    before: &Model,
    after: &Model,
    alive: &Kept,
    expected: Option<Kept>,
) -> Result<(), TestCaseError> {
    match (outcome, expected) {
        (Ok(report), Some(expected)) => {
            let mut all = alive.clone();
            all.extend(expected.clone());
            prop_assert_eq!(&kept(pruner), &all);
            prop_assert_eq!(after.bits(), applied(before, &expected).bits());
            let count = expected.values().flatten().filter(|kept| **kept).count();
            prop_assert_eq!(report.selected.kept, count);
            prop_assert!(report.selected.asked.is_none_or(|asked| asked == count), "{}", report);
            prop_assert_eq!(report.layers.len(), expected.len());
        }
        (Err(error), None) => {
            prop_assert!(error.to_string().contains("alive"), "{}", error);
            prop_assert_eq!(after.bits(), before.bits());
            prop_assert_eq!(&kept(pruner), alive);
        }
        (Ok(report), None) => prop_assert!(false, "should have been refused\n{}", report),
        (Err(error), Some(_)) => prop_assert!(false, "{}", error),
    }
    Ok(())
}
