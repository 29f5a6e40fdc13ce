//! The plan of an event for the tensors of a model that are layers.

use core::fmt::Display;

use prune_schedule::{
    Alive, Defaults, Event, EventPlan, Filter, Glob, Key, LayerInfo, LeftDense, PruneError, WeightsBy,
};

use crate::error::{ALONE, Error};
use crate::layers::known::CheckpointFacts;
use crate::read::header::TensorInfo;
use crate::read::model::Model;
use crate::text::clipped::{clipped, did_you_mean, listed};
use crate::text::term::Term;

/// Refuses a pattern that matches nothing: its author meant some layer.
pub(crate) fn check(filter: &Filter, model: &Model, known: &CheckpointFacts) -> Result<(), Error> {
    let prunable = |tensor| known.leaves(&filter.widened(), model, tensor);
    idle("", &Term::Include, "prunable layer", &filter.include, model, prunable)?;
    idle("", &Term::Exclude, "tensor", &filter.exclude, model, |_| None)?;
    let unknown = |tensor| match known.leaves(&Filter::default(), model, tensor) {
        Some(LeftDense::Unknown) => None,
        None => Some(LeftDense::Other("known as a weight already")),
        other => other,
    };
    let what = "floating tensor of rank 2 or more whose name is unknown";
    idle("", &Term::Also, what, &filter.also, model, unknown)
}

/// Refuses a pattern that matches no tensor of the right kind. `leaves` gives the reason why a tensor is not. `when`
/// begins the message.
fn idle(
    when: &str,
    field: &dyn Display,
    what: &str,
    globs: &[Glob],
    model: &Model,
    leaves: impl Fn(usize) -> Option<LeftDense>,
) -> Result<(), Error> {
    let left: Vec<(&str, Option<LeftDense>)> =
        model.tensors().enumerate().map(|(tensor, about)| (about.name.as_str(), leaves(tensor))).collect();
    let matched = |glob: &Glob| left.iter().any(|(name, left)| left.is_none() && glob.matches(name));
    let Some(glob) = globs.iter().find(|glob| !matched(glob)) else { return Ok(()) };
    let (text, hint) = (clipped(glob.as_str()), did_you_mean(glob.as_str(), left.iter().map(|(name, _)| *name)));
    let more = match left.iter().find(|(name, _)| glob.matches(name)) {
        Some((name, Some(LeftDense::Unknown))) => {
            format!("; `{}` is of an unknown name: add it with {}", clipped(name), Term::Also)
        }
        Some((name, Some(why))) => format!("; `{}` is left dense: {why}", clipped(name)),
        _ => hint,
    };
    Err(Error::request(format!("{when}the pattern `{text}` of {field} matches no {what}{more}")))
}

/// A model's tensors as a plan sees them. Only a table selects the tensors that `filter` leaves dense.
pub(crate) fn infos<'m>(
    model: &'m Model,
    known: &'m CheckpointFacts,
    filter: &Filter,
    alive: impl Fn(usize) -> Option<usize>,
) -> Vec<LayerInfo<'m>> {
    let info = |(tensor, about): (usize, &'m TensorInfo)| {
        LayerInfo::new(&about.name, &about.shape)
            .with_element(about.element_type())
            .with_weight(known.leaves(filter, model, tensor).is_none())
            .with_role(known.role(tensor))
            .with_alive(alive(tensor).map_or(Alive::All, Alive::Count))
    };
    model.tensors().enumerate().map(info).collect()
}

/// The plan of an event for a model. `alive` gives the number of alive elements of a tensor, and `key` is the event's
/// key if it is from a strategy.
pub(crate) fn plan(
    model: &Model,
    known: &CheckpointFacts,
    key: Option<Key>,
    event: &Event,
    filter: &Filter,
    alive: impl Fn(usize) -> Option<usize>,
) -> Result<EventPlan, Error> {
    let when = key.map_or_else(String::new, |key| format!("{}: ", key.named()));
    let refuse = |why: String| Error::request(format!("{when}{why}"));
    for name in event.targets().iter().filter_map(|(name, _)| *name) {
        let Some(tensor) = model.find(name) else { continue };
        if let Some(masked) = known.masked_by(tensor) {
            let masked = clipped(&model.tensor(masked).name);
            return Err(refuse(format!("`{}` is the mask of `{masked}`; name that", clipped(name))));
        }
        let about = model.tensor(tensor);
        if about.element_type().is_none() {
            let why = format!("layer `{}` is of type {}, which is not pruned", clipped(name), about.dtype);
            return Err(refuse(format!("{why}; f32, f64, f16 and bf16 are")));
        }
    }
    let prunable = |tensor| known.leaves(&filter.widened(), model, tensor);
    idle(&when, &"`include`", "prunable layer", event.include(), model, prunable)?;
    idle(&when, &"`exclude`", "tensor", event.exclude(), model, |_| None)?;
    let at = key.unwrap_or(ALONE);
    let weights = if filter.all { WeightsBy::Rank } else { WeightsBy::Names };
    let defaults = Defaults::FILES.with_weights(weights);
    event.plan(at, at, &infos(model, known, filter, alive), &defaults).map_err(|error| match error {
        PruneError::SelectsNothing { .. } => refuse(nothing_selected(model, known, event, filter)),
        error => Error::refused(key, &error),
    })
}

/// The reason why no layer is selected.
fn nothing_selected(model: &Model, known: &CheckpointFacts, event: &Event, filter: &Filter) -> String {
    let meant = model.tensors().enumerate().filter(|(_, about)| event.selects(&about.name, about.shape.len()));
    let left: Vec<String> = meant
        .filter(|(_, about)| about.element_type().is_some())
        .filter_map(|(tensor, about)| Some(format!("{} ({})", about.name, known.leaves(filter, model, tensor)?)))
        .collect();
    match left.len() {
        0 => "no layer is selected; prunable are tensors of f32, f64, f16 and bf16 of rank 2 or more that are known to be \
              weights"
            .to_owned(),
        _ => format!(
            "no layer is selected: left dense are {}; {} GLOB prunes what is unknown, {} every one of rank 2 or more",
            listed(&left),
            Term::Also,
            Term::All
        ),
    }
}
