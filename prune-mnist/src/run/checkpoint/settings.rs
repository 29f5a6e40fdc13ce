//! The settings of a run, as its checkpoint keeps them.

use prune_schedule::Strategy;
use serde::{Deserialize, Serialize};

use crate::run::choice::{BackendChoice, ModelChoice};

/// All settings that decide the result of a run. `--threads` and `--out` do not, so they are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSettings {
    /// The network.
    pub model: ModelChoice,
    /// The tensor library.
    pub backend: BackendChoice,
    /// `--data`, as it was written.
    pub data: String,
    /// The hashes of the four files, which must not change.
    pub data_sha256: [String; 4],
    /// The seed of initial weights and orders.
    pub seed: u64,
    /// Learning rate of the first step.
    pub lr: f64,
    /// Share of the last step that each step repeats.
    pub momentum: f64,
    /// Pull of weights towards zero.
    pub weight_decay: f64,
    /// Images a step.
    pub batch_size: u64,
    /// True if activations are left dense.
    pub no_act_pruning: bool,
    /// The strategy.
    pub strategy: Strategy,
    /// The strategy's source, as the start of a sentence.
    pub strategy_origin: String,
    /// Epochs to train.
    pub epochs: u64,
}
