//! `prune shrink` and `prune slice`: they take channels out of models, and cut checkpoints in the same way.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use prune_core::Density;
use prune_files::{
    ChannelMethod, ChannelScore, Error, ShrinkBy, ShrinkJob, ShrinkOutputs, ShrinkReport, SliceJob, SliceReport, Watch,
    shrink, slice,
};
use prune_schedule::Glob;

use super::values::{input, multiple, sparsity};

#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("by").required(true).args(["density", "sparsity", "keep_macs", "keep_params", "masks", "dead"])))]
pub(crate) struct Shrink {
    /// The ONNX file. External data is read from where the file says.
    model: PathBuf,
    /// The path of the smaller model. External data goes to a file of the same name with `.data` after it.
    #[arg(long, short, value_name = "OUT")]
    output: PathBuf,
    /// The channels that are ranked together: those of each family of layers (channel_unified_local), or all
    /// (channel_global).
    #[arg(long, value_enum, default_value_t = MethodName::ChannelUnifiedLocal, conflicts_with_all = ["masks", "dead"])]
    method: MethodName,
    /// The fraction of channels kept.
    #[arg(long)]
    density: Option<Density>,
    /// The fraction of channels removed.
    #[arg(long, value_parser = sparsity)]
    sparsity: Option<Density>,
    /// The largest fraction of multiply-adds kept: as many channels stay as it allows.
    #[arg(long, value_name = "FRACTION")]
    keep_macs: Option<Density>,
    /// The largest fraction of parameters kept: as many channels stay as it allows.
    #[arg(long, value_name = "FRACTION")]
    keep_params: Option<Density>,
    /// Masks from training: channels that they close whole are taken out. A safetensors file of BOOL tensors under the
    /// names of the model's constants.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["score", "multiple", "min_density"])]
    masks: Option<PathBuf>,
    /// Take out channels that have no effect on any output: nothing reads them, or they are always zero.
    #[arg(long, conflicts_with_all = ["score", "multiple", "min_density"])]
    dead: bool,
    /// No family keeps less than this fraction of its channels.
    #[arg(long, value_name = "DENSITY")]
    min_density: Option<Density>,
    /// The score that ranks channels: the norm of all weights that write or read one, or a random number.
    #[arg(long, value_enum, default_value_t = ScoreName::L2)]
    score: ScoreName,
    /// The seed of `--score random`.
    #[arg(long, default_value_t = 0, conflicts_with_all = ["masks", "dead"])]
    seed: u64,
    /// Round counts of channels to multiples of this, since engines have fast paths for them; 1 rounds nothing.
    #[arg(long, value_name = "M", default_value_t = 4, value_parser = multiple)]
    multiple: usize,
    /// The shape of an input, such as image=1x3x640x640, if the file leaves lengths open: for counting multiply-adds.
    /// May be given again.
    #[arg(long, value_name = "NAME=SHAPE", value_parser = input)]
    input: Vec<(String, Vec<usize>)>,
    /// Only channels of weights whose whole name matches; `*` stands for any characters. May be given again.
    #[arg(long, value_name = "GLOB")]
    include: Vec<Glob>,
    /// No channels of weights whose whole name matches. May be given again.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<Glob>,
    /// Say which axes stay and which operator keeps them.
    #[arg(long)]
    explain: bool,
    /// Write the indices kept, for `prune slice`.
    #[arg(long, value_name = "FILE.json")]
    kept: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Replace outputs that exist.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum MethodName {
    ChannelUnifiedLocal,
    ChannelGlobal,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ScoreName {
    L2,
    L1,
    Random,
}

#[derive(Debug, Args)]
pub(crate) struct Slice {
    /// The safetensors checkpoint that the ONNX model was exported from. It may hold the state of the optimiser beside
    /// the weights.
    checkpoint: PathBuf,
    /// The indices kept, as `prune shrink --kept` writes them.
    #[arg(long, value_name = "FILE.json")]
    kept: PathBuf,
    /// A JSON table from names of the checkpoint to names of the ONNX model, for tensors whose values differ from the
    /// model's constants.
    #[arg(long, value_name = "FILE.json")]
    names: Option<PathBuf>,
    /// The path of the smaller checkpoint.
    #[arg(long, short, value_name = "OUT")]
    output: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Replace an output that exists.
    #[arg(long)]
    force: bool,
}

impl Shrink {
    /// Shrinks the model.
    pub(crate) fn run(&self, watch: &Watch) -> Result<ShrinkReport, Error> {
        let to = ShrinkOutputs { model: self.output.clone(), kept: self.kept.clone(), force: self.force };
        shrink(&self.job()?, &to, watch)
    }

    fn job(&self) -> Result<ShrinkJob, Error> {
        let method = match self.method {
            MethodName::ChannelUnifiedLocal => ChannelMethod::ChannelUnifiedLocal,
            MethodName::ChannelGlobal => ChannelMethod::ChannelGlobal,
        };
        let min_density = self.min_density;
        let by = match (self.density.or(self.sparsity), self.keep_macs, self.keep_params, &self.masks) {
            (Some(density), ..) => ShrinkBy::Density { method, density, min_density },
            (_, Some(fraction), ..) => ShrinkBy::MultiplyAdds { method, fraction, min_density },
            (_, _, Some(fraction), _) => ShrinkBy::Parameters { method, fraction, min_density },
            (_, _, _, Some(masks)) => ShrinkBy::Masks(masks.clone()),
            // Clap asks for one of them.
            _ => ShrinkBy::Dead,
        };
        let mut inputs = BTreeMap::new();
        for (name, shape) in &self.input {
            if inputs.insert(name.clone(), shape.clone()).is_some() {
                return Err(Error::request(format!("--input {name} is given twice")));
            }
        }
        let score = match self.score {
            ScoreName::L2 => ChannelScore::L2,
            ScoreName::L1 => ChannelScore::L1,
            ScoreName::Random => ChannelScore::Random { seed: self.seed },
        };
        Ok(ShrinkJob::new(&self.model, by)
            .with_score(score)
            .with_multiple(self.multiple)
            .with_inputs(inputs)
            .with_include(self.include.clone())
            .with_exclude(self.exclude.clone())
            .with_explain(self.explain))
    }
}

impl Slice {
    /// Cuts the checkpoint.
    pub(crate) fn run(&self, watch: &Watch) -> Result<SliceReport, Error> {
        let (checkpoint, kept, names) = (self.checkpoint.clone(), self.kept.clone(), self.names.clone());
        slice(&SliceJob { checkpoint, kept, names }, &self.output, self.force, watch)
    }
}
