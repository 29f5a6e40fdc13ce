//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use prune_core::{Density, NmPattern};
use prune_files::{Error, Filter, Format};
use prune_schedule::{Glob, GroupAxis};

use crate::shrink::{Shrink, Slice};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Prunes trained checkpoints (safetensors) of any size: exactly, safely and in little memory.
///
/// MODEL is a .safetensors file, a folder with one, or model.safetensors.index.json beside its shards. Exit codes: 0 done,
/// 1 a check found what it should not, 2 bad input, 3 could not read or write, 130 stopped.
#[derive(Debug, Parser)]
#[command(name = "prune", version, styles = STYLES, max_term_width = 120)]
pub(crate) struct Arguments {
    /// No progress, no report; errors still, and where a folder is moved to.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows the layers with type, shape, density, and the N:M patterns that hold.
    #[command(after_help = "Example:\n  prune inspect model.safetensors")]
    Inspect {
        /// The checkpoint.
        model: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Writes the checkpoint with what is pruned as zeros.
    #[command(
        after_help = "Examples:\n  prune apply model.safetensors -o sparse.safetensors --method unstr_global --density 0.5\n  \
                      prune apply model.safetensors -o sparse.safetensors --method str_unified_local --pattern 2:4\n  \
                      prune apply folder -o sparse-folder --strategy \"{0: {'method': 'unstr_global', 'sparsity': 0.9}}\""
    )]
    Apply(Apply),
    /// Writes the masks alone: BOOL tensors under the layers' names.
    #[command(
        after_help = "Examples:\n  prune mask model.safetensors -o masks.safetensors --method unstr_global --density 0.5\n  \
                      prune mask sparse.safetensors -o masks.safetensors --from-zeros"
    )]
    Mask(MaskFile),
    /// Says layer by layer whether a pattern, a density or masks hold.
    #[command(after_help = "Examples:\n  prune check sparse.safetensors --pattern 2:4\n  \
                            prune check sparse.safetensors --density 0.5 --together")]
    Check(Check),
    /// Turns a bitmask checkpoint back into a dense one, bit for bit.
    #[command(after_help = "Example:\n  prune expand packed.safetensors -o dense.safetensors")]
    Expand {
        /// The checkpoint in the bitmask format.
        model: PathBuf,
        /// Where the dense checkpoint goes.
        #[arg(long, short, value_name = "OUT")]
        output: PathBuf,
        /// Replace an output that exists. A folder is moved aside, and its new name printed.
        #[arg(long)]
        force: bool,
    },
    /// Takes channels, neurons and heads out of an ONNX model, so that any engine runs a smaller dense one.
    #[command(after_help = "Examples:\n  prune shrink model.onnx -o small.onnx --density 0.5\n  \
                      prune shrink model.onnx -o small.onnx --keep-macs 0.5 --input image=1x3x640x640\n  \
                      prune shrink model.onnx -o small.onnx --masks masks.safetensors --kept kept.json")]
    Shrink(Box<Shrink>),
    /// Cuts a safetensors checkpoint, optimiser buffers too, as `prune shrink` cut its ONNX model, so that training goes on.
    #[command(after_help = "Example:\n  prune slice model.safetensors --kept kept.json -o small.safetensors")]
    Slice(Slice),
    /// Shows what a strategy does, before it is done.
    #[command(
        after_help = "Example:\n  prune schedule \"{10: {'method': 'unstr_global', 'density': 0.5}}\" --model model.safetensors"
    )]
    Schedule {
        /// A file, `-` for standard input, or the text itself.
        #[arg(value_name = "FILE|TEXT")]
        strategy: String,
        /// Also say which layers of this checkpoint each event selects, and what it asks of them.
        #[arg(long)]
        model: Option<PathBuf>,
        /// The axis of events that have none, as in `prune apply`.
        #[arg(long, requires = "model", value_parser = axis, allow_negative_numbers = true)]
        axis: Option<GroupAxis>,
        #[command(flatten)]
        which: Which,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Prints completions for a shell.
    #[command(after_help = "Example:\n  prune completions bash > ~/.local/share/bash-completion/completions/prune")]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// What makes the masks.
#[derive(Debug, Args)]
pub(crate) struct What {
    /// A strategy: a file, `-` for standard input, or the text itself. Its events are applied in order.
    #[arg(long, value_name = "FILE|TEXT", conflicts_with_all = ["method", "density", "sparsity", "pattern"])]
    pub(crate) strategy: Option<String>,
    /// Apply only the strategy's event at the end of this epoch.
    #[arg(long, requires = "strategy", conflicts_with = "method")]
    pub(crate) epoch: Option<u64>,
    /// How elements are chosen.
    #[arg(long, value_parser = ["unstr_unified_local", "unstr_global", "str_unified_local", "str_global"])]
    pub(crate) method: Option<String>,
    /// The fraction kept.
    #[arg(long, requires = "method", conflicts_with_all = ["sparsity", "pattern"])]
    pub(crate) density: Option<Density>,
    /// The fraction removed.
    #[arg(long, requires = "method", conflicts_with = "pattern", value_parser = sparsity)]
    pub(crate) sparsity: Option<Density>,
    /// N kept of every M neighbours, such as 2:4.
    #[arg(long, requires = "method", value_name = "N:M")]
    pub(crate) pattern: Option<NmPattern>,
    /// The axis along which N:M groups run; negative ones count from the end, and `reduction` is told by the layer's name.
    /// Without it that of the inputs. Of a strategy, it is for the events that have none;
    /// others keep theirs.
    #[arg(long, value_parser = axis, allow_negative_numbers = true)]
    pub(crate) axis: Option<GroupAxis>,
    /// Scores that rank in the place of magnitudes, higher first: a safetensors file of the layers' names and shapes.
    #[arg(long, value_name = "FILE")]
    pub(crate) scores: Option<PathBuf>,
    /// Gradients, for the scores `saliency` and `snip`: a safetensors file of the layers' names and shapes.
    #[arg(long, value_name = "FILE")]
    pub(crate) gradients: Option<PathBuf>,
    /// The L2 norms of what each weight multiplies, for the score `wanda`: a safetensors file of the layers' names, shaped as
    /// the weights without the axis of their outputs.
    #[arg(long, value_name = "FILE")]
    pub(crate) inputs: Option<PathBuf>,
    /// Masks in force: only what they keep may be chosen. Alone, they are applied as they are.
    #[arg(long, value_name = "FILE")]
    pub(crate) masks: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) which: Which,
    /// Write the report as JSON.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) report: Option<PathBuf>,
    /// Replace outputs that exist. A folder is moved aside, and its new name printed.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Which layers.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Only layers whose whole name matches; `*` stands for any characters. May be given again.
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// No layers whose whole name matches. May be given again.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Tensors whose whole name matches too, though their names are unknown. May be given again.
    #[arg(long, value_name = "GLOB")]
    also: Vec<String>,
    /// Every tensor of f32, f64, f16 and bf16 of rank 2 or more too, embeddings and scales among them.
    #[arg(long)]
    all: bool,
}

