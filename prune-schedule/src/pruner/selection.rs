//! Which layers of a model an event is for, what it asks of each, and along which axis.

use std::borrow::Cow;
use std::collections::BTreeSet;

use prune_core::{Error, ErrorKind, LayerRef, Layers, Mask, Masks, Need, Unit};

use super::error::PruneError;
use crate::epoch::Epochs;
use crate::event::{Event, Rule, Target};
use crate::names::{AxisEvidence, ModelFacts, Role, roles};
use crate::option::axis::{AxisUnknown, GroupAxis};
use crate::option::distribution::Bound;
use crate::option::glob::Glob;

/// A model's layers as it lists them, no name twice.
pub(super) struct Listed<'m>(Vec<(Cow<'m, str>, LayerRef<'m>)>);

impl<'m> Listed<'m> {
    pub(super) fn of(model: &'m (impl Layers + ?Sized)) -> Result<Self, Error> {
        let layers = model.layers();
        let mut seen = BTreeSet::new();
        match layers.iter().find(|(name, _)| !seen.insert(name.as_ref())) {
            Some((name, _)) => Err(ErrorKind::DuplicateLayer { name: name.to_string() }.into()),
            None => Ok(Listed(layers)),
        }
    }

    /// Refuses masks whose layer is missing or of another shape.
    pub(super) fn fit(&self, masks: &Masks) -> Result<(), Error> {
        for (name, mask) in masks.iter() {
            let Some((_, layer)) = self.iter().find(|(listed, _)| *listed == name) else {
                let known = self.iter().map(|(listed, _)| listed);
                let nearest = crate::error::nearest(name, known).map(str::to_owned);
                return Err(ErrorKind::UnknownLayer { name: name.to_owned(), nearest }.into());
            };
            if mask.shape() != layer.shape() {
                let (expected, got) = (layer.shape().to_vec(), mask.shape().to_vec());
                return Err(ErrorKind::ShapeMismatch { what: "mask", expected, got }.in_layer(name));
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&LayerRef<'m>> {
        self.iter().find(|(listed, _)| *listed == name).map(|(_, layer)| layer)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &LayerRef<'m>)> {
        self.0.iter().map(|(name, layer)| (name.as_ref(), layer))
    }
}

/// A layer that an event selects.
pub(super) struct Candidate<'l> {
    pub(super) name: &'l str,
    pub(super) layer: &'l LayerRef<'l>,
    /// What is to be reached; none where what is kept stays as it is.
    pub(super) target: Option<Target>,
    /// The axis of its groups, or of the outputs it is ranked within, where it has some.
    pub(super) axis: Option<usize>,
    /// What is known of its axes.
    pub(super) role: Role,
    /// What is pruned in one piece, where it is not single elements or groups, and how many of them there are.
    pub(super) units: Option<(Unit, usize)>,
}

impl Candidate<'_> {
    /// How many things are ranked: units where there are some, else elements.
    pub(super) fn ranked_len(&self) -> usize {
        self.units.as_ref().map_or(self.layer.len(), |(_, count)| *count)
    }

    /// How many elements so many of what is ranked have, where all units have as many.
    pub(super) fn elements_of(&self, ranked: usize) -> Option<usize> {
        match &self.units {
            None => Some(ranked),
            Some((_, 0)) => Some(0),
            Some((unit, count)) => {
                let volume = match unit {
                    Unit::Blocks(blocks) => {
                        blocks.sizes().iter().try_fold(1usize, |volume, &side| volume.checked_mul(side))?
                    }
                    _ => self.layer.len() / count,
                };
                (count.checked_mul(volume) == Some(self.layer.len())).then(|| ranked * volume)
            }
        }
    }

    /// How many of what is ranked can be chosen under a mask.
    pub(super) fn alive_len(&self, alive: Option<&Mask>) -> Result<usize, Error> {
        match (&self.units, alive) {
            (None, Some(alive)) => Ok(alive.kept_len()),
            (Some((unit, _)), Some(alive)) => Ok(unit.alive(alive)?.kept_len()),
            (_, None) => Ok(self.ranked_len()),
        }
    }
}

