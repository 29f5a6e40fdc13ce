//! Pruned files hold what a training loop's pruner makes of the same weights, bit for bit, and every other byte as it was.

#![allow(clippy::unwrap_used, reason = "tests")]

mod agree;
#[path = "../common/mod.rs"]
mod common;
mod refused;
mod report;
mod strategies;

use prune_core::testing::generators::Kind;

const KINDS: [Kind; 3] = [Kind::Uniform, Kind::Tied, Kind::Equal];
