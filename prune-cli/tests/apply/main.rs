//! Pruned files hold the weights that a training loop's pruner makes, bit for bit. Every other byte is unchanged.

#![allow(clippy::unwrap_used, reason = "tests")]

mod agree;
#[path = "../common/mod.rs"]
mod common;
mod refused;
mod report;
mod strategies;

use prune_core::testing::generators::Kind;

const KINDS: [Kind; 3] = [Kind::Uniform, Kind::Tied, Kind::Equal];
