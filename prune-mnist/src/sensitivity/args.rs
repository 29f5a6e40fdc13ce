//! The command line of `cargo xtask sensitivity`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use prune_core::Density;

use super::goal::GoalMethod;
use crate::data::DataSource;
use crate::nn::ModelSpec;
use crate::run::choice::{BackendChoice, MOST_EPOCHS, ModelChoice, rate};

/// Prunes each layer of a network alone to a range of densities, without retraining, and shows the accuracy that is
/// left on the test images: a table, sensitivity.csv, and a picture as SVG and PNG.
///
/// The network is trained first, without pruning, or is the dense network of a demo's checkpoint.
#[derive(Clone, Debug, Parser)]
#[command(
    bin_name = "cargo xtask sensitivity",
    after_help = "Exit code: 0 done, 1 failed, 2 an option is wrong, 130 stopped by Ctrl-C, which writes nothing.\n\
                  For example: cargo xtask sensitivity --model lenet-5 --data full --method unstructured,2:4,1:4"
)]
pub struct SensitivityArguments {
    /// The network that is trained.
    #[arg(long, value_enum, default_value_t = ScanModel::Mlp)]
    pub model: ScanModel,

    /// The tensor library that holds the parameters.
    #[arg(long, value_enum, default_value_t = BackendChoice::Ndarray)]
    pub backend: BackendChoice,

    /// The data for training and tests: `sample` (bundled), `full` (after `cargo xtask mnist`), or a folder with
    /// MNIST's four IDX files [default: sample, or with --checkpoint the data that it was trained on].
    #[arg(long, value_name = "sample|full|DIR")]
    pub data: Option<DataSource>,

    /// The number of passes over the training data.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=MOST_EPOCHS))]
    pub epochs: u64,

    /// Learning rate of the first step. It falls linearly to 0, with momentum 0.9 and batches of 128 [default: 0.1, or
    /// for lenet-5 0.05].
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub lr: Option<f64>,

    /// Seed for the initial weights and the order of the images.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Takes the network from a demo's checkpoint in this folder instead of training one. If the checkpoint has a dense
    /// twin, that is taken.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["model", "epochs", "lr", "seed"])]
    pub checkpoint: Option<PathBuf>,

    /// The methods to prune by: `unstructured`, or patterns such as 2:4 along the last axis, separated by commas.
    #[arg(long = "method", value_name = "METHOD", value_delimiter = ',', default_value = "unstructured")]
    pub methods: Vec<GoalMethod>,

    /// The densities for `unstructured`: fractions kept, separated by commas.
    #[arg(
        long = "density",
        value_name = "DENSITY",
        value_delimiter = ',',
        default_value = "1,0.5,0.3,0.2,0.1,0.05,0.02,0.01",
        value_parser = density
    )]
    pub densities: Vec<Density>,

    /// Threads to compute with; changes the time, never the result [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Folder for sensitivity.csv, sensitivity.svg and sensitivity.png; made if absent.
    #[arg(long, value_name = "DIR", default_value = "out/sensitivity")]
    pub out: PathBuf,
}

impl SensitivityArguments {
    /// The learning rate of the first step.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.lr.unwrap_or(match self.model {
            ScanModel::Lenet5 => 0.05,
            ScanModel::Mlp | ScanModel::Cnn => 0.1,
        })
    }
}

/// The networks to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum ScanModel {
    /// 784-300-100-10, also called lenet-300-100.
    #[value(alias = "lenet-300-100")]
    Mlp,
    /// The original project's network: two convolutions, two dense layers.
    Cnn,
    /// LeNet-5 as in Caffe.
    #[value(name = "lenet-5", alias = "lenet5")]
    Lenet5,
}

impl ScanModel {
    /// The network's description.
    #[must_use]
    pub fn spec(self) -> ModelSpec {
        match self {
            Self::Mlp => ModelSpec::mlp(),
            Self::Cnn => ModelSpec::cnn(),
            Self::Lenet5 => ModelSpec::lenet5(),
        }
    }
}

impl From<ModelChoice> for ScanModel {
    fn from(model: ModelChoice) -> Self {
        match model {
            ModelChoice::Mlp => Self::Mlp,
            ModelChoice::Cnn => Self::Cnn,
        }
    }
}

fn density(text: &str) -> Result<Density, String> {
    let number = text.parse::<f64>().map_err(|_| "write fractions kept, such as 1,0.5,0.1".to_owned())?;
    Density::new(number).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use clap::CommandFactory as _;

    use super::*;

    fn parse(words: &[&str]) -> Result<SensitivityArguments, String> {
        let words = ["sensitivity"].iter().chain(words);
        SensitivityArguments::try_parse_from(words).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_those_of_the_help() {
        SensitivityArguments::command().debug_assert();
        let arguments = parse(&[]).unwrap();
        assert_eq!((arguments.model, arguments.rate(), arguments.methods.len()), (ScanModel::Mlp, 0.1, 1));
        let densities: Vec<f64> = arguments.densities.iter().map(|density| density.get()).collect();
        assert_eq!(densities, [1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01]);
        let names = ["mlp", "lenet-300-100", "cnn", "lenet-5", "lenet5"];
        let models = names.map(|name| parse(&["--model", name]).unwrap().model);
        assert_eq!(models, [ScanModel::Mlp, ScanModel::Mlp, ScanModel::Cnn, ScanModel::Lenet5, ScanModel::Lenet5]);
        assert_eq!(parse(&["--model", "lenet-5"]).unwrap().rate(), 0.05);
        assert_eq!(parse(&["--method", "unstructured,2:4,1:4"]).unwrap().methods.len(), 3);
    }

    #[test]
    fn wrong_values_are_refused_by_name() {
        for (arguments, said) in [
            (vec!["--density", "0.5,0"], "--density"),
            (vec!["--density", "90%"], "write fractions kept"),
            (vec!["--density", "1.5"], "1.5"),
            (vec!["--method", "4:2"], "--method"),
            (vec!["--method", "magnitude"], "write `unstructured`"),
            (vec!["--lr", "nan"], "--lr"),
            (vec!["--epochs", "0"], "--epochs"),
            (vec!["--model", "vgg"], "--model"),
            (vec!["--checkpoint", "out", "--epochs", "3"], "cannot be used with"),
        ] {
            let message = parse(&arguments).unwrap_err();
            assert!(message.starts_with("error: ") && message.contains(said), "{arguments:?}: {message}");
        }
    }
}
