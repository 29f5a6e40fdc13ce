//! Chooses the classes to remove.

use prune_graph::{Choice, Family, GraphError, Method, Removal, TensorAxis};
use prune_onnx::{Analysis, Dead};
use prune_schedule::Glob;

use super::{ShrinkBy, ShrinkJob, masks, onnx, open_inputs};
use crate::error::Error;
use crate::text::clipped::{clipped, did_you_mean};
use crate::text::term::Term;

/// A removal, and the further slices that masks would have closed.
pub(super) struct ChosenRemoval {
    pub(super) removal: Removal,
    /// Slices that masks close but that stay, as tensor, axis and index, each with the reason.
    pub(super) left: Vec<(TensorAxis, usize, String)>,
    /// Constants that no mask closes and that are not 0 in channels that masks remove, with the number of those
    /// channels.
    pub(super) live: Vec<(String, usize)>,
    /// The channels without effect, if those were asked for.
    pub(super) dead: Option<Dead>,
}

impl ChosenRemoval {
    fn of(removal: Removal) -> Self {
        ChosenRemoval { removal, left: Vec::new(), live: Vec::new(), dead: None }
    }
}

/// Chooses the removal. `alike` is true if a checkpoint will be cut in the same way.
pub(super) fn removal(job: &ShrinkJob, analysis: &Analysis<'_>, alike: bool) -> Result<ChosenRemoval, Error> {
    check(job, analysis)?;
    let refused = |error: GraphError| Error::request(error.to_string());
    let selected = |family: &Family| selects(job, analysis, family);
    let removal = match &job.by {
        ShrinkBy::Masks(path) => {
            let masks = masks::read(path)?;
            let named: Vec<_> = masks.iter().map(|(name, mask)| (name.as_str(), mask)).collect();
            let refused = |error| match error {
                prune_onnx::Error::Classes(error) => Error::Companion { path: path.clone(), why: error.to_string() },
                source => onnx(&job.model, source),
            };
            let (closed, made) = analysis.closed_by(&named, selected).map_err(refused)?;
            let elsewhere = closed.kept_elsewhere.iter();
            let elsewhere = elsewhere.map(|&(axis, index)| (axis, index, "another layer's mask keeps it".to_owned()));
            let pinned = closed.pinned.iter().map(|&(axis, index)| (axis, index, "it cannot be removed".to_owned()));
            let mut left: Vec<_> = elsewhere.chain(pinned).collect();
            for made in made {
                left.push((made.axis, made.index, format!("{}; {} adds that to biases", made.reason, Term::Dead)));
            }
            let live = analysis.live_writers(&closed.removal, &named).map_err(|source| onnx(&job.model, source))?;
            return Ok(ChosenRemoval { left, live, ..ChosenRemoval::of(closed.removal) });
        }
        ShrinkBy::Dead => {
            let dead = analysis.dead_where(selected, !alike).map_err(|source| onnx(&job.model, source))?;
            return Ok(ChosenRemoval { dead: Some(dead.clone()), ..ChosenRemoval::of(dead.removal().clone()) });
        }
        ShrinkBy::Density { method, density, min_density } => {
            let choice =
                Choice { method: *method, density: *density, min_density: *min_density, multiple: job.multiple };
            choice.choose_where(analysis.classes(), &scores(job, analysis)?, selected)
        }
        ShrinkBy::MultiplyAdds { method, fraction, min_density } => {
            if analysis.multiply_adds(&Removal::none(analysis.classes())).is_none() {
                let inputs = open_inputs(analysis);
                let more = if inputs.is_empty() {
                    format!("; a length in the middle of the model is open: use {}", Term::KeepParams)
                } else {
                    format!("; give the shapes of the inputs, such as {inputs}")
                };
                return Err(Error::request(format!("{}: the multiply-adds cannot be counted{more}", Term::KeepMacs)));
            }
            let choice = open(*method, *min_density, job.multiple);
            let cost = |removal: &Removal| analysis.multiply_adds(removal).unwrap_or(u128::MAX);
            let scores = scores(job, analysis)?;
            let asked = ("multiply-adds", *fraction);
            choice.keep_at_most(analysis.classes(), &scores, selected, asked, cost).map_err(refused)?
        }
        ShrinkBy::Parameters { method, fraction, min_density } => {
            let choice = open(*method, *min_density, job.multiple);
            let cost = |removal: &Removal| analysis.parameters(removal);
            let scores = scores(job, analysis)?;
            let asked = ("parameters", *fraction);
            choice.keep_at_most(analysis.classes(), &scores, selected, asked, cost).map_err(refused)?
        }
    };
    Ok(ChosenRemoval::of(removal))
}

/// A choice whose density is still to be found.
fn open(method: Method, min_density: Option<prune_core::Density>, multiple: usize) -> Choice {
    Choice { method, density: prune_core::Density::ONE, min_density, multiple }
}

fn scores(job: &ShrinkJob, analysis: &Analysis<'_>) -> Result<Vec<f64>, Error> {
    analysis.scores(job.score).map_err(|source| onnx(&job.model, source))
}

/// True if a family may lose classes.
pub(super) fn selects(job: &ShrinkJob, analysis: &Analysis<'_>, family: &Family) -> bool {
    let weights = analysis.weights_of(family);
    let any = |globs: &[Glob]| globs.iter().any(|glob| weights.iter().any(|name| glob.matches(name)));
    (job.include.is_empty() || any(&job.include)) && !any(&job.exclude)
}

/// Refuses patterns that match no weight.
fn check(job: &ShrinkJob, analysis: &Analysis<'_>) -> Result<(), Error> {
    let families = analysis.classes().families();
    let names: Vec<&str> = families.iter().flat_map(|family| analysis.weights_of(family)).collect();
    for (option, globs) in [(Term::Include, &job.include), (Term::Exclude, &job.exclude)] {
        if let Some(idle) = globs.iter().find(|glob| !names.iter().any(|name| glob.matches(name))) {
            let near = did_you_mean(idle.as_str(), names.iter().copied());
            let pattern = clipped(idle.as_str());
            let why = format!("the pattern `{pattern}` of {option} matches no weight that can lose channels{near}");
            return Err(Error::request(why));
        }
    }
    Ok(())
}