impl Which {
    pub(crate) fn filter(&self) -> Filter {
        let globs = |texts: &[String]| texts.iter().map(Glob::new).collect();
        Filter { include: globs(&self.include), exclude: globs(&self.exclude), also: globs(&self.also), all: self.all }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The checkpoint.
    pub(crate) model: PathBuf,
    /// Where the pruned checkpoint goes: a file for a file, a folder for a folder or an index.
    #[arg(long, short, value_name = "OUT", required_unless_present = "in_place", conflicts_with = "in_place")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the checkpoint itself, as safely. A folder is moved aside, and its new name printed.
    #[arg(long)]
    pub(crate) in_place: bool,
    #[command(flatten)]
    pub(crate) what: What,
    /// How the weights are written.
    #[arg(long, value_enum, default_value_t = Packing::Dense)]
    format: Packing,
}

impl Apply {
    pub(crate) fn format(&self) -> Format {
        match self.format {
            Packing::Dense => Format::Dense,
            Packing::Bitmask => Format::Bitmask,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Packing {
    /// As they were, with zeros.
    Dense,
    /// A bit an element and what is not zero, as compressed-tensors has it (sparse-bitmask).
    Bitmask,
}

#[derive(Debug, Args)]
pub(crate) struct MaskFile {
    /// The checkpoint.
    pub(crate) model: PathBuf,
    /// Where the masks go.
    #[arg(long, short, value_name = "MASKS")]
    pub(crate) output: PathBuf,
    /// Keep what is not zero: the masks of a checkpoint that is sparse already, to train on from it. For each weight of which
    /// 5% to 99.9% is zero; others are left open.
    #[arg(long, conflicts_with_all = ["strategy", "method", "density", "sparsity", "pattern", "axis", "scores", "masks"])]
    pub(crate) from_zeros: bool,
    #[command(flatten)]
    pub(crate) what: What,
}

#[derive(Debug, Args)]
#[group(id = "want", required = true, multiple = false, args = ["pattern", "density", "sparsity", "masks"])]
pub(crate) struct Check {
    /// The checkpoint.
    pub(crate) model: PathBuf,
    /// At most N of every M neighbours are not zero.
    #[arg(long, value_name = "N:M")]
    pub(crate) pattern: Option<NmPattern>,
    /// The axis along which groups run; that of each layer's inputs without it, as in `prune apply`.
    #[arg(long, requires = "pattern", value_parser = axis, allow_negative_numbers = true)]
    pub(crate) axis: Option<GroupAxis>,
    /// No more elements of a layer are other than zero than this fraction.
    #[arg(long)]
    pub(crate) density: Option<Density>,
    /// The same by the fraction that must be zero.
    #[arg(long, value_parser = sparsity)]
    pub(crate) sparsity: Option<Density>,
    /// Count all layers together, as `unstr_global` does.
    #[arg(long, conflicts_with_all = ["pattern", "masks"])]
    pub(crate) together: bool,
    /// Everything outside these masks is zero.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["include", "exclude", "also", "all"])]
    pub(crate) masks: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) which: Which,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn sparsity(text: &str) -> Result<Density, String> {
    let removed: f64 = text.trim().parse().map_err(|_| "write the fraction removed, such as 0.9".to_owned())?;
    Density::from_sparsity(removed).map_err(|error| error.to_string())
}

fn axis(text: &str) -> Result<GroupAxis, String> {
    match text.parse() {
        Ok(index) => Ok(GroupAxis::Index(index)),
        Err(_) if text == "reduction" => Ok(GroupAxis::Reduction),
        Err(_) => Err("write an index such as 1 or -1, or `reduction`".to_owned()),
    }
}

/// A request that does not make sense as a whole.
pub(crate) fn refuse(why: impl Into<String>) -> Error {
    Error::Request { why: why.into() }
}
