//! Pruned files hold the weights that a training loop's pruner makes, bit for bit. Every other byte is unchanged.

#![allow(clippy::unwrap_used, reason = "tests")]

mod agree;
#[path = "../common/mod.rs"]
mod common;
mod refused;
mod report;
mod strategies;

use prune_core::testing::generators::ValueKind;

const KINDS: [ValueKind; 3] = [ValueKind::Uniform, ValueKind::Tied, ValueKind::Equal];
