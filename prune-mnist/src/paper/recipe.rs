//! How each network is trained, frozen after it was chosen on the held-out images.

use serde::{Deserialize, Serialize};

use super::data::Tested;
use crate::nn::{Initialisation, ModelSpec, ParamKind, ParamSpec};

/// A network of the published tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum Net {
    /// Dense 300, dense 100, dense 10.
    #[serde(rename = "LeNet-300-100")]
    Lenet300,
    /// Caffe's LeNet-5.
    #[serde(rename = "LeNet-5")]
    Lenet5,
    /// The original project's CNN.
    #[serde(rename = "CNN")]
    Cnn,
}

impl Net {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lenet300 => "LeNet-300-100",
            Self::Lenet5 => "LeNet-5",
            Self::Cnn => "CNN",
        }
    }

    pub(super) fn spec(self) -> ModelSpec {
        match self {
            Self::Lenet300 => ModelSpec::mlp(),
            Self::Lenet5 => ModelSpec::lenet5(),
            Self::Cnn => ModelSpec::cnn(),
        }
    }

    /// Its weights and biases, in the order of the model.
    pub(super) fn parameters(self) -> Vec<ParamSpec> {
        self.spec().parameters().unwrap_or_else(|error| unreachable!("a network of ours: {error}"))
    }

    /// The weights that are pruned: every kernel, in the order of the model.
    pub(super) fn kernels(self) -> Vec<ParamSpec> {
        let mut params = self.parameters();
        params.retain(|param| param.kind == ParamKind::Kernel);
        params
    }

    /// Steps, and how long they are, in a run of this size.
    pub(super) fn recipe(self, scale: Scale) -> Recipe {
        let recipe = |lr, dense, gradual, held| Recipe { lr, weight_decay: WEIGHT_DECAY, dense, gradual, held };
        match (self, scale) {
            (Self::Lenet300, Scale::Full) => recipe(0.1, 15, 8, 7),
            (Self::Lenet5, Scale::Full) => recipe(0.05, 10, 5, 5),
            (Self::Cnn, Scale::Full) => recipe(0.05, 10, 9, 1),
            (Self::Lenet300, Scale::Quick) => recipe(0.1, 6, 3, 3),
            (Self::Lenet5, Scale::Quick) => recipe(0.05, 2, 2, 1),
            (Self::Cnn, Scale::Quick) => recipe(0.05, 2, 3, 1),
        }
    }

    /// The same for the curves, which retrain so often that the larger networks get less of it.
    pub(super) fn curve_recipe(self, scale: Scale) -> Recipe {
        let whole = self.recipe(scale);
        let (gradual, held) = match (self, scale) {
            (Self::Lenet300, Scale::Full) => (whole.gradual, whole.held),
            (Self::Lenet300, Scale::Quick) => (2, 1),
            (_, Scale::Full) => (2, 1),
            (_, Scale::Quick) => (2, 0),
        };
        Recipe { gradual, held, ..whole }
    }

    /// The same for networks that are pruned before they are trained: one phase, from the weights as they are drawn.
    pub(super) fn snip_recipe(self, scale: Scale) -> Recipe {
        let epochs = match (self, scale) {
            (_, Scale::Full) => 25,
            (Self::Lenet300, Scale::Quick) => 6,
            (_, Scale::Quick) => 3,
        };
        Recipe { dense: 0, gradual: 0, held: epochs, ..self.recipe(scale) }
    }

    /// The same for sparse training, and for the gradual pruning that it is compared with.
    pub(super) fn sparse_recipe(self, scale: Scale) -> Recipe {
        let epochs = match scale {
            Scale::Full => 30,
            Scale::Quick => 6,
        };
        Recipe { dense: 0, gradual: 0, held: epochs, ..self.recipe(scale) }
    }

    /// How kernels are drawn: for relu, but for LeNet-5, whose convolutions have none. Drawn for relu it diverged in the
    /// first epoch of a trial at this rate.
    pub(super) fn initialisation(self) -> Initialisation {
        match self {
            Self::Lenet300 | Self::Cnn => Initialisation::HeNormal,
            Self::Lenet5 => Initialisation::LecunNormal,
        }
    }

    /// Seeds of the final runs, more where a run is cheap; or others, for runs on images that are held out.
    pub(super) fn seeds(self, scale: Scale, tested: Tested) -> std::ops::Range<u64> {
        match (tested, self, scale) {
            (Tested::TestSet, Self::Lenet300, Scale::Full) => 0..5,
            (Tested::TestSet, _, Scale::Full) => 0..3,
            (Tested::TestSet, Self::Lenet300, Scale::Quick) => 0..2,
            (Tested::TestSet, _, Scale::Quick) => 0..1,
            (Tested::HeldOut, Self::Lenet300, _) => 100..105,
            (Tested::HeldOut, _, _) => 100..101,
        }
    }
}

