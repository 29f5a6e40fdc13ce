//! One run as a value. Equal settings give equal results, so their digest is the run's name in the cache.

use serde::{Deserialize, Serialize};

use super::data::DataUse;
use super::lottery::{Lottery, Start};
use super::recipe::{BATCH_SIZE, LotteryRecipe, MOMENTUM, PaperNet, Recipe};
use crate::data::Sha256;
use crate::nn::Initialisation;

/// Everything that decides a run, besides the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) net: PaperNet,
    pub(super) seed: u64,
    pub(super) data: DataUse,
    /// The distribution of initial kernels.
    pub(super) initialisation: Initialisation,
    pub(super) optimiser: String,
    /// The fall of the learning rate in each phase.
    pub(super) schedule: String,
    pub(super) momentum: f64,
    pub(super) weight_decay: f64,
    pub(super) batch_size: u64,
    /// Learning rate of the dense phase's first step.
    pub(super) lr: f64,
    /// Epochs of the dense phase; 0 if the second phase begins with the initial weights.
    pub(super) epochs: u64,
    /// The second phase; none for the network that runs share.
    pub(super) then: Option<Phase>,
    /// True if the network is tested after each epoch, for a picture; false if only after the last.
    pub(super) tested_every_epoch: bool,
}

/// The phase after the dense one: from its weights, with momentum at rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phase {
    /// Learning rate of the first step.
    pub(super) lr: f64,
    pub(super) weight_decay: f64,
    pub(super) epochs: u64,
    pub(super) change: PhaseChange,
}

/// The change to the dense network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PhaseChange {
    /// Nothing: the dense twin.
    None,
    /// Pruned by a strategy, whose epochs and steps count from the beginning of the dense phase.
    Strategy(String),
    /// A round of the lottery ticket, or one of its controls; nothing is trained before it.
    Lottery(Lottery),
    /// A control: as many weights in each layer as this strategy's last event would keep at once, but drawn at
    /// random.
    RandomMask(String),
}

impl Settings {
    /// The dense network of `net`, from which other runs begin.
    pub(super) fn dense(net: PaperNet, recipe: Recipe, seed: u64, data: &DataUse) -> Self {
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

    /// A round of the lottery ticket on LeNet-300-100, or one of its controls.
    pub(super) fn lottery(recipe: LotteryRecipe, lottery: Lottery, seed: u64, data: &DataUse) -> Self {
        let change = PhaseChange::Lottery(lottery);
        Self {
            net: PaperNet::Lenet300,
            seed,
            data: data.clone(),
            initialisation: Initialisation::GlorotNormal,
            optimiser: "adam, at rest when a round begins".to_owned(),
            schedule: "constant".to_owned(),
            momentum: 0.0,
            weight_decay: 0.0,
            batch_size: recipe.batch_size,
            lr: recipe.lr,
            epochs: 0,
            then: Some(Phase { lr: recipe.lr, weight_decay: 0.0, epochs: recipe.epochs, change }),
            tested_every_epoch: false,
        }
    }

    /// The run whose result this one needs: the dense network with which it begins, or the ticket whose masks it
    /// takes. It is this run itself if it needs none, such as a run that begins with the initial weights.
    pub(super) fn base(&self) -> Self {
        match &self.then {
            Some(Phase { change: PhaseChange::Lottery(lottery), lr, weight_decay, epochs }) => match lottery.needs() {
                Some(before) => {
                    let (lr, weight_decay, epochs) = (*lr, *weight_decay, *epochs);
                    self.then(Phase { lr, weight_decay, epochs, change: PhaseChange::Lottery(before) })
                }
                None => self.clone(),
            },
            Some(_) if self.epochs == 0 => self.clone(),
            _ => Self { then: None, ..self.clone() },
        }
    }

    /// Its base, the base of that, and so on, in the order of training; without this run.
    pub(super) fn bases(&self) -> Vec<Self> {
        let mut bases = Vec::new();
        let (mut run, mut base) = (self.clone(), self.base());
        while base != run {
            bases.insert(0, base.clone());
            (base, run) = (base.base(), base);
        }
        bases
    }

    /// True if other runs may need its weights and masks.
    pub(super) fn is_base(&self) -> bool {
        match self.then.as_ref().map(|phase| &phase.change) {
            None => true,
            Some(PhaseChange::Lottery(lottery)) => lottery.start == Start::Rewound,
            Some(_) => false,
        }
    }

    /// True if its dense network is also tested after being cut at once to the strategy's last density, without
    /// retraining. A network that was never trained would show nothing.
    pub(super) fn has_untrained(&self) -> bool {
        self.epochs > 0 && self.is_by_strategy()
    }

    /// True if it is compacted at the end: only networks of dense layers that a strategy makes sparse from the start.
    pub(super) fn is_compacted(&self) -> bool {
        self.net == PaperNet::Lenet300 && self.epochs == 0 && self.is_by_strategy()
    }

    fn is_by_strategy(&self) -> bool {
        self.then.as_ref().is_some_and(|phase| matches!(phase.change, PhaseChange::Strategy(_)))
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
    use super::super::recipe::{Scale, lottery_recipe};
    use super::*;

    #[test]
    fn each_round_needs_the_one_before_and_its_controls_need_its_masks() {
        let run = |start, round| {
            let lottery = Lottery { start, round, kept: 0.8, kept_of_output: 0.9 };
            Settings::lottery(lottery_recipe(Scale::Full), lottery, 3, &DataUse::made())
        };
        let [first, second, third] = [0, 1, 2].map(|round| run(Start::Rewound, round));
        assert_eq!((first.base(), first.bases()), (first.clone(), vec![]));
        assert_eq!(third.bases(), [first.clone(), second.clone()]);
        for start in [Start::Redrawn, Start::RandomMask] {
            let control = run(start, 1);
            assert_eq!(control.bases(), [first.clone(), second.clone()]);
            assert!(!control.is_base() && control.base().is_base());
        }
        assert_eq!(first.all_epochs(), 12);
        assert_eq!(serde_json::from_str::<Settings>(&third.json()).ok(), Some(third));
    }

    #[test]
    fn every_setting_is_in_the_name_and_branches_share_their_base() {
        let net = PaperNet::Lenet300;
        let base = Settings::dense(net, net.recipe(Scale::Full), 0, &DataUse::made());
        let other = Settings::dense(net, net.recipe(Scale::Full), 1, &DataUse::made());
        let then = |change| base.then(Phase { lr: 0.1, weight_decay: 0.0, epochs: 15, change });
        let (twin, pruned) = (then(PhaseChange::None), then(PhaseChange::Strategy("{}".to_owned())));
        let keys = [&base, &other, &twin, &pruned].map(Settings::key);
        assert!((0..4).all(|i| (0..i).all(|j| keys[i] != keys[j])), "{keys:?}");
        assert_eq!((twin.base(), pruned.base()), (base.clone(), base));
        assert_eq!(twin.all_epochs(), 30);
        assert_eq!(serde_json::from_str::<Settings>(&pruned.json()).ok(), Some(pruned));
    }
}
