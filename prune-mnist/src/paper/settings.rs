//! One run as a value. Equal settings give equal results, so their digest is the run's name in the cache.

use serde::{Deserialize, Serialize};

use super::data::DataUse;
use super::recipe::{BATCH_SIZE, MOMENTUM, Net, Recipe};
use crate::data::Sha256;
use crate::nn::Initialisation;

/// All that a run follows from, besides the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) net: Net,
    pub(super) seed: u64,
    pub(super) data: DataUse,
    /// How kernels are drawn.
    pub(super) initialisation: Initialisation,
    pub(super) optimiser: String,
    /// How the learning rate falls in each phase.
    pub(super) schedule: String,
    pub(super) momentum: f64,
    pub(super) weight_decay: f64,
    pub(super) batch_size: u64,
    /// Learning rate of the dense phase's first step.
    pub(super) lr: f64,
    /// Epochs of the dense phase.
    pub(super) epochs: u64,
    /// The second phase; none for the network that runs share.
    pub(super) then: Option<Phase>,
    /// Whether the network is tested after each epoch, for a picture, or after the last alone.
    pub(super) tested_every_epoch: bool,
}

/// What follows the dense phase: from its weights, with momentum at rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phase {
    /// Learning rate of the first step.
    pub(super) lr: f64,
    pub(super) weight_decay: f64,
    pub(super) epochs: u64,
    pub(super) change: Change,
}

/// What is done to the dense network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    /// Nothing: the dense twin.
    None,
    /// Pruned by a strategy, whose epochs are counted from the beginning of the dense phase.
    Strategy(String),
    /// A control: as many weights a layer as this strategy's last event would keep at once, but drawn at random.
    RandomMask(String),
}

impl Settings {
    /// The dense network of `net`, which other runs begin from.
    pub(super) fn dense(net: Net, recipe: Recipe, seed: u64, data: &DataUse) -> Self {
        Self {
            net,
            seed,
            data: data.clone(),
            initialisation: net.initialisation(),
            optimiser: "sgd, momentum at rest when a phase begins".to_owned(),
            schedule: "cosine to 0 in each phase".to_owned(),
            momentum: MOMENTUM,
            weight_decay: recipe.weight_decay,
            batch_size: BATCH_SIZE,
            lr: recipe.lr,
            epochs: recipe.dense,
            then: None,
            tested_every_epoch: false,
        }
    }

    /// The run that goes on from this dense network.
    pub(super) fn then(&self, phase: Phase) -> Self {
        Self { then: Some(phase), ..self.clone() }
    }

    /// The dense network that this run begins with; this run itself where it is one.
    pub(super) fn base(&self) -> Self {
        Self { then: None, ..self.clone() }
    }

    /// Epochs of both phases.
    pub(super) fn all_epochs(&self) -> u64 {
        self.epochs + self.then.as_ref().map_or(0, |phase| phase.epochs)
    }

    /// The settings as one line of JSON.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| unreachable!("settings are plain values: {error}"))
    }

    /// The run's name: the first half of the digest of its settings.
    pub(super) fn key(&self) -> String {
        let mut digest = Sha256::of(self.json().as_bytes()).to_string();
        digest.truncate(32);
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::super::recipe::Scale;
    use super::*;

    #[test]
    fn every_setting_is_in_the_name_and_branches_share_their_base() {
        let net = Net::Lenet300;
        let base = Settings::dense(net, net.recipe(Scale::Full), 0, &DataUse::made());
        let other = Settings::dense(net, net.recipe(Scale::Full), 1, &DataUse::made());
        let then = |change| base.then(Phase { lr: 0.1, weight_decay: 0.0, epochs: 15, change });
        let (twin, pruned) = (then(Change::None), then(Change::Strategy("{}".to_owned())));
        let keys = [&base, &other, &twin, &pruned].map(Settings::key);
        assert!((0..4).all(|i| (0..i).all(|j| keys[i] != keys[j])), "{keys:?}");
        assert_eq!((twin.base(), pruned.base()), (base.clone(), base));
        assert_eq!(twin.all_epochs(), 30);
        assert_eq!(serde_json::from_str::<Settings>(&pruned.json()).ok(), Some(pruned));
    }
}
