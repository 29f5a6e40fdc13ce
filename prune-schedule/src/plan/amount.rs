//! The layers that are ranked together, and the amount that they keep.

use core::ops::Range;

use prune_core::{Density, Error, ErrorKind, NmPattern, Quota};

use super::info::{Alive, LayerInfo};
use super::{EventPlan, LayerPlan, alone};
use crate::event::{Event, Rule, Scope, Target};
use crate::key::Key;
use crate::prune_error::PruneError;
use crate::value::{DensityBounds, Piece, Ranking as Within, Regrow};

/// Layers that are ranked together, or one layer by itself, and the amount that they keep.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RankedLayers {
    /// Places among the plan's layers.
    pub layers: Range<usize>,
    /// The amount that they keep.
    pub amount: Amount,
}

/// The amount that a ranking keeps.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Amount {
    /// This number of ranked things: elements, or units.
    Kept(usize),
    /// This number over all layers together, within the bounds of each layer.
    Within(usize, Vec<prune_core::Bound>),
    /// This density of each index along the layer's axis.
    EachOutput(Density),
    /// N of every M: along the layer's axis, or over all layers one after the other.
    Pattern(NmPattern),
    /// This number of kept elements is dropped, and as many others are opened.
    Moved(usize),
}

/// True if an event ranks its layers together.
pub(crate) fn is_joint(event: &Event) -> bool {
    match event.rule() {
        Rule::Unstructured { scope: Scope::Global(_), .. } => event.distribution().shares().is_none(),
        Rule::Nm { scope: Scope::Global(_), .. } | Rule::Pieces { scope: Scope::Global(_), .. } => true,
        _ => false,
    }
}

/// The number of ranked things in all layers.
fn total_len(layers: &[LayerPlan]) -> usize {
    layers.iter().map(|layer| layer.units).fold(0, usize::saturating_add)
}

/// The rankings of an event that keeps densities or patterns.
pub(super) fn rankings(at: Key, event: &Event, layers: &[LayerPlan]) -> Result<Vec<RankedLayers>, PruneError> {
    let refused = PruneError::in_event(at);
    if let (Rule::Unstructured { scope: Scope::Global(density), .. }, Some(shares)) =
        (event.rule(), event.distribution().shares())
    {
        // If two layers have equal claims, the smaller name comes first. The order in the model does not matter.
        let mut order: Vec<usize> = (0..layers.len()).collect();
        order.sort_by_key(|&i| &layers[i].name);
        let quota = |&i: &usize| {
            let (min, max) = limits(event, &layers[i]);
            Quota { min, max, ..Quota::new(&layers[i].name, &layers[i].shape) }
        };
        let counts = shares.counts(*density, &order.iter().map(quota).collect::<Vec<_>>()).map_err(refused)?;
        let mut each: Vec<(usize, usize)> = order.into_iter().zip(counts).collect();
        each.sort_unstable();
        let each = each.into_iter();
        return Ok(each.map(|(i, kept)| RankedLayers { layers: alone(i), amount: Amount::Kept(kept) }).collect());
    }
    if is_joint(event) {
        let amount = match layers.first().and_then(|first| first.target) {
            Some(Target::Density(density)) => {
                let kept = density.kept_of(total_len(layers));
                if event.min_density().is_none() && event.max_density().is_none() {
                    Amount::Kept(kept)
                } else {
                    Amount::Within(kept, bounds(event, layers, kept).map_err(refused)?)
                }
            }
            Some(Target::Pattern(pattern)) => Amount::Pattern(pattern),
            None => return Ok(Vec::new()),
        };
        return Ok(vec![RankedLayers { layers: 0..layers.len(), amount }]);
    }
    let outputs = matches!(event.ranking(), Within::Output(_));
    let each = layers.iter().enumerate().filter_map(|(i, layer)| {
        let amount = match layer.target? {
            Target::Density(density) if outputs => Amount::EachOutput(density),
            Target::Density(density) => Amount::Kept(density.kept_of(layer.units)),
            Target::Pattern(pattern) => Amount::Pattern(pattern),
        };
        Some(RankedLayers { layers: alone(i), amount })
    });
    Ok(each.collect())
}

