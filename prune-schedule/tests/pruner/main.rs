//! The pruner on small models, number by number.

#![allow(clippy::unwrap_used, reason = "tests")]

mod buffers;
mod events;
#[path = "../model/mod.rs"]
mod model;
mod models;
mod selecting;
mod sparse;

use model::Model;
use prune_schedule::{Pruner, Report};

fn pruner(strategy: &str) -> Pruner {
    Pruner::new(strategy.parse().unwrap_or_else(|error| panic!("{strategy}\n{error}")))
}

fn small() -> Model {
    Model::of(&[
        ("Dense_0-kernel", &[2, 4], &[0.9, -0.1, 0.3, 0.2, 0.1, -0.8, 0.7, 0.6]),
        ("Dense_0-bias", &[4], &[1.0, 2.0, 3.0, 4.0]),
        ("Dense_1-kernel", &[4, 1], &[0.05, -0.06, 0.07, 5.0]),
    ])
}

fn ended(pruner: &mut Pruner, epoch: u64, model: &mut Model) -> Report {
    pruner.end_epoch(epoch, model).unwrap_or_else(|error| panic!("{error}")).unwrap()
}

fn kept(pruner: &Pruner, layer: &str) -> Vec<usize> {
    pruner.masks().get(layer).unwrap().kept_indices().collect()
}
