//! `prune shrink`: writes an ONNX model without some of its channels, neurons and heads.

mod choose;
#[cfg(test)]
mod faults;
mod kept;
mod masks;
mod report;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use prune_core::Density;
use prune_graph::{ClassScore, Method};
use prune_onnx::{Analysis, AnalysisOptions, Dim, Model, analyse};
use prune_schedule::Glob;

use crate::error::Error;
use crate::text::clipped::clipped;
use crate::text::term::Term;
use crate::watch::Watch;

pub(crate) use kept::{Digest, Digester, KeptFile, KeptTensor, USE};
pub use report::{FamilyShare, ShrinkReport, ShrunkLayer, StaysReport};

/// A task of shrinking a model.
///
/// # Examples
///
/// ```
/// use prune_files::{ShrinkBy, ShrinkJob};
///
/// let job = ShrinkJob::new("model.onnx", ShrinkBy::Dead).with_multiple(8).with_explain(true);
/// assert_eq!((job.multiple, job.explain), (8, true));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ShrinkJob {
    /// The ONNX file.
    pub model: PathBuf,
    /// The way to choose what is removed.
    pub by: ShrinkBy,
    /// The score that ranks classes.
    pub score: ClassScore,
    /// The number of classes left in each family is a multiple of this.
    pub multiple: usize,
    /// Shapes of inputs, for counting multiply-adds.
    pub inputs: BTreeMap<String, Vec<usize>>,
    /// Only families with a weight whose name matches one of these; an empty list means all families.
    pub include: Vec<Glob>,
    /// No families with a weight whose name matches one of these.
    pub exclude: Vec<Glob>,
    /// True if the report gives the reasons why the rest cannot be removed.
    pub explain: bool,
}

impl ShrinkJob {
    /// All families of a model, ranked by the L2 norm, with any number of classes left.
    pub fn new(model: impl Into<PathBuf>, by: ShrinkBy) -> Self {
        let (inputs, include, exclude) = (BTreeMap::new(), Vec::new(), Vec::new());
        ShrinkJob {
            model: model.into(),
            by,
            score: ClassScore::L2,
            multiple: 1,
            inputs,
            include,
            exclude,
            explain: false,
        }
    }

    /// This job, ranked by another score.
    pub fn with_score(self, score: ClassScore) -> Self {
        ShrinkJob { score, ..self }
    }

    /// This job, with a multiple of this number of classes left in each family.
    pub fn with_multiple(self, multiple: usize) -> Self {
        ShrinkJob { multiple, ..self }
    }

    /// This job with shapes of inputs, for counting multiply-adds.
    pub fn with_inputs(self, inputs: BTreeMap<String, Vec<usize>>) -> Self {
        ShrinkJob { inputs, ..self }
    }

    /// This job with only families that have a weight whose name matches one of these; an empty list means all
    /// families.
    pub fn with_include(self, include: Vec<Glob>) -> Self {
        ShrinkJob { include, ..self }
    }

    /// This job without families that have a weight whose name matches one of these.
    pub fn with_exclude(self, exclude: Vec<Glob>) -> Self {
        ShrinkJob { exclude, ..self }
    }

    /// This job with or without the reasons in the report why the rest cannot be removed.
    pub fn with_explain(self, explain: bool) -> Self {
        ShrinkJob { explain, ..self }
    }
}

/// The way to choose what is removed.
#[derive(Debug, Clone, PartialEq)]
pub enum ShrinkBy {
    /// Rank, and keep a fraction of the classes.
    Density {
        /// The base of the fraction: the classes of each family, or all classes together.
        method: Method,
        /// The fraction kept.
        density: Density,
        /// The least fraction kept of each family.
        min_density: Option<Density>,
    },
    /// Rank, and keep as many classes as a fraction of the multiply-adds allows.
    MultiplyAdds {
        /// The classes that are ranked together.
        method: Method,
        /// The fraction kept.
        fraction: Density,
        /// The least fraction kept of each family.
        min_density: Option<Density>,
    },
    /// Rank, and keep as many classes as a fraction of the parameters allows.
    Parameters {
        /// The classes that are ranked together.
        method: Method,
        /// The fraction kept.
        fraction: Density,
        /// The least fraction kept of each family.
        min_density: Option<Density>,
    },
    /// Remove the channels that masks close completely.
    Masks(PathBuf),
    /// Remove the channels that have no effect on any output.
    Dead,
}

/// The places of the outputs of [`shrink`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShrinkOutputs {
    /// The smaller model. Data outside of the model goes to a file beside it, with the same name and `.data`.
    pub model: PathBuf,
    /// The kept indices, for [`slice`](crate::slice()).
    pub kept: Option<PathBuf>,
    /// True if existing outputs are replaced.
    pub force: bool,
}

