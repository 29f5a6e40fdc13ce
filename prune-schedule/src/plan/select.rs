//! The layers that an event selects in a model, the target of each, and its axis.

use std::collections::BTreeSet;

use prune_core::{ErrorKind, Need, Unit};

use super::LayerPlan;
use super::defaults::Defaults;
use super::info::LayerInfo;
use crate::event::{Event, Rule};
use crate::glob::Glob;
use crate::key::Key;
use crate::names::{AxisEvidence, ModelFacts, Role, roles};
use crate::prune_error::PruneError;
use crate::value::{AxisUnknown, DensityBounds, GroupAxis, LayerAxis};

/// Places of layers by their names.
pub(super) struct LayersByName<'a> {
    infos: &'a [LayerInfo<'a>],
    order: Vec<usize>,
}

impl<'a> LayersByName<'a> {
    pub(super) fn of(infos: &'a [LayerInfo<'a>]) -> Self {
        let mut order: Vec<usize> = (0..infos.len()).collect();
        order.sort_by_key(|&place| infos[place].name);
        LayersByName { infos, order }
    }

    pub(super) fn place(&self, name: &str) -> Option<usize> {
        let found = self.order.binary_search_by(|&place| self.infos[place].name.cmp(name)).ok()?;
        Some(self.order[found])
    }
}

/// The axis of a layer's outputs, if it can be told. It is the axis of the outputs within which the layer is ranked, or
/// the axis in its role, or the only axis that can be left out of the shape to give `inputs`; the last is stronger than
/// the usual place of outputs. `Err` if several axes fit and nothing tells which is meant. `None` if none fits, because
/// the inputs have another shape; the score refuses those.
pub(super) fn output_of(layer: &LayerPlan, within_outputs: bool, inputs: &[usize]) -> Result<Option<usize>, ()> {
    let shape = &layer.shape;
    let fits = |axis: &usize| *axis < shape.len() && [&shape[..*axis], &shape[*axis + 1..]].concat() == inputs;
    let usual = layer.role.evidence == Some(AxisEvidence::Default);
    let ranked_within = layer.axis.filter(|_| within_outputs);
    let known = GroupAxis::Output.of(&layer.name, shape, &layer.role).ok().map(|axis| axis.index);
    if let Some(told) = ranked_within.or_else(|| known.filter(|_| !usual)) {
        return Ok(Some(told));
    }
    let mut fitting = (0..shape.len()).filter(fits);
    match (fitting.next(), fitting.next(), known) {
        (Some(axis), None, _) => Ok(Some(axis)),
        (_, _, Some(usual)) => Ok(Some(usual)),
        (None, ..) => Ok(None),
        (_, Some(_), None) => Err(()),
    }
}

/// The number of units of a layer.
fn count(at: Key, unit: &Unit, info: &LayerInfo<'_>) -> Result<usize, PruneError> {
    let grid = unit.grid(info.shape);
    let grid = grid.map_err(PruneError::in_layer(at, info.name))?;
    // Without elements there are no units, however long the other sides claim to be.
    Ok(if info.len() == 0 { 0 } else { grid.iter().product() })
}

