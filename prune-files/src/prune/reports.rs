//! Makes reports from counts.

use prune_core::Score;
use prune_schedule::{LayerPlan, Totals, UnitCounts};

use super::{Job, PlannedEvent};
use crate::error::show;
use crate::layers::inputs::ModelInputs;
use crate::masks::decide::Counts;
use crate::masks::work::{LayerWork, MaskRule, Work};
use crate::report::{AllTotals, EventReport, PruneReport, PrunedLayer};
use crate::text::clipped::clipped;

/// The report of an event; with `None` for the event, of masks that were applied as they are. The first event also
/// writes the masks that were in force before it.
pub(super) fn event_report(
    inputs: &ModelInputs<'_>,
    work: &Work,
    counts: &[Counts],
    event: Option<&PlannedEvent>,
    first: bool,
) -> EventReport {
    let mut selected = Totals::default();
    let mut squares = (0.0, 0.0);
    let mut layers = Vec::new();
    let mut warnings: Vec<String> = Vec::new();
    for (layer, met) in work.layers.iter().zip(counts).filter(|(layer, _)| event.is_none() || layer.plan.is_some()) {
        let report = layer_report(inputs, layer, met, event.is_some());
        selected.add(&report.counts);
        squares = (squares.0 + met.squares.0, squares.1 + met.squares.1);
        if report.counts.kept == 0 && report.counts.elements > 0 {
            let (name, elements) = (clipped(&report.layer), report.counts.elements);
            warnings.push(format!("layer `{name}`: none of its {elements} elements is kept"));
        }
        layers.push((layer.tensor, report));
    }
    selected.norm_kept = share(squares);
    layers.sort_by_key(|(tensor, _)| *tensor);
    if let Some(PlannedEvent { key, plan }) = event {
        selected.asked = plan.asked;
        let told = plan.warnings.iter().map(|warning| match key {
            Some(_) => warning.to_string(),
            None => warning.without_moment(),
        });
        warnings.splice(0..0, told);
        warnings.extend(inputs.known.warnings(plan));
    }
    let plan = event.map(|event| &event.plan);
    // Layers that the event does not select are written too, if a mask of theirs is in force.
    let overwrites = counts.iter().any(|met| met.outside.values > 0);
    EventReport {
        epoch: event.and_then(|event| event.key).map(|key| key.to_string()),
        method: plan.map_or_else(|| "masks".to_owned(), |plan| plan.event.method().to_string()),
        target: match plan.map(|plan| plan.event.targets()).as_deref() {
            Some([(None, target)]) => target.to_string(),
            _ => String::new(),
        },
        defaults: plan.map(|plan| plan.defaults).unwrap_or_default(),
        unchanged: (event.is_none() || selected.closed == 0) && !(first && overwrites),
        layers: layers.into_iter().map(|(_, report)| report).collect(),
        selected,
        warnings,
    }
}

fn share((whole, kept): (f64, f64)) -> Option<f64> {
    let share = kept / whole;
    share.is_finite().then_some(share)
}

fn layer_report(inputs: &ModelInputs<'_>, layer: &LayerWork, met: &Counts, made: bool) -> PrunedLayer {
    let tensor = inputs.model.tensor(layer.tensor);
    let before = if made { inputs.alive_len(layer.tensor) } else { None }.unwrap_or(tensor.elements);
    let plan: Option<&LayerPlan> = layer.plan.as_ref();
    let mut counts = Totals::default();
    counts.elements = tensor.elements;
    counts.asked = plan.and_then(|plan| plan.asked);
    counts.kept = met.kept;
    counts.non_zero = met.non_zero;
    counts.closed = before - met.kept;
    counts.newly_pruned = met.newly_pruned;
    counts.ties = met.ties;
    counts.norm_kept = share(met.squares);
    counts.short_groups = met.short_groups;
    let units = match (&layer.how, plan) {
        (MaskRule::Units { kept, .. }, Some(plan)) if plan.unit.is_some() => {
            Some(UnitCounts::new(plan.asked_units, kept.kept_len(), plan.units))
        }
        _ => None,
    };
    PrunedLayer {
        layer: tensor.name.clone(),
        dtype: tensor.dtype.to_string(),
        shape: tensor.shape.clone(),
        target: plan.and_then(|plan| plan.target).map_or_else(String::new, |target| target.to_string()),
        axis: plan.and_then(|plan| plan.axis),
        units,
        counts,
    }
}

/// The report of a command, after its last event was added to `events`.
pub(super) fn report(
    job: &Job,
    inputs: &ModelInputs<'_>,
    work: &Work,
    counts: &[Counts],
    events: Vec<EventReport>,
) -> PruneReport {
    let model = inputs.model;
    let mut all = AllTotals::default();
    let mut other_types = Vec::new();
    let made_of = work.layer_of(model.len());
    for ((place, tensor), &made) in model.tensors().enumerate().zip(&made_of) {
        // A mask goes with its weight.
        if inputs.known.masked_by(place).is_some() {
            continue;
        }
        if tensor.element_type().is_none() {
            other_types.push((tensor.name.clone(), tensor.dtype.to_string()));
            continue;
        }
        all.elements += tensor.elements;
        all.kept += made.map_or(inputs.alive_len(place).unwrap_or(tensor.elements), |layer| counts[layer].kept);
        all.newly_pruned += made.map_or(0, |layer| counts[layer].outside.values);
    }
    PruneReport {
        model: show(&job.model),
        output: String::new(),
        format: "dense",
        ranked_by: ranked_by(job),
        events,
        all,
        byte_identical: false,
        left_dense: inputs.known.left_dense(&job.filter, model, |tensor| made_of[tensor].is_some()),
        other_types,
        not_packed: Vec::new(),
        larger_packed: Vec::new(),
        warnings: Vec::new(),
        bytes_before: model.bytes(),
        bytes_after: 0,
        entropy_bound: None,
    }
}

/// The scores that ranked the elements, in words, each once.
fn ranked_by(job: &Job) -> String {
    let word = |score: Score| match score.name() {
        "given" => "scores",
        "magnitude" if job.scores.is_some() => "scores",
        name => name,
    };
    let mut words: Vec<&str> = Vec::new();
    for word in job.events.iter().map(|(_, event)| word(event.score())) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if words.is_empty() { "magnitude".to_owned() } else { words.join(", ") }
}