/// How many things are ranked in all layers. What a layout claims may be false, which core finds out when it reads: it
/// must not overflow before.
pub(super) fn total_len(candidates: &[Candidate<'_>]) -> usize {
    candidates.iter().map(Candidate::ranked_len).fold(0, usize::saturating_add)
}

/// The axis of a layer's outputs, where it can be told: that of the outputs it is ranked within, that which its role has, or
/// the only one without which its shape is `inputs`, which tells more than the usual place of outputs. `Err` where several
/// axes fit and nothing tells which is meant; none fits where the inputs are of another shape, which the score refuses.
pub(super) fn output_of(
    candidate: &Candidate<'_>,
    within_outputs: bool,
    inputs: &[usize],
) -> Result<Option<usize>, ()> {
    let shape = candidate.layer.shape();
    let fits = |axis: &usize| *axis < shape.len() && [&shape[..*axis], &shape[*axis + 1..]].concat() == inputs;
    let usual = candidate.role.evidence == Some(AxisEvidence::Default);
    let ranked_within = candidate.axis.filter(|_| within_outputs);
    let known = GroupAxis::Output.of(candidate.name, shape, &candidate.role).ok().map(|axis| axis.index);
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

/// A layer's units with their number.
fn count(epoch: Epochs, unit: Unit, name: &str, layer: &LayerRef<'_>) -> Result<(Unit, usize), PruneError> {
    let grid = unit.grid(layer.shape());
    let grid = grid.map_err(|source| PruneError::Event { epoch, source: source.in_layer(name) })?;
    // Without elements there are no units, however long the other sides claim to be.
    let count = if layer.is_empty() { 0 } else { grid.iter().product() };
    Ok((unit, count))
}

/// The layers that an event selects, in the model's order.
pub(super) fn select<'l>(
    epoch: Epochs,
    event: &Event,
    layers: &'l Listed<'l>,
) -> Result<Vec<Candidate<'l>>, PruneError> {
    let targets = event.targets();
    let known: BTreeSet<&str> = layers.iter().map(|(name, _)| name).collect();
    for name in targets.iter().filter_map(|(name, _)| *name) {
        if !known.contains(name) {
            let nearest = crate::error::nearest(name, known.iter().copied()).map(str::to_owned);
            return Err(PruneError::UnknownLayer { epoch, layer: crate::error::clip(name), nearest });
        }
    }
    no_idle_pattern(epoch, event, layers)?;
    let mut candidates = Vec::new();
    let roles = known_roles(event, layers);
    let known = layers.iter().zip(roles.into_iter().map(Some).chain(core::iter::repeat(None)));
    for ((name, layer), role) in known.filter(|((name, layer), _)| event.selects(name, layer.rank())) {
        // Entries of a table are in the order of names; a single value has no name.
        let at = targets.binary_search_by(|(entry, _)| entry.unwrap_or(name).cmp(name));
        let target = at.ok().map(|at| targets[at].1);
        if target.is_none() && !matches!(event.rule(), Rule::Regrow(_)) {
            continue;
        }
        let role = role.unwrap_or_else(Role::unknown);
        let axis = event.axis_or(GroupAxis::LAST).map(|axis| resolve(epoch, axis, name, layer, &role)).transpose()?;
        let units = event.piece().map(|piece| count(epoch, piece.unit(axis), name, layer)).transpose()?;
        candidates.push(Candidate { name, layer, target, axis, role, units });
    }
    if candidates.is_empty() {
        return Err(PruneError::SelectsNothing { epoch, why: nothing_selected(event), prunable: prunable(layers) });
    }
    no_idle_bound(epoch, event, layers, &candidates)?;
    Ok(candidates)
}

