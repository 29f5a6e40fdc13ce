//! The options of `prune apply`, `mask` and `check` about masks and layers.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use prune_core::{Density, NmPattern};
use prune_files::{Filter, Format};
use prune_schedule::{Glob, GroupAxis};

use super::values::{axis, sparsity};

/// The options that decide the masks.
#[derive(Debug, Args)]
pub(crate) struct MaskOptions {
    /// A strategy: a file, `-` for standard input, or the text itself. Its events are applied in order.
    #[arg(long, value_name = "FILE|TEXT", conflicts_with_all = ["method", "density", "sparsity", "pattern"])]
    pub(crate) strategy: Option<String>,
    /// Apply only the strategy's event at the end of this epoch.
    #[arg(long, requires = "strategy", conflicts_with = "method")]
    pub(crate) epoch: Option<u64>,
    /// The method that chooses elements.
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
    /// The axis along which N:M groups run. Negative ones count from the end, and `reduction` is told by the layer's
    /// name. Without it, the axis of the inputs. With a strategy, it is for the events that have no axis; others keep
    /// theirs.
    #[arg(long, value_parser = axis, allow_negative_numbers = true)]
    pub(crate) axis: Option<GroupAxis>,
    /// Scores that rank instead of magnitudes, higher first: a safetensors file with the layers' names and shapes.
    #[arg(long, value_name = "FILE")]
    pub(crate) scores: Option<PathBuf>,
    /// Gradients, for the scores `saliency` and `snip`: a safetensors file with the layers' names and shapes.
    #[arg(long, value_name = "FILE")]
    pub(crate) gradients: Option<PathBuf>,
    /// The L2 norms of the inputs that each weight multiplies, for the score `wanda`: a safetensors file with the
    /// layers' names, each shaped as its weight without the axis of outputs.
    #[arg(long, value_name = "FILE")]
    pub(crate) inputs: Option<PathBuf>,
    /// Masks in force: only elements that they keep may be chosen. Alone, they are applied as they are.
    #[arg(long, value_name = "FILE")]
    pub(crate) masks: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) which: LayerOptions,
    /// Write the report as JSON.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) report: Option<PathBuf>,
    /// Replace outputs that exist. A folder is moved aside, and its new name is printed.
    #[arg(long)]
    pub(crate) force: bool,
}

/// The options that select layers.
#[derive(Debug, Clone, Args)]
pub(crate) struct LayerOptions {
    /// Only layers whose whole name matches; `*` stands for any characters. May be given again.
    #[arg(long, value_name = "GLOB")]
    include: Vec<Glob>,
    /// No layers whose whole name matches. May be given again.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<Glob>,
    /// Also tensors whose whole name matches, though their names are unknown. May be given again.
    #[arg(long, value_name = "GLOB")]
    also: Vec<Glob>,
    /// Also every tensor of f32, f64, f16 and bf16 of rank 2 or more, embeddings and scales among them.
    #[arg(long)]
    all: bool,
}

impl LayerOptions {
    pub(crate) fn filter(&self) -> Filter {
        let LayerOptions { include, exclude, also, all } = self.clone();
        Filter { include, exclude, also, all }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The checkpoint.
    pub(crate) model: PathBuf,
    /// The path of the pruned checkpoint: a file for a file, a folder for a folder or an index.
    #[arg(long, short, value_name = "OUT", required_unless_present = "in_place", conflicts_with = "in_place")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the checkpoint itself, as safely. A folder is moved aside, and its new name is printed.
    #[arg(long)]
    pub(crate) in_place: bool,
    #[command(flatten)]
    pub(crate) what: MaskOptions,
    /// The format of the weights that are written.
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
    /// One bit for each element and the values that are not zero, as in compressed-tensors (sparse-bitmask).
    Bitmask,
}

#[derive(Debug, Args)]
pub(crate) struct MaskArguments {
    /// The checkpoint.
    pub(crate) model: PathBuf,
    /// The file of masks to write.
    #[arg(long, short, value_name = "MASKS")]
    pub(crate) output: PathBuf,
    /// Keep the elements that are not zero: masks for training on from a checkpoint that is sparse already. Only
    /// weights of which 5% to 99.9% is zero get a mask.
    #[arg(long, conflicts_with_all = [
        "strategy", "method", "density", "sparsity", "pattern", "axis", "scores", "gradients", "inputs", "masks",
    ])]
    pub(crate) from_zeros: bool,
    #[command(flatten)]
    pub(crate) what: MaskOptions,
}

#[derive(Debug, Args)]
#[group(id = "want", required = true, multiple = false, args = ["pattern", "density", "sparsity", "masks"])]
pub(crate) struct Check {
    /// The checkpoint.
    pub(crate) model: PathBuf,
    /// At most N of every M neighbours are not zero.
    #[arg(long, value_name = "N:M")]
    pub(crate) pattern: Option<NmPattern>,
    /// The axis along which groups run. Without it, that of each layer's inputs, as in `prune apply`.
    #[arg(long, requires = "pattern", value_parser = axis, allow_negative_numbers = true)]
    pub(crate) axis: Option<GroupAxis>,
    /// At most this fraction of a layer's elements is not zero.
    #[arg(long)]
    pub(crate) density: Option<Density>,
    /// The same, as the fraction that must be zero.
    #[arg(long, value_parser = sparsity)]
    pub(crate) sparsity: Option<Density>,
    /// Count all layers together, as `unstr_global` does.
    #[arg(long, conflicts_with_all = ["pattern", "masks"])]
    pub(crate) together: bool,
    /// Everything outside these masks is zero.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["include", "exclude", "also", "all"])]
    pub(crate) masks: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) which: LayerOptions,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
