//! Biases that go with the channels of their layers.

use prune_core::Masks;

use super::error::PruneError;
use super::event::Made;
use super::plan::Asked;
use super::selection::{Candidate, Listed};
use crate::epoch::Epochs;
use crate::event::Event;
use crate::names::{AxisEvidence, Role};
use crate::option::axis::GroupAxis;
use crate::option::unit::bias_of;

/// The bias of each of these layers that has one, by the layer's place. A layer without a bias has none pruned; where no layer
/// has one, whoever asked for it meant something else.
pub(super) fn of<'l>(
    epoch: Epochs,
    event: &Event,
    layers: &'l Listed<'l>,
    candidates: &[Candidate<'l>],
) -> Result<Vec<(usize, Candidate<'l>)>, PruneError> {
    let refused = |layer: &str, why: String| PruneError::Bias { epoch, layer: layer.to_owned(), why };
    let mut biases: Vec<(usize, Candidate<'l>)> = Vec::new();
    let mut found_one = false;
    for (i, candidate) in candidates.iter().enumerate() {
        let found = bias_of(candidate.name).and_then(|bias| layers.iter().find(|(name, _)| *name == bias));
        let (Some((name, layer)), Some((_, count))) = (found, &candidate.units) else { continue };
        // Where nothing but the usual place of outputs speaks against an index, whoever wrote it knows better.
        let role = &candidate.role;
        let written = matches!(event.group_axis(), Some(GroupAxis::Index(_)));
        if let Some(axis) = candidate.axis
            && !role.outputs.contains(&axis)
            && !(written && role.evidence.is_none_or(|evidence| evidence == AxisEvidence::Default))
        {
            let why = format!("channels along axis {axis} are not its outputs, which biases go with");
            return Err(refused(candidate.name, why));
        }
        if layer.shape() != [*count] {
            let why = format!("its bias has shape {:?}, and there are {count} channels", layer.shape());
            return Err(refused(candidate.name, why));
        }
        found_one = true;
        if candidates.iter().all(|other| other.name != name) {
            biases.push((
                i,
                Candidate { name, layer, target: candidate.target, axis: None, role: Role::unknown(), units: None },
            ));
        }
    }
    if found_one {
        return Ok(biases);
    }
    let name = candidates.first().map_or("", |candidate| candidate.name);
    let why = "neither it nor any other selected layer has a bias: a layer of the same name that ends in `bias` where it ends \
               in `kernel` or `weight`";
    Err(refused(name, why.to_owned()))
}

/// Prunes the bias of each layer as its channels are.
pub(super) fn follow<'l>(
    epoch: Epochs,
    event: &Event,
    layers: &'l Listed<'l>,
    alive: &Masks,
    candidates: &mut Vec<Candidate<'l>>,
    asked: &mut Asked,
    made: &mut Vec<Made>,
) -> Result<(), PruneError> {
    for (i, bias) in of(epoch, event, layers, candidates)? {
        let Some((unit, _)) = &candidates[i].units else { continue };
        let in_event = |source: prune_core::Error| PruneError::Event { epoch, source: source.in_layer(bias.name) };
        let mut mask = unit.alive(&made[i].mask).map_err(in_event)?;
        if let Some(alive) = alive.get(bias.name) {
            mask.intersect_in_place(alive).map_err(in_event)?;
        }
        let whole = alive.get(bias.name).is_none_or(|alive| alive.kept_len() == alive.len());
        let units = asked.units[i].filter(|_| whole);
        candidates.push(bias);
        asked.each.push(units);
        asked.units.push(None);
        asked.total = asked.total.zip(units).map(|(total, units)| total + units);
        made.push(Made { mask, ties: 0, short_groups: 0, units: None });
    }
    Ok(())
}