/// The least and the greatest density that an event allows a layer.
fn limits(event: &Event, layer: &LayerPlan) -> (Option<Density>, Option<Density>) {
    let of = |bound: Option<&DensityBounds>| bound.and_then(|bound| bound.of(&layer.name));
    (of(event.min_density()), of(event.max_density()))
}

/// The least and the greatest number that each layer may keep out of `kept` in all. Refuses bounds that no mask can
/// meet.
fn bounds(event: &Event, layers: &[LayerPlan], kept: usize) -> Result<Vec<prune_core::Bound>, Error> {
    let bound = |layer: &LayerPlan| {
        let (min, max) = limits(event, layer);
        let kept = |density: Density| density.kept_of(layer.units);
        prune_core::Bound { min: min.map_or(0, kept), max: max.map_or(layer.units, kept) }
    };
    let bounds: Vec<prune_core::Bound> = layers.iter().map(bound).collect();
    let crossed = layers.iter().zip(&bounds).find(|(_, bound)| bound.min > bound.max);
    if let Some((layer, &prune_core::Bound { min, max })) = crossed {
        return Err(ErrorKind::BoundsCross { min, max }.in_layer(&layer.name));
    }
    let sum = |of: fn(&prune_core::Bound) -> usize| bounds.iter().map(of).fold(0, usize::saturating_add);
    match (sum(|bound| bound.min), sum(|bound| bound.max)) {
        (least, _) if kept < least => Err(ErrorKind::BudgetTooSmall { asked: kept, least }.into()),
        (_, most) if kept > most => Err(ErrorKind::BudgetTooLarge { asked: kept, most }.into()),
        _ => Ok(bounds),
    }
}

impl EventPlan {
    /// The number of ranked things that must be alive, so that the ranking does not ask for more (rule 9). For N:M it
    /// follows from the density of the pattern. The last group of a lane may ask for more than that; if too little is
    /// alive, the group is short.
    pub(crate) fn needed(&self, ranking: &RankedLayers) -> usize {
        let layers = self.ranked(ranking);
        match &ranking.amount {
            Amount::Pattern(pattern) => pattern.density().kept_of(total_len(layers)),
            amount => asked_of(amount, layers),
        }
    }

    /// Sets the number of elements asked for: of each layer, if the event asks of each, and of all layers.
    pub(super) fn ask(&mut self) {
        let joint = self.is_joint();
        let mut all = Some(0usize);
        for ranking in &self.rankings {
            all = all.zip(self.elements_asked(ranking)).map(|(sum, count)| sum.saturating_add(count));
            let each = asked_of(&ranking.amount, self.ranked(ranking));
            // An event that asks of all layers together asks nothing of a single layer, even if there is only one.
            let Some([one]) = self.layers.get_mut(ranking.layers.clone()).filter(|_| !joint) else { continue };
            one.asked = one.elements_of(each);
            one.asked_units = one.unit.is_some().then_some(each);
        }
        self.asked = all;
    }

    /// The number of elements that a ranking asks for in all; `None` for units of different sizes.
    pub(crate) fn elements_asked(&self, ranking: &RankedLayers) -> Option<usize> {
        let asked = asked_of(&ranking.amount, self.ranked(ranking));
        match self.ranked(ranking) {
            [one] => one.elements_of(asked),
            layers => layers.iter().all(|layer| layer.unit.is_none()).then_some(asked),
        }
    }