/// Whether a table is made in full, or in about a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// The full set and all epochs and seeds.
    Full,
    /// The bundled sample, with few epochs and seeds.
    Quick,
}

/// Learning rate and epochs: first dense, then with gradual pruning, then with the masks held as they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Recipe {
    /// Of the first step of each phase, from where a cosine takes it to 0.
    pub(super) lr: f64,
    pub(super) weight_decay: f64,
    pub(super) dense: u64,
    pub(super) gradual: u64,
    pub(super) held: u64,
}

impl Recipe {
    /// Epochs after the dense ones.
    pub(super) fn pruned(self) -> u64 {
        self.gradual + self.held
    }
}

/// How the lottery ticket is found on LeNet-300-100: Frankle and Carbin 2019.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LotteryRecipe {
    /// Adam's, throughout.
    pub(super) lr: f64,
    pub(super) batch_size: u64,
    /// Of each round.
    pub(super) epochs: u64,
    /// Rounds of pruning, after the dense one.
    pub(super) rounds: u64,
}

/// The lottery ticket's recipe in a run of this size.
pub(super) fn lottery_recipe(scale: Scale) -> LotteryRecipe {
    let (epochs, rounds) = match scale {
        Scale::Full => (12, 15),
        Scale::Quick => (2, 5),
    };
    LotteryRecipe { lr: 1.2e-3, batch_size: 60, epochs, rounds }
}

/// What each round keeps of what the one before has kept in a layer.
pub(super) const LOTTERY_KEPT: f64 = 0.8;
/// The same of the output layer.
pub(super) const LOTTERY_KEPT_OF_OUTPUT: f64 = 0.9;

/// Seeds of the lottery ticket's runs.
pub(super) fn lottery_seeds(scale: Scale, tested: Tested) -> std::ops::Range<u64> {
    match (tested, scale) {
        (Tested::TestSet, Scale::Full) => 0..3,
        (Tested::TestSet, Scale::Quick) => 0..1,
        (Tested::HeldOut, Scale::Full) => 100..103,
        (Tested::HeldOut, Scale::Quick) => 100..101,
    }
}

/// Training images that SNIP's gradients are averaged over, or all where there are fewer: ten batches.
pub(super) const CALIBRATION: usize = 1280;
/// Share of the updates of sparse training, and of gradual pruning's events, among all steps: the last comes then.
pub(super) const SPARSE_UNTIL: f64 = 0.75;
/// Steps from one update to the next.
pub(super) const SPARSE_EVERY: u64 = 100;
/// Share of a layer's weights that the first update moves.
pub(super) const SPARSE_FRACTION: f64 = 0.3;

/// Share of the last step that each step repeats.
pub(super) const MOMENTUM: f64 = 0.9;
/// Pull of weights, not biases, towards zero.
pub(super) const WEIGHT_DECAY: f64 = 5e-4;
/// Images a step.
pub(super) const BATCH_SIZE: u64 = 128;
/// Share of the learning rate with which Han et al. restart.
pub(super) const HAN_RESTART: f64 = 0.1;
