//! The command line of `cargo xtask paper`.

use std::path::PathBuf;

use clap::Parser;

use super::tables::Table;

/// Reproduces published MNIST tables with this library's strategies. Each table prints our figures beside the published
/// ones, and writes runs.csv and pictures.
///
/// Every pruned run has a dense twin with the same seed, batches, learning rates and epochs, and every seed is shown.
/// Finished runs are kept, so the command can be stopped at any time and goes on from there.
#[derive(Clone, Debug, Parser)]
#[command(
    bin_name = "cargo xtask paper",
    after_help = "Reads the full set (`cargo xtask mnist` fetches it); --quick reads the bundled sample.\n\
                  Exit code: 0 done, 1 failed, 2 an option is wrong, 130 stopped by Ctrl-C.\n\
                  For example: cargo xtask paper han further"
)]
pub struct PaperArguments {
    /// The tables to reproduce [default: all of them].
    #[arg(value_enum)]
    pub tables: Vec<Table>,

    /// Takes about a minute for each table: the bundled sample, one or two seeds, few epochs. Do not quote these
    /// figures.
    #[arg(long)]
    pub quick: bool,

    /// Learns from 11 of 12 training images and tests on the others, never on the test set. Choose settings by this.
    #[arg(long)]
    pub validate: bool,

    /// The number of runs at a time, each on one core; changes the time, never a result [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,

    /// Folder for tables, runs.csv and pictures; its subfolder `runs` has every finished run. It is made if absent
    /// [default: out/paper, or with --quick or --validate another beside it].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl PaperArguments {
    /// The output folder. Figures that must not be quoted never replace the others.
    pub(super) fn out(&self) -> PathBuf {
        let default = match (self.quick, self.validate) {
            (false, false) => "out/paper",
            (true, false) => "out/paper-quick",
            (false, true) => "out/paper-validate",
            (true, true) => "out/paper-quick-validate",
        };
        self.out.clone().unwrap_or_else(|| default.into())
    }

    /// The warning above every table of such a run.
    pub(super) fn caution(&self) -> Option<&'static str> {
        match (self.quick, self.validate) {
            (false, false) => None,
            (true, _) => Some("The bundled sample, few epochs and seeds: these figures are not to be quoted."),
            (false, true) => Some("Validation: tested on held-out training images; these figures choose settings."),
        }
    }
}