/// Removes channels, neurons and heads from a model and writes the rest, whole or not at all.
///
/// # Errors
///
/// Any [`Error`]; no output has changed then.
///
/// # Complexity
///
/// One read of all weights to rank them, and one to write them. Memory is the size of the model's file and one tensor.
pub fn shrink(job: &ShrinkJob, to: &ShrinkOutputs, watch: &Watch) -> Result<ShrinkReport, Error> {
    let failed = |source| onnx(&job.model, source);
    watch.progress.begin("reading", 0);
    let model = Model::read(&job.model).map_err(failed)?;
    watch.progress.end();
    if model.has_training() {
        let why = "holds instructions for training, which name its tensors; export it for inference";
        return Err(Error::NotAModel { path: job.model.clone(), why: why.to_owned() });
    }
    check_inputs(&model, &job.inputs)?;
    let places = write::Places::check(job, &model, to)?;
    let analysis = analyse(&model, &AnalysisOptions { inputs: job.inputs.clone() }).map_err(failed)?;
    watch.check()?;
    watch.progress.begin("ranking", 0);
    let removal = choose::removal(job, &analysis, to.kept.is_some())?;
    watch.progress.end();
    watch.check()?;
    let mut report = report::told(job, &analysis, &removal);
    let edits = match &removal.dead {
        Some(dead) => analysis.edits_of_dead(dead),
        None => analysis.edits(&removal.removal),
    };
    let edits = edits.map_err(failed)?;
    report.warnings.extend(analysis.warnings(&edits).iter().map(ToString::to_string));
    let kept = match &to.kept {
        Some(_) => Some(KeptFile::of(&analysis, &removal.removal, job).map_err(failed)?),
        None => None,
    };
    watch.progress.begin("writing", 0);
    places.write(&model, &edits, kept.as_ref(), &mut report, watch)?;
    watch.progress.end();
    Ok(report)
}

/// Turns an error about a model into one of this crate.
fn onnx(path: &Path, source: prune_onnx::Error) -> Error {
    match source {
        prune_onnx::Error::Read { path, source } => Error::Read { path, source },
        source => Error::Onnx { path: path.to_owned(), source: Box::new(source) },
    }
}

/// Refuses shapes of inputs that the model does not have.
fn check_inputs(model: &Model, given: &BTreeMap<String, Vec<usize>>) -> Result<(), Error> {
    let constants = model.graph().initializers();
    let inputs = || model.graph().inputs().iter().filter(|input| constants.iter().all(|c| c.name() != input.name()));
    for (name, shape) in given {
        let Some(input) = inputs().find(|input| input.name() == name) else {
            let names: Vec<String> = inputs().map(|input| input.name().to_owned()).collect();
            let names = crate::text::clipped::listed(&names);
            return Err(Error::request(format!(
                "{} {}: the model's inputs are {names}",
                Term::InputShapes,
                clipped(name)
            )));
        };
        let Some(stated) = input.shape() else { continue };
        let fits = stated.len() == shape.len()
            && stated.iter().zip(shape).all(|(stated, &given)| match stated {
                Dim::Known(length) => usize::try_from(*length) == Ok(given),
                _ => true,
            });
        if !fits {
            let shown = |dim: &Dim| match dim {
                Dim::Known(length) => length.to_string(),
                Dim::Named(name) => clipped(name),
                Dim::Unknown => "?".to_owned(),
            };
            let stated: Vec<String> = stated.iter().map(shown).collect();
            let why = format!("{} {}: the model states {}", Term::InputShapes, clipped(name), stated.join("x"));
            return Err(Error::request(why));
        }
    }
    Ok(())
}

/// The inputs whose shapes are not fully known, for messages.
fn open_inputs(analysis: &Analysis<'_>) -> String {
    let graph = analysis.model().graph();
    let constant = |name: &str| graph.initializers().iter().any(|tensor| tensor.name() == name);
    let open = |shape: Option<&[Dim]>| shape.is_none_or(|dims| dims.iter().any(|dim| !matches!(dim, Dim::Known(_))));
    let names = graph.inputs().iter().filter(|input| !constant(input.name()) && open(input.shape()));
    let shown: Vec<String> = names
        .map(|input| {
            let dims = input.shape().unwrap_or_default().iter();
            let dims = dims.map(|dim| match dim {
                Dim::Known(length) => length.to_string(),
                _ => "1".to_owned(),
            });
            format!("{} {}={}", Term::InputShapes, clipped(input.name()), dims.collect::<Vec<_>>().join("x"))
        })
        .collect();
    shown.join(" ")
}
