//! Which tensors of a model an event is for.

use prune_core::nearest;
use prune_schedule::names::AxisEvidence;
use prune_schedule::{AxisUnknown, Event, Filter, Glob, LayerAxis, LeftDense, ScopeKind, Target};

use crate::clipped::clipped;
use crate::clipped::listed;
use crate::error::Error;
use crate::known::Known;
use crate::model::Model;
use crate::prune::USUAL_AXIS;

/// Refuses a pattern that matches nothing: whoever wrote it meant some layer.
pub(crate) fn check(filter: &Filter, model: &Model, known: &Known) -> Result<(), Error> {
    let prunable = |tensor| known.leaves(&filter.widened(), model, tensor);
    idle("--include", &filter.include, model, prunable)?;
    idle("--exclude", &filter.exclude, model, |_| None)?;
    let unknown = |tensor| match known.leaves(&Filter::default(), model, tensor) {
        Some(LeftDense::Unknown) => None,
        None => Some(LeftDense::Other("known as a weight already")),
        other => other,
    };
    idle("--also", &filter.also, model, unknown)
}

/// Refuses a pattern that matches no tensor that it could be for: `leaves` says why one is not.
fn idle(field: &str, globs: &[Glob], model: &Model, leaves: impl Fn(usize) -> Option<LeftDense>) -> Result<(), Error> {
    let left: Vec<(&str, Option<LeftDense>)> =
        model.tensors().enumerate().map(|(tensor, about)| (about.name.as_str(), leaves(tensor))).collect();
    let matched = |glob: &Glob| left.iter().any(|(name, left)| left.is_none() && glob.matches(name));
    let Some(glob) = globs.iter().find(|glob| !matched(glob)) else { return Ok(()) };
    let (text, hint) = (clipped(glob.as_str()), hint(glob.as_str(), left.iter().map(|(name, _)| *name)));
    let more = match left.iter().find(|(name, _)| glob.matches(name)) {
        Some((name, Some(LeftDense::Unknown))) => {
            format!("; `{}` is of an unknown name: add it with --also", clipped(name))
        }
        Some((name, Some(why))) => format!("; `{}` is left dense: {why}", clipped(name)),
        _ => hint,
    };
    let what = match field {
        "--also" => "floating tensor of rank 2 or more whose name is unknown",
        _ if field.contains("exclude") => "tensor",
        _ => "prunable layer",
    };
    Err(Error::request(format!("the pattern `{text}` of {field} matches no {what}{more}")))
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
    /// What told that axis; none where it was written.
    pub(crate) evidence: Option<AxisEvidence>,
    /// Whether a table names it.
    pub(crate) named: bool,
}

/// The layers that an event selects, in the model's order.
pub(crate) fn candidates(
    model: &Model,
    known: &Known,
    when: &str,
    event: &Event,
    filter: &Filter,
) -> Result<Vec<Candidate>, Error> {
    let refuse = |why: String| Error::request(format!("{when}{why}"));
    let targets = event.targets();
    for name in targets.iter().filter_map(|(name, _)| *name) {
        let Some(tensor) = model.find(name) else {
            let hint = hint(name, model.tensors().map(|tensor| tensor.name.as_str()));
            return Err(refuse(format!("there is no layer `{}`{hint}", clipped(name))));
        };
        if let Some(masked) = known.masked_by(tensor) {
            let masked = clipped(&model.tensor(masked).name);
            return Err(refuse(format!("`{}` is the mask of `{masked}`; name that", clipped(name))));
        }
        let tensor = model.tensor(tensor);
        if tensor.element_type().is_none() {
            let why = format!("layer `{}` is of type {}, which is not pruned", clipped(name), tensor.dtype);
            return Err(refuse(format!("{why}; f32, f64, f16 and bf16 are")));
        }
    }
    let prunable = |tensor| known.leaves(&filter.widened(), model, tensor);
    idle(&format!("{when}`include`"), event.included(), model, prunable)?;
    idle(&format!("{when}`exclude`"), event.excluded(), model, |_| None)?;
    let named = event.method().scope == ScopeKind::Local;
    let mut selected = Vec::new();
    let mut left = Vec::new();
    for (place, tensor) in model.tensors().enumerate() {
        let (name, shape) = (tensor.name.as_str(), &tensor.shape);
        if tensor.element_type().is_none() || !event.selects(name, shape.len()) {
            continue;
        }
        // A table names its layers one by one, so it means them.
        if let Some(why) = known.leaves(filter, model, place).filter(|_| !named) {
            left.push(format!("{name} ({why})"));
            continue;
        }
        // Entries of a table are in the order of names; a single value has no name.
        let at = targets.binary_search_by(|(entry, _)| entry.unwrap_or(name).cmp(name));
        let Ok(target) = at.map(|at| targets[at].1) else { continue };
        let axis = event.axis_or(USUAL_AXIS).map(|axis| axis.of(name, shape, known.role(place))).transpose();
        let axis = axis.map_err(|unknown| match unknown {
            AxisUnknown::OutOfRange(axis) => {
                refuse(format!("layer `{}`: axis {axis} does not exist in shape {shape:?}", clipped(name)))
            }
            _ => refuse(format!(
                "layer `{}`: nothing tells which axis of {shape:?} is that of its inputs; write the axis as an index, or \
                 leave the layer out",
                clipped(name)
            )),
        })?;
        let evidence = axis.and_then(|LayerAxis { evidence, .. }| evidence);
        selected.push(Candidate { tensor: place, target, axis: axis.map(|axis| axis.index), evidence, named });
    }
    if selected.is_empty() {
        let more = match left.len() {
            0 => "; prunable are tensors of f32, f64, f16 and bf16 of rank 2 or more that are known to be weights"
                .to_owned(),
            _ => format!(
                ": left dense are {}; --also GLOB prunes what is unknown, --all every one of rank 2 or more",
                listed(&left)
            ),
        };
        return Err(refuse(format!("no layer is selected{more}")));
    }
    Ok(selected)
}
