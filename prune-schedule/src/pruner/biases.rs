//! Biases that go with the channels of their layers.

use prune_core::{Masks, Unit};

use super::error::PruneError;
use super::event::Made;
use super::plan::Asked;
use super::selection::{Candidate, Listed};
use crate::epoch::Epochs;
use crate::option::axis::output_axis;
use crate::option::unit::bias_of;

/// Prunes the bias of each layer as its channels are. A layer without a bias has none pruned; where no layer has one, whoever
/// asked for it meant something else.
pub(super) fn follow<'l>(
    epoch: Epochs,
    layers: &'l Listed<'l>,
    alive: &Masks,
    candidates: &mut Vec<Candidate<'l>>,
    asked: &mut Asked,
    made: &mut Vec<Made>,
) -> Result<(), PruneError> {
    let refused = |layer: &str, why: String| PruneError::Bias { epoch, layer: layer.to_owned(), why };
    let mut followed = Vec::new();
    for ((candidate, of_layer), units) in candidates.iter().zip(made.iter()).zip(&asked.units) {
        let found = bias_of(candidate.name).and_then(|bias| layers.iter().find(|(name, _)| *name == bias));
        let (Some((name, bias)), Some((unit, count))) = (found, &candidate.units) else { continue };
        if let Some(axis) = candidate.axis
            && output_axis(candidate.name, candidate.layer.rank()) != Some(axis)
        {
            let why = format!("channels along axis {axis} are not its outputs, which biases go with");
            return Err(refused(candidate.name, why));
        }
        if bias.shape() != [*count] {
            let why = format!("its bias has shape {:?}, and there are {count} channels", bias.shape());
            return Err(refused(candidate.name, why));
        }
        if candidates.iter().any(|other| other.name == name) {
            continue;
        }
        let in_event = |source: prune_core::Error| PruneError::Event { epoch, source: source.in_layer(name) };
        let mut mask = Unit::alive(unit, &of_layer.mask).map_err(in_event)?;
        if let Some(alive) = alive.get(name) {
            mask.intersect_in_place(alive).map_err(in_event)?;
        }
        let candidate = Candidate { name, layer: bias, target: candidate.target, axis: None, units: None };
        followed.push((candidate, *units, Made { mask, ties: 0, short_groups: 0, units: None }));
    }
    if followed.is_empty() {
        let names = candidates.iter().take(1).map(|candidate| candidate.name).collect::<String>();
        let why =
            "neither it nor any other selected layer has a bias: a layer of the same name that ends in `bias` where \
                   it ends in `kernel` or `weight`"
                .to_owned();
        return Err(refused(&names, why));
    }
    for (candidate, units, of_bias) in followed {
        candidates.push(candidate);
        asked.each.push(units);
        asked.units.push(None);
        asked.total = asked.total.zip(units).map(|(total, units)| total + units);
        made.push(of_bias);
    }
    Ok(())
}
