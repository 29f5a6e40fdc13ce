//! The command line: every option, its effect, and the values that are refused at once.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use prune_core::Density;

use super::presets;
use crate::data::DataSource;
use crate::run::choice::{BackendChoice, MOST_EPOCHS, ModelChoice, number, rate};

/// The most images in a batch. It keeps a typing error from asking for too much memory.
const MOST_BATCH: u64 = 8_192;

/// The most threads.
const MOST_THREADS: u64 = 1_024;

/// Trains a network on MNIST, prunes its weights and activations by a strategy, keeps the zeros zero, and shows the
/// gain. A dense twin branches off at the first event and trains on without pruning.
///
/// Without options: the CNN of jax_pruning on ndarray and the bundled sample, 7 epochs, 2:4 after epoch 2 and 1:4 after
/// epoch 4. Takes under a minute on two cores.
#[derive(Clone, Debug, Parser)]
#[command(
    bin_name = "cargo xtask demo",
    allow_negative_numbers = true,
    after_help = "Equal options give equal results, bit for bit, on one machine at any number of threads; also of a run \
                  that was killed and resumed.\n\
                  Ctrl-C ends after the step, saves, and says how to go on; a second one ends at once.\n\
                  Exit code: 0 done, 1 failed, 2 an option or the strategy is wrong, 130 stopped by Ctrl-C."
)]
pub struct Arguments {
    /// The network: `cnn` (two convolutions, two dense layers) or `mlp` (784-300-100-10, trains in a few seconds).
    #[arg(long, value_enum, default_value_t = ModelChoice::Cnn)]
    pub model: ModelChoice,

    /// The tensor library that holds the parameters. Both give the same accuracy, and their masks, files and tables
    /// look alike. `cargo xtask demo --backend candle` and `--backend burn` run the examples of those adapters.
    #[arg(long, value_enum, default_value_t = BackendChoice::Ndarray)]
    pub backend: BackendChoice,

    /// The strategy: a Python literal, JSON or TOML, or the name of a file with one. For example "{2: {'method':
    /// 'str_unified_local', 'pattern': (2, 4)}}" [default: 2:4, later 1:4, in every layer, at epochs that scale with
    /// --epochs].
    #[arg(long, value_name = "TEXT-or-FILE")]
    pub strategy: Option<String>,

    /// A method by its name, in place of --strategy, at epochs and steps that scale with --epochs. What it stands for
    /// is printed as a strategy before training.
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "strategy",
        value_parser = PossibleValuesParser::new(presets::names()),
        hide_possible_values = true,
        long_help = format!(
            "A method by its name, in place of --strategy, at epochs and steps that scale with --epochs. What it stands for is \
             printed as a strategy before training. One of: {}.",
            presets::help()
        )
    )]
    pub method: Option<String>,

    /// The fraction of the selected weights that --method keeps, above 0 and at most 1 [default: 0.1, for `wanda` 0.2,
    /// `block` 0.25, `channel` 0.5 and `small` 0.375].
    #[arg(long, value_name = "SHARE", requires = "method")]
    pub density: Option<Density>,

    /// The number of passes over the training data. Each event of the strategy must be among these epochs [default: 7,
    /// or with --strategy three more than its last event].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_EPOCHS))]
    pub epochs: Option<u64>,

    /// The data to learn from: `sample` (bundled, 10,000 training and 2,000 test images), `full` (60,000 and 10,000,
    /// after `cargo xtask mnist`), or a folder with MNIST's four IDX files, gzipped or not.
    #[arg(long, default_value_t = DataSource::Sample, value_name = "sample|full|DIR")]
    pub data: DataSource,

    /// Learning rate of the first step. It falls linearly to 0 at the end. A larger one learns faster, until it
    /// diverges.
    #[arg(long, value_name = "RATE", default_value_t = 0.1, value_parser = rate)]
    pub lr: f64,

    /// The fraction of the last step that each step repeats: 0 for none, below 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.9, value_parser = momentum)]
    pub momentum: f64,

    /// The strength that pulls weights (not biases) towards zero at each step: 0 for none, 0.0005 is usual.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = weight_decay)]
    pub weight_decay: f64,

    /// Images in each step. A smaller number takes more steps for each epoch, and more time.
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u64).range(1..=MOST_BATCH))]
    pub batch_size: u64,

    /// Threads to compute with; changes the time, never the result [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_THREADS))]
    pub threads: Option<u64>,

    /// Seed for the initial weights and the order of the images.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Folder for the results; made if absent. Every epoch replaces checkpoint.safetensors. A complete run writes
    /// metrics.jsonl, curves.svg, curves.png, model.safetensors, masks.safetensors and model.onnx, over old ones. If
    /// channels were pruned with their biases, it also writes small.onnx, the network without them. A folder with the
    /// checkpoint of an incomplete run is refused without --resume.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,

    /// Goes on with the run whose checkpoint is in --out, with its settings. Only --epochs and --threads may change
    /// (and --out, if the folder has moved). The strategy keeps its epochs. From here on, the learning rate is that of
    /// a run of --epochs from its start, so a larger --epochs raises it.
    #[arg(long)]
    pub resume: bool,

    /// After the run, also trains the network of small.onnx from new weights, as long and with the same settings, and
    /// writes scratch.onnx. Pruned channels should beat it. This is for strategies that prune channels with their
    /// biases. It is not part of the checkpoint, so give it again with --resume; if the run is complete, nothing else
    /// is trained then.
    #[arg(long)]
    pub from_scratch: bool,

    /// Leaves activations dense. Otherwise the CNN prunes them as jax_pruning's README does: to density 0.9 after the
    /// first relu, to 2:4 after the second. The MLP prunes no activations.
    #[arg(long)]
    pub no_act_pruning: bool,

    /// The options that were written out. Others have their defaults.
    #[arg(skip)]
    given: BTreeSet<String>,
}

