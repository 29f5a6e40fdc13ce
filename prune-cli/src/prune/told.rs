//! From counts to reports.

use prune_schedule::{Epochs, Event, Rule, Scope, Target};

use super::Job;
use crate::clipped::clipped;
use crate::decide::Counts;
use crate::error::show;
use crate::filter::Candidate;
use crate::inputs::Inputs;
use crate::plan::{Plan, PlanLayer, is_global};
use crate::report::{EventReport, LayerReport, Report, Totals};

/// What an event did; `None` where masks were applied as they are.
pub(super) fn event_report(
    inputs: &Inputs<'_>,
    plan: &Plan,
    counts: &[Counts],
    event: Option<(Option<Epochs>, &Event)>,
) -> EventReport {
    let mut selected = Totals { asked: asked(inputs, plan, event), ..Totals::default() };
    let mut warnings = Vec::new();
    let mut layers = Vec::new();
    for (layer, met) in plan.layers.iter().zip(counts) {
        if event.is_some() && layer.candidate.is_none() {
            continue;
        }
        let report = layer_report(inputs, layer, met, event.is_some());
        selected.add(&report.counts);
        warnings.extend(warning(&report, layer));
        layers.push((layer.tensor, report));
    }
    layers.sort_by_key(|(tensor, _)| *tensor);
    let selected_layers: Vec<&Candidate> = plan.layers.iter().filter_map(|layer| layer.candidate.as_ref()).collect();
    warnings.extend(inputs.known.warnings(inputs.model, &selected_layers));
    EventReport {
        epoch: event.and_then(|(epochs, _)| epochs).map(|epochs| epochs.to_string()),
        method: event.map_or_else(|| "masks".to_owned(), |(_, event)| event.method().to_string()),
        target: match event.map(|(_, event)| event.targets()).as_deref() {
            Some([(None, target)]) => target.to_string(),
            _ => String::new(),
        },
        unchanged: if event.is_some() { selected.closed == 0 } else { selected.newly_pruned == 0 },
        layers: layers.into_iter().map(|(_, report)| report).collect(),
        selected,
        warnings,
    }
}

/// How many elements an event asks to keep in all.
fn asked(inputs: &Inputs<'_>, plan: &Plan, event: Option<(Option<Epochs>, &Event)>) -> Option<usize> {
    let (_, event) = event?;
    let selected = plan.layers.iter().filter(|layer| layer.candidate.is_some());
    if is_global(event) {
        let elements = selected.map(|layer| inputs.model.tensor(layer.tensor).elements).sum();
        return Some(match event.rule() {
            Rule::Unstructured(Scope::Global(density)) => density.kept_of(elements),
            Rule::NOfM { scope: Scope::Global(pattern), .. } => pattern.kept_of_lane(elements),
            _ => return None,
        });
    }
    Some(selected.filter_map(|layer| layer.asked).sum())
}

fn layer_report(inputs: &Inputs<'_>, layer: &PlanLayer, met: &Counts, made: bool) -> LayerReport {
    let tensor = inputs.model.tensor(layer.tensor);
    let before = if made { inputs.alive_len(layer.tensor) } else { None }.unwrap_or(tensor.elements);
    LayerReport {
        layer: tensor.name.clone(),
        dtype: tensor.dtype.to_string(),
        shape: tensor.shape.clone(),
        target: layer.candidate.as_ref().map_or_else(String::new, |candidate| candidate.target.to_string()),
        axis: layer.candidate.as_ref().and_then(|candidate| candidate.axis),
        counts: Totals {
            elements: tensor.elements,
            asked: layer.asked,
            kept: met.kept,
            closed: before - met.kept,
            newly_pruned: met.newly_pruned,
            ties: met.ties,
            short_groups: met.short_groups,
        },
    }
}

/// What a user should know of a layer.
fn warning(report: &LayerReport, layer: &PlanLayer) -> Option<String> {
    let name = clipped(&report.layer);
    let Totals { elements, kept, .. } = report.counts;
    if kept == 0 && elements > 0 {
        return Some(format!("layer `{name}`: none of its {elements} elements is kept"));
    }
    let candidate = layer.candidate.as_ref()?;
    match (candidate.target, candidate.axis) {
        (Target::Pattern(pattern), Some(axis)) if report.shape[axis] < pattern.m() && elements > 0 => {
            let lane = report.shape[axis];
            Some(format!(
                "layer `{name}`: its lanes along axis {axis} are {lane} long, shorter than a group of {pattern}; each \
                 keeps {} of {lane}",
                pattern.kept_of_lane(lane)
            ))
        }
        _ => None,
    }
}

/// The report of a command, once its last event is among `events`.
pub(super) fn told(job: &Job, inputs: &Inputs<'_>, plan: &Plan, counts: &[Counts], events: Vec<EventReport>) -> Report {
    let model = inputs.model;
    let mut all = Totals::default();
    let mut other_types = Vec::new();
    let made_of = plan.layer_of(model.len());
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
    all.closed = all.elements - all.kept;
    Report {
        model: show(&job.model),
        output: String::new(),
        format: "dense",
        ranked_by: if job.scores.is_some() { "scores" } else { "magnitude" },
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