/// The layers that an event selects, in the model's order. Nothing is asked of them yet.
pub(super) fn select(
    at: Key,
    event: &Event,
    infos: &[LayerInfo<'_>],
    defaults: &Defaults,
) -> Result<Vec<LayerPlan>, PruneError> {
    let targets = event.targets();
    let mut named = targets.iter().filter_map(|(name, _)| *name).peekable();
    if named.peek().is_some() {
        let known = LayersByName::of(infos);
        if let Some(name) = named.find(|name| known.place(name).is_none()) {
            return Err(unknown(at, name, infos));
        }
    }
    if let Some(info) = infos.iter().find(|info| info.element.is_none() && event.is_for(info.name, false)) {
        return Err(PruneError::NotPruned { at, layer: info.name.to_owned() });
    }
    no_idle_pattern(at, event, infos)?;
    let mut selected = Vec::new();
    let told = told_roles(event, infos);
    for (place, info) in infos.iter().enumerate().filter(|(_, info)| event.is_for(info.name, info.weight)) {
        let name = info.name;
        // Entries of a table are in the order of names; a single value has no name.
        let found = targets.binary_search_by(|(entry, _)| entry.unwrap_or(name).cmp(name));
        let target = found.ok().map(|found| targets[found].1);
        if target.is_none() && !matches!(event.rule(), Rule::Regrow(_)) {
            continue;
        }
        if let Some(why) = info.opaque {
            return Err(PruneError::in_layer(at, name)(ErrorKind::Opaque { why: why.to_owned() }.into()));
        }
        let role = info.role.or_else(|| told.get(place)).cloned().unwrap_or_else(Role::unknown);
        let axis = event.axis_or(defaults.axis).map(|axis| resolve(at, axis, info, &role)).transpose()?;
        let (axis, evidence) = (axis.map(|axis| axis.index), axis.and_then(|axis| axis.evidence));
        let unit = event.piece().map(|piece| piece.unit(axis));
        let units = unit.as_ref().map_or(Ok(info.len()), |unit| count(at, unit, info))?;
        selected.push(LayerPlan { axis, evidence, role, unit, units, ..LayerPlan::new(place, info, target) });
    }
    if selected.is_empty() {
        return Err(PruneError::SelectsNothing { at, why: nothing_selected(event), prunable: prunable(infos) });
    }
    no_idle_bound(at, event, infos, &selected)?;
    Ok(selected)
}

/// The error for a name that no layer has.
pub(super) fn unknown(at: Key, name: &str, infos: &[LayerInfo<'_>]) -> PruneError {
    // Among equally near names the smallest is taken.
    let known: BTreeSet<&str> = infos.iter().map(|info| info.name).collect();
    let nearest = crate::words::nearest(name, known).map(str::to_owned);
    PruneError::UnknownLayer { at, layer: crate::words::clip(name), nearest }
}

/// The reason why an event selects no layer although each of its patterns matches one.
fn nothing_selected(event: &Event) -> String {
    let list = |patterns: &[Glob]| {
        crate::words::quoted(&patterns.iter().map(|pattern| crate::words::clip(pattern.as_str())).collect::<Vec<_>>())
    };
    match (event.include(), event.exclude()) {
        (_, []) => "there is no prunable layer to select".to_owned(),
        ([], excluded) => format!("`exclude` leaves out every prunable layer ({})", list(excluded)),
        (included, excluded) => {
            format!("`exclude` ({}) leaves out every layer that `include` selects ({})", list(excluded), list(included))
        }
    }
}

/// Refuses a pattern of `include` that matches no prunable layer, and a pattern of `exclude` that matches no layer at
/// all: its author meant some layer.
fn no_idle_pattern(key: Key, event: &Event, infos: &[LayerInfo<'_>]) -> Result<(), PruneError> {
    for (field, patterns, rank) in [("include", event.include(), 2), ("exclude", event.exclude(), 0)] {
        let could_be = |info: &&LayerInfo<'_>| rank == 0 || info.element.is_some() && info.rank() >= rank;
        let names = || infos.iter().filter(could_be).map(|info| info.name);
        if let Some(idle) = patterns.iter().find(|pattern| !names().any(|name| pattern.matches(name))) {
            return Err(PruneError::PatternMatchesNothing {
                at: key,
                field,
                pattern: crate::words::clip(idle.as_str()),
                nearest: crate::words::nearest(idle.as_str(), names()).map(str::to_owned),
                prunable: prunable(infos),
            });
        }
    }
    Ok(())
}

/// Refuses a bound on the density of a layer that the event does not select.
fn no_idle_bound(at: Key, event: &Event, infos: &[LayerInfo<'_>], selected: &[LayerPlan]) -> Result<(), PruneError> {
    for (field, bound) in [("min_density", event.min_density()), ("max_density", event.max_density())] {
        let Some(DensityBounds::By(table)) = bound else { continue };
        let known: BTreeSet<&str> = selected.iter().map(|layer| layer.name.as_str()).collect();
        let Some(name) = table.keys().find(|name| !known.contains(name.as_str())) else { continue };
        if infos.iter().any(|info| info.name == name) {
            return Err(PruneError::BoundIdle { at, layer: crate::words::clip(name), field });
        }
        return Err(unknown(at, name, infos));
    }
    Ok(())
}

/// The names of the prunable layers.
fn prunable(infos: &[LayerInfo<'_>]) -> Vec<String> {
    infos.iter().filter(|info| info.weight).map(|info| info.name.to_owned()).collect()
}

/// The axes that names and shapes tell for each layer. Empty if the event needs no axes or the door states them.
fn told_roles(event: &Event, infos: &[LayerInfo<'_>]) -> Vec<Role> {
    let needed = event.has_axis() || event.score().needs() == Some(Need::InputNorms);
    if !needed || infos.iter().all(|info| info.role.is_some()) {
        return Vec::new();
    }
    let tensors: Vec<(&str, &[usize])> = infos.iter().map(|info| (info.name, info.shape)).collect();
    roles(&ModelFacts::unknown(), &tensors)
}

/// The axis of a layer that an event means.
fn resolve(key: Key, axis: GroupAxis, info: &LayerInfo<'_>, role: &Role) -> Result<LayerAxis, PruneError> {
    let (rank, layer) = (info.rank(), || info.name.to_owned());
    axis.of(info.name, info.shape, role).map_err(|unknown| match (unknown, axis) {
        (AxisUnknown::OutOfRange(axis), _) => {
            PruneError::AxisOutOfRange { at: key, layer: layer(), axis, shape: info.shape.to_vec() }
        }
        (AxisUnknown::Untold, GroupAxis::Output) => PruneError::OutputUnknown { at: key, layer: layer(), rank },
        (AxisUnknown::Untold, _) => PruneError::ReductionUnknown { at: key, layer: layer(), rank },
    })
}