impl Arguments {
    /// The options of the command line. If they are wrong, or help is asked for, the process ends here.
    #[must_use]
    pub fn from_command_line() -> Self {
        Self::from_words(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// The options of a command line. The first word is the program's name.
    ///
    /// # Errors
    ///
    /// If options are unknown or wrong, or help is asked for.
    pub fn from_words<W: Into<OsString> + Clone>(words: impl IntoIterator<Item = W>) -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches_from(words)?;
        let mut arguments = Self::from_arg_matches(&matches)?;
        let is_given = |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
        arguments.given = matches.ids().filter(is_given).map(ToString::to_string).collect();
        Ok(arguments)
    }

    /// True if the option with this field's name was written out.
    pub(super) fn gives(&self, field: &str) -> bool {
        self.given.contains(field)
    }
}

fn momentum(text: &str) -> Result<f64, String> {
    number(text, |value| (0.0..1.0).contains(&value), "a number from 0 to just below 1, such as 0.9")
}

fn weight_decay(text: &str) -> Result<f64, String> {
    number(text, |value| value.is_finite() && value >= 0.0, "a finite number of 0 or more, such as 0.0005")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, String> {
        let all = ["demo"].iter().chain(arguments);
        Arguments::from_words(all).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_those_of_the_issue() {
        Arguments::command().debug_assert();
        let arguments = parse(&[]).unwrap();
        assert_eq!(arguments.model, ModelChoice::Cnn);
        assert_eq!(arguments.backend, BackendChoice::Ndarray);
        assert_eq!(arguments.data, DataSource::Sample);
        assert_eq!((arguments.lr, arguments.momentum, arguments.weight_decay), (0.1, 0.9, 0.0));
        assert_eq!((arguments.batch_size, arguments.epochs, arguments.strategy), (128, None, None));
        assert!(!arguments.no_act_pruning);
    }

    #[test]
    fn what_is_written_out_is_told_from_defaults() {
        let arguments = parse(&["--lr", "0.1", "--resume"]).unwrap();
        assert!(arguments.gives("lr") && arguments.resume);
        assert!(!arguments.gives("momentum") && !arguments.gives("no_act_pruning"));
        // Every setting that a checkpoint compares is the field of an option.
        let command = Arguments::command();
        let ids: Vec<_> = command.get_arguments().map(|argument| argument.get_id().to_string()).collect();
        for field in
            ["model", "backend", "seed", "lr", "momentum", "weight_decay", "batch_size", "no_act_pruning", "data"]
        {
            assert!(ids.iter().any(|id| id == field), "{field}");
        }
    }

    #[test]
    fn impossible_numbers_are_refused_by_name() {
        for (arguments, flag) in [
            (["--epochs", "0"], "--epochs"),
            (["--epochs", "100001"], "--epochs"),
            (["--batch-size", "0"], "--batch-size"),
            (["--threads", "0"], "--threads"),
            (["--lr", "NaN"], "--lr"),
            (["--lr", "inf"], "--lr"),
            (["--lr", "0"], "--lr"),
            (["--lr", "-0.1"], "--lr"),
            (["--lr", "fast"], "--lr"),
            (["--momentum", "1"], "--momentum"),
            (["--momentum", "NaN"], "--momentum"),
            (["--weight-decay", "-1"], "--weight-decay"),
            (["--seed", "-1"], "--seed"),
            (["--model", "lenet"], "--model"),
            (["--backend", "burn"], "--backend"),
            (["--data", ""], "--data"),
        ] {
            let message = parse(&arguments).unwrap_err();
            assert!(message.contains(flag), "{arguments:?}: {message}");
            assert!(message.starts_with("error: "), "{arguments:?}: {message}");
        }
    }
}