/// Why an event selects no layer though each of its patterns matches one.
fn nothing_selected(event: &Event) -> String {
    let list = |patterns: &[Glob]| {
        crate::error::quoted(&patterns.iter().map(|pattern| crate::error::clip(pattern.as_str())).collect::<Vec<_>>())
    };
    match (event.included(), event.excluded()) {
        (_, []) => "there is no prunable layer to select".to_owned(),
        ([], excluded) => format!("`exclude` leaves out every prunable layer ({})", list(excluded)),
        (included, excluded) => {
            format!("`exclude` ({}) leaves out every layer that `include` selects ({})", list(excluded), list(included))
        }
    }
}

/// Refuses a pattern of `include` that matches no prunable layer, or one of `exclude` that matches no layer at all:
/// whoever wrote it meant some layer.
fn no_idle_pattern(epoch: Epochs, event: &Event, layers: &Listed<'_>) -> Result<(), PruneError> {
    for (field, patterns, rank) in [("include", event.included(), 2), ("exclude", event.excluded(), 0)] {
        let names = || layers.iter().filter(|(_, layer)| layer.rank() >= rank).map(|(name, _)| name);
        if let Some(idle) = patterns.iter().find(|pattern| !names().any(|name| pattern.matches(name))) {
            return Err(PruneError::PatternMatchesNothing {
                epoch,
                field,
                pattern: crate::error::clip(idle.as_str()),
                nearest: crate::error::nearest(idle.as_str(), names()).map(str::to_owned),
                prunable: prunable(layers),
            });
        }
    }
    Ok(())
}

/// Refuses a bound on the density of a layer that the event does not select.
fn no_idle_bound(
    epoch: Epochs,
    event: &Event,
    layers: &Listed<'_>,
    candidates: &[Candidate<'_>],
) -> Result<(), PruneError> {
    for (field, bound) in [("min_density", event.least()), ("max_density", event.most())] {
        let Some(Bound::By(table)) = bound else { continue };
        let Some(name) = table.keys().find(|&name| candidates.iter().all(|candidate| candidate.name != name)) else {
            continue;
        };
        let layer = crate::error::clip(name);
        if layers.get(name).is_some() {
            return Err(PruneError::BoundIdle { epoch, layer, field });
        }
        let nearest = crate::error::nearest(name, layers.iter().map(|(name, _)| name)).map(str::to_owned);
        return Err(PruneError::UnknownLayer { epoch, layer, nearest });
    }
    Ok(())
}

/// The names of the prunable layers.
fn prunable(layers: &Listed<'_>) -> Vec<String> {
    layers.iter().filter(|(_, layer)| layer.rank() >= 2).map(|(name, _)| name.to_owned()).collect()
}

/// What is known of each layer's axes, where the event needs to know; else nothing.
fn known_roles(event: &Event, layers: &Listed<'_>) -> Vec<Role> {
    if !event.has_axis() && event.scored_by().needs() != Some(Need::InputNorms) {
        return Vec::new();
    }
    let tensors: Vec<(&str, &[usize])> = layers.iter().map(|(name, layer)| (name, layer.shape())).collect();
    roles(&ModelFacts::unknown(), &tensors)
}

/// The axis of a layer that an event means.
fn resolve(epoch: Epochs, axis: GroupAxis, name: &str, layer: &LayerRef<'_>, role: &Role) -> Result<usize, PruneError> {
    let (rank, owned) = (layer.rank(), name.to_owned());
    axis.of(name, layer.shape(), role).map(|axis| axis.index).map_err(|unknown| match (unknown, axis) {
        (AxisUnknown::OutOfRange(axis), _) => {
            PruneError::AxisOutOfRange { epoch, layer: owned, axis, shape: layer.shape().to_vec() }
        }
        (AxisUnknown::Untold, GroupAxis::Output) => PruneError::OutputUnknown { epoch, layer: owned, rank },
        (AxisUnknown::Untold, _) => PruneError::ReductionUnknown { epoch, layer: owned, rank },
    })
}
