//! The commands and options of the command line.

mod prune;
mod shrink;
mod values;

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use prune_schedule::GroupAxis;

pub(crate) use prune::{Apply, Check, LayerOptions, MaskArguments, MaskOptions};
pub(crate) use shrink::{Shrink, Slice};

use values::axis;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Prunes trained checkpoints (safetensors) of any size: exactly, safely and in little memory.
///
/// MODEL is a .safetensors file, a folder with one, or model.safetensors.index.json beside its shards. Exit codes: 0
/// done, 1 a check found what it should not, 2 bad input, 3 could not read or write, 130 stopped.
#[derive(Debug, Parser)]
#[command(name = "prune", version, styles = STYLES, max_term_width = 120)]
pub(crate) struct Arguments {
    /// Print no progress and no report. Errors are still printed, and so is the place a folder is moved to.
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
    /// Writes the checkpoint with zeros for the pruned elements.
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
    Mask(MaskArguments),
    /// Says for each layer if a pattern, a density or masks hold.
    #[command(after_help = "Examples:\n  prune check sparse.safetensors --pattern 2:4\n  \
                            prune check sparse.safetensors --density 0.5 --together")]
    Check(Check),
    /// Turns a bitmask checkpoint back into a dense one, bit for bit.
    #[command(after_help = "Example:\n  prune expand packed.safetensors -o dense.safetensors")]
    Expand {
        /// The checkpoint in the bitmask format.
        model: PathBuf,
        /// The path of the dense checkpoint.
        #[arg(long, short, value_name = "OUT")]
        output: PathBuf,
        /// Replace an output that exists. A folder is moved aside, and its new name is printed.
        #[arg(long)]
        force: bool,
    },
    /// Takes channels, neurons and heads out of an ONNX model, so that any engine runs a smaller dense one.
    #[command(after_help = "Examples:\n  prune shrink model.onnx -o small.onnx --density 0.5\n  \
                      prune shrink model.onnx -o small.onnx --keep-macs 0.5 --input image=1x3x640x640\n  \
                      prune shrink model.onnx -o small.onnx --masks masks.safetensors --kept kept.json")]
    Shrink(Box<Shrink>),
    /// Cuts a safetensors checkpoint, optimiser buffers too, as `prune shrink` cut its ONNX model, so that training
    /// goes on.
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
        which: LayerOptions,
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
