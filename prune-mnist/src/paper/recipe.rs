//! The training of each network, frozen after it was chosen on the held-out images.

use serde::{Deserialize, Serialize};

use super::data::TestImages;
use crate::nn::{Initialisation, ModelSpec, ParamKind, ParamSpec};

/// A network of the published tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum PaperNet {
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

impl PaperNet {
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

    /// The prunable weights: every kernel, in the order of the model.
    pub(super) fn kernels(self) -> Vec<ParamSpec> {
        let mut params = self.parameters();
        params.retain(|param| param.kind == ParamKind::Kernel);
        params
    }

    /// The phases and their lengths, in a run of this size.
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

    /// The same for the curves. They retrain so often that the larger networks train for less time.
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

    /// The same for networks that are pruned before training: one phase, from the initial weights.
    pub(super) fn snip_recipe(self, scale: Scale) -> Recipe {
        let epochs = match (self, scale) {
            (_, Scale::Full) => 25,
            (Self::Lenet300, Scale::Quick) => 6,
            (_, Scale::Quick) => 3,
        };
        Recipe { dense: 0, gradual: 0, held: epochs, ..self.recipe(scale) }
    }

    /// The same for sparse training, and for the gradual pruning beside it.
    pub(super) fn sparse_recipe(self, scale: Scale) -> Recipe {
        let epochs = match scale {
            Scale::Full => 30,
            Scale::Quick => 6,
        };
        Recipe { dense: 0, gradual: 0, held: epochs, ..self.recipe(scale) }
    }

    /// The distribution of initial kernels: made for relu, except for LeNet-5, whose convolutions have no relu. With
    /// the distribution for relu it diverged in the first epoch of a trial at this rate.
    pub(super) fn initialisation(self) -> Initialisation {
        match self {
            Self::Lenet300 | Self::Cnn => Initialisation::HeNormal,
            Self::Lenet5 => Initialisation::LecunNormal,
        }
    }

    /// Seeds of the final runs, more of them if a run is cheap; other seeds for runs on held-out images.
    pub(super) fn seeds(self, scale: Scale, tested: TestImages) -> std::ops::Range<u64> {
        match (tested, self, scale) {
            (TestImages::TestSet, Self::Lenet300, Scale::Full) => 0..5,
            (TestImages::TestSet, _, Scale::Full) => 0..3,
            (TestImages::TestSet, Self::Lenet300, Scale::Quick) => 0..2,
            (TestImages::TestSet, _, Scale::Quick) => 0..1,
            (TestImages::HeldOut, Self::Lenet300, _) => 100..105,
            (TestImages::HeldOut, _, _) => 100..101,
        }
    }
}

/// The size of a table: in full, or in about a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// The full set and all epochs and seeds.
    Full,
    /// The bundled sample, with few epochs and seeds.
    Quick,
}

/// Learning rate and epochs: first dense, then gradual pruning, then with fixed masks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Recipe {
    /// The learning rate of the first step of each phase; a cosine takes it to 0.
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

/// The training of the lottery ticket on LeNet-300-100, after Frankle and Carbin 2019.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LotteryRecipe {
    /// Adam's learning rate, throughout.
    pub(super) lr: f64,
    pub(super) batch_size: u64,
    /// Epochs of each round.
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

/// The share that each round keeps of a layer's weights left by the round before.
pub(super) const LOTTERY_KEPT: f64 = 0.8;
/// The same share for the output layer.
pub(super) const LOTTERY_KEPT_OF_OUTPUT: f64 = 0.9;

/// Seeds of the lottery ticket's runs.
pub(super) fn lottery_seeds(scale: Scale, tested: TestImages) -> std::ops::Range<u64> {
    match (tested, scale) {
        (TestImages::TestSet, Scale::Full) => 0..3,
        (TestImages::TestSet, Scale::Quick) => 0..1,
        (TestImages::HeldOut, Scale::Full) => 100..103,
        (TestImages::HeldOut, Scale::Quick) => 100..101,
    }
}

/// The number of training images over which SNIP's gradients are averaged, or all if there are fewer: ten batches.
pub(super) const CALIBRATION: usize = 1280;
/// The share of all steps that hold the updates of sparse training and the events of gradual pruning; the last comes
/// at its end.
pub(super) const SPARSE_UNTIL: f64 = 0.75;
/// Steps from one update to the next.
pub(super) const SPARSE_EVERY: u64 = 100;
/// Share of a layer's weights that the first update moves.
pub(super) const SPARSE_FRACTION: f64 = 0.3;

/// Share of the last step that each step repeats.
pub(super) const MOMENTUM: f64 = 0.9;
/// The pull of weights, not of biases, towards zero.
pub(super) const WEIGHT_DECAY: f64 = 5e-4;
/// Images a step.
pub(super) const BATCH_SIZE: u64 = 128;
/// The share of the learning rate with which Han et al. restart.
pub(super) const HAN_RESTART: f64 = 0.1;