    /// Clears the number of elements asked for in layers with dead elements: of a block or channel only the alive
    /// elements are kept, so their number is not known beforehand.
    pub(super) fn forget_elements_of_pieces(&mut self, infos: &[LayerInfo<'_>]) {
        let mut whole = true;
        for layer in &mut self.layers {
            let (alive, len) = (infos[layer.place].alive, layer.len());
            if layer.follows.is_none() && alive.elements(len) < len {
                layer.asked = None;
                whole = false;
            }
        }
        self.asked = self.asked.filter(|_| whole);
    }

    /// The error for an event that asks for more than is alive, in one layer or in all layers ranked together.
    pub(super) fn too_few(&self, layer: Option<&str>, (asked, alive): (usize, usize), target: Target) -> PruneError {
        let what = match self.event.piece() {
            None => "elements",
            Some(Piece::Blocks(_)) => "blocks",
            Some(Piece::Channels { .. }) => "channels",
        };
        PruneError::TooFewAlive { at: self.at, layer: layer.map(str::to_owned), what, asked, alive, target }
    }

    /// Refuses an event that asks for more than is alive.
    pub(super) fn admit(&self, infos: &[LayerInfo<'_>]) -> Result<(), PruneError> {
        if self.event.reopen().is_some() {
            return Ok(());
        }
        for ranking in &self.rankings {
            let (layers, asked) = (self.ranked(ranking), self.needed(ranking));
            let Some(target) = layers.first().and_then(|first| first.target) else { continue };
            let mut alive = 0usize;
            for layer in layers {
                let ranked = infos[layer.place].alive.ranked(layer);
                alive = alive.saturating_add(ranked.map_err(PruneError::in_layer(self.at, &layer.name))?);
            }
            if asked > alive {
                let layer = layers.first().filter(|_| !self.is_joint()).map(|one| one.name.as_str());
                return Err(self.too_few(layer, (asked, alive), target));
            }
        }
        Ok(())
    }

    /// Plans an update of sparse training: only layers with a mask stay, and each keeps as many elements as before.
    pub(super) fn move_masked(&mut self, infos: &[LayerInfo<'_>], regrow: Regrow, key: Key) -> Result<(), PruneError> {
        self.layers.retain(|layer| !matches!(infos[layer.place].alive, Alive::All));
        if self.layers.is_empty() {
            return Err(PruneError::NoMask { at: self.at, method: self.event.method().name() });
        }
        let time = self.at.first().unwrap_or(0);
        let mut sum = 0usize;
        for (i, layer) in self.layers.iter_mut().enumerate() {
            let kept = infos[layer.place].alive.elements(layer.len());
            let moved = regrow.moved(kept, time, key.last().unwrap_or(time));
            self.rankings.push(RankedLayers { layers: alone(i), amount: Amount::Moved(moved) });
            layer.asked = Some(kept);
            sum = sum.saturating_add(kept);
        }
        self.asked = Some(sum);
        Ok(())
    }
}

impl Alive<'_> {
    /// The number of alive elements among `len`.
    pub(crate) fn elements(self, len: usize) -> usize {
        match self {
            Alive::All => len,
            Alive::Count(count) => count.min(len),
            Alive::Mask(mask) => mask.kept_len(),
        }
    }

    /// The number of ranked things in a layer that can be chosen; an upper bound if only a count of alive elements is
    /// known.
    pub(crate) fn ranked(self, layer: &LayerPlan) -> Result<usize, Error> {
        match (&layer.unit, self) {
            (None, alive) => Ok(alive.elements(layer.units)),
            (Some(unit), Alive::Mask(mask)) => Ok(unit.alive(mask)?.kept_len()),
            (Some(_), Alive::Count(count)) => Ok(count.min(layer.units)),
            (Some(_), Alive::All) => Ok(layer.units),
        }
    }
}

/// The number of ranked things that an amount asks for in these layers.
fn asked_of(amount: &Amount, layers: &[LayerPlan]) -> usize {
    match (amount, layers) {
        (Amount::Kept(kept) | Amount::Within(kept, _), _) => *kept,
        (Amount::EachOutput(density), [one]) => {
            let (len, outputs) = (one.len(), one.axis.map_or(1, |axis| one.shape[axis]));
            if len == 0 { 0 } else { outputs * density.kept_of(len / outputs) }
        }
        (Amount::Pattern(pattern), [one @ LayerPlan { axis: Some(axis), .. }]) => {
            let (len, lane) = (one.len(), one.shape[*axis]);
            if len == 0 { 0 } else { len / lane * pattern.kept_of_lane(lane) }
        }
        (Amount::Pattern(pattern), layers) => pattern.kept_of_lane(total_len(layers)),
        (Amount::EachOutput(_) | Amount::Moved(_), _) => 0,
    }
}
