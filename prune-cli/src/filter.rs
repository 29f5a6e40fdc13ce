//! Which tensors of a model an event is for.

use prune_core::nearest;
use prune_schedule::{Event, Glob, GroupAxis, ScopeKind, Target, output_axis, reduction_axis};

use crate::clipped::clipped;
use crate::error::Error;
use crate::header::TensorInfo;
use crate::model::Model;
use crate::prune::USUAL_AXIS;

/// What the names of embeddings and output heads look like, which are left dense unless told otherwise.
pub const LEFT_DENSE: [&str; 4] = ["*embed*", "*wte*", "*wpe*", "*lm_head*"];

/// Narrows which layers are pruned, beside what an event says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Patterns of which a layer must match one; with none, every layer may be pruned.
    pub include: Vec<Glob>,
    /// Patterns of which a layer must match none.
    pub exclude: Vec<Glob>,
    /// Whether layers that are named as embeddings and output heads ([`LEFT_DENSE`]) are pruned like others.
    pub all: bool,
}

/// Why a tensor is not pruned, whatever an event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spared {
    /// Its type is not one of those that are pruned.
    Type,
    /// It has fewer than two axes.
    Rank,
    /// Its name is that of an embedding or an output head.
    Name,
    /// `include` or `exclude` say so.
    Pattern,
}

impl Filter {
    /// Why a tensor is not pruned; `None` where it may be.
    pub(crate) fn spares(&self, tensor: &TensorInfo) -> Option<Spared> {
        let matched = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(&tensor.name));
        if tensor.element_type().is_none() {
            Some(Spared::Type)
        } else if tensor.shape.len() < 2 {
            Some(Spared::Rank)
        } else if (!self.include.is_empty() && !matched(&self.include)) || matched(&self.exclude) {
            Some(Spared::Pattern)
        } else if !self.all && LEFT_DENSE.iter().any(|glob| Glob::new(*glob).matches(&tensor.name)) {
            Some(Spared::Name)
        } else {
            None
        }
    }

    /// Refuses a pattern that matches nothing: whoever wrote it meant some layer.
    pub(crate) fn check(&self, model: &Model) -> Result<(), Error> {
        idle("--include", &self.include, model, true)?;
        idle("--exclude", &self.exclude, model, false)
    }
}

/// Refuses a pattern that matches no tensor, or no prunable one.
fn idle(field: &str, globs: &[Glob], model: &Model, prunable: bool) -> Result<(), Error> {
    let open = Filter { all: true, ..Filter::default() };
    let names = || model.tensors().filter(|t| !prunable || open.spares(t).is_none()).map(|t| t.name.as_str());
    let Some(glob) = globs.iter().find(|glob| !names().any(|name| glob.matches(name))) else { return Ok(()) };
    let what = if prunable { "prunable layer (f32, f64, f16 or bf16, of rank 2 or more)" } else { "tensor" };
    let hint = hint(glob.as_str(), names());
    Err(Error::request(format!("the pattern `{}` of {field} matches no {what}{hint}", clipped(glob.as_str()))))
}

fn hint<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    nearest(name, known).map(|near| format!("; did you mean `{}`?", clipped(near))).unwrap_or_default()
}

/// A layer that an event selects.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    /// Its place in the model.
    pub(crate) tensor: usize,
    pub(crate) target: Target,
    /// The axis of its groups, where it has groups of its own.
    pub(crate) axis: Option<usize>,
}

/// The layers that an event selects, in the model's order.
pub(crate) fn candidates(model: &Model, when: &str, event: &Event, filter: &Filter) -> Result<Vec<Candidate>, Error> {
    let refuse = |why: String| Error::request(format!("{when}{why}"));
    let targets = event.targets();
    for name in targets.iter().filter_map(|(name, _)| *name) {
        let Some(tensor) = model.find(name) else {
            let hint = hint(name, model.tensors().map(|tensor| tensor.name.as_str()));
            return Err(refuse(format!("there is no layer `{}`{hint}", clipped(name))));
        };
        let tensor = model.tensor(tensor);
        if tensor.element_type().is_none() {
            let why = format!("layer `{}` is of type {}, which is not pruned", clipped(name), tensor.dtype);
            return Err(refuse(format!("{why}; f32, f64, f16 and bf16 are")));
        }
    }
    idle(&format!("{when}`include`"), event.included(), model, true)?;
    idle(&format!("{when}`exclude`"), event.excluded(), model, false)?;
    let table = event.method().scope == ScopeKind::Local;
    let mut selected = Vec::new();
    let mut spared_by_name = 0;
    for (place, tensor) in model.tensors().enumerate() {
        let name = tensor.name.as_str();
        if tensor.element_type().is_none() || !event.selects(name, tensor.shape.len()) {
            continue;
        }
        // A table names its layers one by one, so it means them.
        match filter.spares(tensor).filter(|_| !table) {
            Some(spared) => spared_by_name += usize::from(spared == Spared::Name),
            None => {
                // Entries of a table are in the order of names; a single value has no name.
                let at = targets.binary_search_by(|(entry, _)| entry.unwrap_or(name).cmp(name));
                let Ok(target) = at.map(|at| targets[at].1) else { continue };
                let axis = event.axis_or(USUAL_AXIS).map(|axis| resolve(axis, tensor)).transpose().map_err(refuse)?;
                selected.push(Candidate { tensor: place, target, axis });
            }
        }
    }
    if selected.is_empty() {
        let more = match spared_by_name {
            0 => "; prunable are tensors of f32, f64, f16 and bf16 of rank 2 or more".to_owned(),
            spared => {
                format!(": {spared} of that kind are named like embeddings or output heads, which --all prunes too")
            }
        };
        return Err(refuse(format!("no layer is selected{more}")));
    }
    Ok(selected)
}

/// The axis of a tensor that is meant.
fn resolve(axis: GroupAxis, tensor: &TensorInfo) -> Result<usize, String> {
    let (name, rank) = (clipped(&tensor.name), tensor.shape.len());
    let unknown = || {
        format!(
            "layer `{name}`: `{axis}` is known for names that end in `kernel` or `weight`; write the axis as an index, or leave \
             the layer out"
        )
    };
    match axis {
        GroupAxis::Reduction => reduction_axis(&tensor.name, rank).ok_or_else(unknown),
        GroupAxis::Output => output_axis(&tensor.name, rank).ok_or_else(unknown),
        GroupAxis::Index(index) => {
            let from_start = if index < 0 { index.checked_add_unsigned(rank) } else { Some(index) };
            match from_start.and_then(|index| usize::try_from(index).ok()) {
                Some(index) if index < rank => Ok(index),
                _ => Err(format!("layer `{name}`: axis {index} does not exist in shape {:?}", tensor.shape)),
            }
        }
    }
}
