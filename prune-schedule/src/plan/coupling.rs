//! Coupled channels: channels of several layers that form one unit.

use std::collections::{BTreeMap, BTreeSet};

use prune_core::{Channels, Norm, Unit};

use super::info::LayerInfo;
use super::select::{LayersByName, unknown};
use super::{EventPlan, LayerPlan};
use crate::names::Role;
use crate::prune_error::PruneError;
use crate::value::Piece;

/// The axes of one group of coupled channels, by layer: channel `i` is index `i` along each of them.
pub(crate) type Members = Vec<(String, usize)>;

impl EventPlan {
    /// Lets the members of each coupling follow the first member that the event selects. Followers come after all other
    /// layers.
    pub(super) fn couple(&mut self, infos: &[LayerInfo<'_>], couplings: &[Members]) -> Result<(), PruneError> {
        let Some(Piece::Channels { norm, .. }) = self.event.piece().cloned() else { return Ok(()) };
        let named = LayersByName::of(infos);
        // By place of a layer: the number of its coupling, and its coupled axis.
        let mut member_of: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for (which, coupling) in couplings.iter().enumerate() {
            for (name, axis) in coupling {
                let place = named.place(name).ok_or_else(|| unknown(self.at, name, infos))?;
                if infos[place].shape.get(*axis).is_none() {
                    let shape = infos[place].shape.to_vec();
                    let (at, layer, axis) = (self.at, name.clone(), *axis as isize);
                    return Err(PruneError::AxisOutOfRange { at, layer, axis, shape });
                }
                if member_of.insert(place, (which, *axis)).is_some() {
                    return self.refuse_coupling(name, "it is a member of two couplings");
                }
            }
        }
        let selected = core::mem::take(&mut self.layers);
        let mut leaders: BTreeMap<usize, usize> = BTreeMap::new();
        let mut following: BTreeMap<usize, LayerPlan> = BTreeMap::new();
        for layer in selected {
            match member_of.get(&layer.place) {
                // The channels of the layer lie along another axis than the coupled ones.
                Some((_, axis)) if layer.axis != Some(*axis) => self.layers.push(layer),
                Some((which, _)) if leaders.contains_key(which) => {
                    following.insert(layer.place, layer);
                }
                Some((which, _)) => {
                    leaders.insert(*which, self.layers.len());
                    self.layers.push(layer);
                }
                None => self.layers.push(layer),
            }
        }
        let placed: BTreeSet<usize> = self.layers.iter().map(|layer| layer.place).collect();
        for (place, (which, axis)) in member_of.iter().filter(|(place, _)| !placed.contains(place)) {
            let Some(&leader) = leaders.get(which) else { continue };
            let (info, count) = (&infos[*place], self.layers[leader].units);
            if info.shape[*axis] != count {
                let why = format!(
                    "it has {} channels along axis {axis}, and `{}` has {count}",
                    info.shape[*axis], self.layers[leader].name
                );
                return self.refuse_coupling(info.name, &why);
            }
            self.layers.push(LayerPlan {
                axis: Some(*axis),
                role: following.remove(place).map_or_else(Role::unknown, |layer| layer.role),
                unit: Some(Unit::from(Channels::new(*axis as isize, norm))),
                units: count,
                follows: Some(leader),
                scored: info.rank() >= 2,
                ..LayerPlan::new(*place, info, self.layers[leader].target)
            });
        }
        Ok(())
    }

    fn refuse_coupling<T>(&self, layer: &str, why: &str) -> Result<T, PruneError> {
        Err(PruneError::Coupling { at: self.at, layer: layer.to_owned(), why: why.to_owned() })
    }

    /// Sets the number of elements asked of coupled layers: each keeps as many channels as the layer that it follows.
    pub(super) fn ask_of_coupled(&mut self) {
        for i in 0..self.layers.len() {
            let Some(leader) = self.layers[i].follows else { continue };
            let units = self.layers[leader].asked_units;
            let layer = &mut self.layers[i];
            layer.asked_units = units;
            layer.asked = units.and_then(|units| layer.elements_of(units));
            self.asked = self.asked.zip(layer.asked).map(|(sum, asked)| sum + asked);
        }
    }
}

/// The joint score of a unit of two layers, from its score in each.
pub(crate) fn joined(norm: Norm, a: f64, b: f64) -> f64 {
    match norm {
        Norm::L1 => a + b,
        // Divides by the larger score, so that squares neither overflow nor vanish.
        Norm::L2 if a.max(b) > 0.0 && a.max(b).is_finite() => {
            let (large, small) = (a.max(b), a.min(b));
            large * (1.0 + (small / large) * (small / large)).sqrt()
        }
        Norm::L2 | Norm::Max => a.max(b),
    }
}
