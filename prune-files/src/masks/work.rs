//! Turns the plan of an event for a checkpoint into pieces of work: finds cuts and units, and lays out parts.

use prune_core::{
    Density, LayerRef, Mask, NmPattern, PlainTensor, Ranked, Selected, Selector, SourceCut, Unit, UnitTally, reachable,
    within_bounds,
};
use prune_schedule::{Amount, EventPlan, Key, LayerPlan, PruneError, RankedLayers};

use crate::error::Error;
use crate::layers::inputs::ModelInputs;
use crate::masks::ranks::Ranks;
use crate::masks::source::cut;
use crate::parts::buffer::values;
use crate::parts::drive::{PartScratch, in_order};
use crate::parts::runs::{PART, Part, Runs, groups, outputs, plain};
use crate::watch::Watch;

/// The most elements of a layer that is ranked side by side with others.
const SMALL: usize = 4 << 20;

/// The masks to be made: the layers, the rankings and the pieces.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) layers: Vec<LayerWork>,
    pub(crate) cuts: Vec<SourceCut>,
    pub(crate) pieces: Vec<WorkPiece>,
}

/// A layer that gets a mask.
#[derive(Debug)]
pub(crate) struct LayerWork {
    /// Its place in the model.
    pub(crate) tensor: usize,
    /// The plan of the event for it; `None` for a layer whose mask only stays in force.
    pub(crate) plan: Option<LayerPlan>,
    pub(crate) how: MaskRule,
}

/// The way in which a layer's mask is made.
#[derive(Debug, Clone)]
pub(crate) enum MaskRule {
    /// The elements above a cut: the number of the cut, and the place of this layer in it.
    Cut { cut: usize, place: usize },
    /// Groups along the middle axis of each part.
    Groups { pattern: NmPattern },
    /// A density of each index along the middle axis of each part.
    Outputs { density: Density },
    /// All elements of the kept units.
    Units { unit: Unit, kept: Mask, ties: usize },
    /// The mask in force, unchanged.
    InForce,
}

/// A piece of work that is decided at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WorkPiece {
    /// A part of one layer, by its place among the layers.
    Part { layer: usize, part: Part },
    /// One group whose elements lie in several layers.
    Straddle { pattern: NmPattern, runs: Vec<(usize, Runs)> },
}

/// The findings about the layers of a ranking: their units, or the cuts that decide about them, each with places among
/// the plan's layers.
enum Findings {
    Cuts(Vec<(Vec<usize>, SourceCut)>),
    Units(Vec<Selected>),
    Nothing,
}

impl Work {
    /// The masks that an event makes. Reads the layers that are ranked.
    pub(crate) fn of_plan(ranks: &Ranks<'_>, plan: &EventPlan, key: Option<Key>, watch: &Watch) -> Result<Self, Error> {
        let finder = Finder { ranks, plan, key, watch };
        let in_parts = |ranking: &RankedLayers| matches!(ranking.amount, Amount::Kept(_) | Amount::Within(..));
        let read = plan.rankings.iter().filter(|ranking| in_parts(ranking)).flat_map(|ranking| plan.ranked(ranking));
        let bytes = read.map(|layer| ranks.inputs.model.tensor(layer.place).bytes).sum::<u64>();
        if bytes > 0 {
            watch.progress.begin("ranking", bytes);
        }
        // The memory of a ranking grows with its layer's size up to a bound, and a large layer uses all threads. So
        // large rankings run one at a time, and small ones side by side. A layer of units is read on one thread, so all
        // such layers run side by side.
        let size = |ranking: &RankedLayers| match plan.ranked(ranking) {
            [one] if one.unit.is_some() => 0,
            [one] => ranks.inputs.model.tensor(one.place).elements,
            _ => usize::MAX,
        };
        let mut found = Vec::with_capacity(plan.rankings.len());
        for together in plan.rankings.chunk_by(|a, b| size(a).max(size(b)) <= SMALL) {
            found.extend(in_order(together, watch, |ranking, _| finder.find(ranking))?);
        }
        if bytes > 0 {
            watch.progress.end();
        }
        let mut work = Work::default();
        let mut hows: Vec<Option<MaskRule>> = vec![None; plan.layers.len()];
        let mut concatenated = None;
        for (ranking, found) in plan.rankings.iter().zip(found) {
            match (found, &ranking.amount) {
                (Findings::Cuts(cuts), _) => {
                    for (layers, cut) in cuts {
                        for (place, layer) in layers.into_iter().enumerate() {
                            hows[layer] = Some(MaskRule::Cut { cut: work.cuts.len(), place });
                        }
                        work.cuts.push(cut);
                    }
                }
                (Findings::Units(selected), _) => {
                    for (layer, Selected { mask, ties, .. }) in ranking.layers.clone().zip(selected) {
                        let unit = plan.layers[layer].unit.clone();
                        hows[layer] = unit.map(|unit| MaskRule::Units { unit, kept: mask, ties });
                    }
                }
                (Findings::Nothing, Amount::Pattern(pattern)) => {
                    let alone = matches!(plan.ranked(ranking), [one] if one.axis.is_some());
                    if !alone {
                        concatenated = Some((ranking.layers.clone(), *pattern));
                    }
                    ranking.layers.clone().for_each(|layer| hows[layer] = Some(MaskRule::Groups { pattern: *pattern }));
                }
                (Findings::Nothing, Amount::EachOutput(density)) => {
                    ranking
                        .layers
                        .clone()
                        .for_each(|layer| hows[layer] = Some(MaskRule::Outputs { density: *density }));
                }
                (Findings::Nothing, _) => {}
            }
        }
        for (place, layer) in plan.layers.iter().enumerate() {
            // A layer that follows another keeps the units that its leader keeps.
            let how = hows[place].clone().or_else(|| match hows.get(layer.follows?)?.as_ref()? {
                MaskRule::Units { kept, .. } => {
                    let unit = Unit::from(prune_core::Channels::new(0, prune_core::Norm::L2));
                    Some(MaskRule::Units { unit, kept: kept.clone(), ties: 0 })
                }
                _ => None,
            });
            let parts = match (&how, layer.axis) {
                _ if concatenated.as_ref().is_some_and(|(layers, _)| layers.contains(&place)) => Vec::new(),
                (Some(MaskRule::Groups { pattern }), Some(axis)) => groups(&layer.shape, axis, pattern.m(), PART),
                (Some(MaskRule::Outputs { .. }), Some(axis)) => outputs(&layer.shape, axis, PART),
                _ => plain(ranks.inputs.model.tensor(layer.place).elements).collect(),
            };
            let at = work.layers.len();
            work.pieces.extend(parts.into_iter().map(|part| WorkPiece::Part { layer: at, part }));
            let how = how.unwrap_or(MaskRule::InForce);
            work.layers.push(LayerWork { tensor: layer.place, plan: Some(layer.clone()), how });
        }
        if let Some((layers, pattern)) = concatenated {
            work.concatenate(ranks.inputs, pattern, layers.collect());
        }
        Ok(work)
    }

    /// Adds the masks in force, unchanged, for every tensor that has one and is not among the layers yet.
    pub(crate) fn add_in_force(&mut self, inputs: &ModelInputs<'_>) {
        let made = self.layer_of(inputs.model.len());
        for (tensor, made) in made.into_iter().enumerate() {
            if made.is_none() && inputs.has_new_mask(tensor) {
                let layer = self.layers.len();
                self.pieces
                    .extend(plain(inputs.model.tensor(tensor).elements).map(|part| WorkPiece::Part { layer, part }));
                self.layers.push(LayerWork { tensor, plan: None, how: MaskRule::InForce });
            }
        }
    }

    /// The place among these layers of each tensor of the model.
    pub(crate) fn layer_of(&self, tensors: usize) -> Vec<Option<usize>> {
        let mut places = vec![None; tensors];
        for (place, layer) in self.layers.iter().enumerate() {
            places[layer.tensor] = Some(place);
        }
        places
    }

    /// Groups over the concatenation of layers, in the order of names. A group that begins in one layer may end in
    /// another.
    fn concatenate(&mut self, inputs: &ModelInputs<'_>, pattern: NmPattern, mut order: Vec<usize>) {
        let m = pattern.m();
        order.sort_unstable_by_key(|&layer| inputs.model.tensor(self.layers[layer].tensor).name.as_bytes());
        // The open group, and the number of elements that it lacks.
        let mut open: Vec<(usize, Runs)> = Vec::new();
        let mut lacks = 0;
        for layer in order {
            let elements = inputs.model.tensor(self.layers[layer].tensor).elements;
            let head = lacks.min(elements);
            if head > 0 {
                open.push((layer, Runs::one(0, head)));
                lacks -= head;
            }
            if lacks > 0 {
                continue;
            }
            self.straddle(pattern, &mut open);
            let whole = (elements - head) / m;
            let groups_a_part = (PART / m).max(1);
            for first in (0..whole).step_by(groups_a_part) {
                let groups = groups_a_part.min(whole - first);
                let part = Part { runs: Runs::one(head + first * m, groups * m), shape: [groups, m, 1] };
                self.pieces.push(WorkPiece::Part { layer, part });
            }
            let tail = elements - head - whole * m;
            if tail > 0 {
                open.push((layer, Runs::one(elements - tail, tail)));
                lacks = m - tail;
            }
        }
        self.straddle(pattern, &mut open);
    }

    fn straddle(&mut self, pattern: NmPattern, open: &mut Vec<(usize, Runs)>) {
        if !open.is_empty() {
            self.pieces.push(WorkPiece::Straddle { pattern, runs: core::mem::take(open) });
        }
    }
}

/// Finds the cuts or units that decide about the layers of a plan.
struct Finder<'a> {
    ranks: &'a Ranks<'a>,
    plan: &'a EventPlan,
    /// The key of the event, if it is from a strategy.
    key: Option<Key>,
    watch: &'a Watch,
}

impl Finder<'_> {
    fn find(&self, ranking: &RankedLayers) -> Result<Findings, Error> {
        let layers = self.plan.ranked(ranking);
        let units = layers.iter().any(|layer| layer.unit.is_some());
        let place = |i: &usize| ranking.layers.start + i;
        match &ranking.amount {
            amount @ (Amount::Kept(_) | Amount::Within(..)) if units => self.units(layers, amount),
            Amount::Kept(kept) => {
                let cut = self.cut(layers.iter(), *kept)?;
                Ok(Findings::Cuts(vec![(ranking.layers.clone().collect(), cut)]))
            }
            Amount::Within(kept, bounds) => {
                let alive = |layer: &LayerPlan| {
                    let of = self.ranks.inputs.alive_len(layer.place);
                    of.unwrap_or(self.ranks.inputs.model.tensor(layer.place).elements)
                };
                let known: Vec<(&str, usize)> =
                    layers.iter().map(|layer| (layer.name.as_str(), alive(layer))).collect();
                let bounds = reachable(&known, *kept, bounds)?;
                let mut cuts = Vec::new();
                within_bounds(*kept, &bounds, |open, left| {
                    let cut = self.cut(open.iter().map(|&i| &layers[i]), left)?;
                    let counts = cut.kept().to_vec();
                    cuts.push((open.iter().map(place).collect(), cut));
                    Ok::<_, Error>(counts)
                })?;
                Ok(Findings::Cuts(cuts))
            }
            _ => Ok(Findings::Nothing),
        }
    }

    fn cut<'l>(&self, layers: impl Iterator<Item = &'l LayerPlan>, kept: usize) -> Result<SourceCut, Error> {
        cut(self.ranks, &layers.map(|layer| layer.place).collect::<Vec<_>>(), kept, self.watch)
    }

    /// Ranks blocks or channels.
    fn units(&self, layers: &[LayerPlan], amount: &Amount) -> Result<Findings, Error> {
        let of_units: Vec<(&LayerPlan, &Unit)> =
            layers.iter().filter_map(|layer| Some((layer, layer.unit.as_ref()?))).collect();
        let tallied = in_order(&of_units, self.watch, |(layer, unit), scratch| self.tally(layer, unit, scratch))?;
        let scores: Vec<LayerRef<'_>> = tallied.iter().map(|(scores, _)| LayerRef::of(scores)).collect();
        let ranked: Vec<Ranked<'_>> = layers
            .iter()
            .zip(&scores)
            .zip(&tallied)
            .map(|((layer, scores), (_, alive))| Ranked::new(&layer.name, scores).with_alive(Some(alive)))
            .collect();
        let alive: usize = tallied.iter().map(|(_, alive)| alive.kept_len()).sum();
        match (amount, layers.first().and_then(|layer| layer.target)) {
            (&(Amount::Kept(asked) | Amount::Within(asked, _)), Some(target)) if asked > alive => {
                let layer = match layers {
                    [one] if !self.plan.is_joint() => Some(one.name.clone()),
                    _ => None,
                };
                let what = if matches!(layers[0].unit, Some(Unit::Blocks(_))) { "blocks" } else { "channels" };
                let error = PruneError::TooFewAlive { at: self.plan.at, layer, what, asked, alive, target };
                Err(Error::refused(self.key, &error))
            }
            (Amount::Kept(kept), _) => Ok(Findings::Units(Selector::value().top(&ranked, *kept)?)),
            (Amount::Within(kept, bounds), _) => {
                Ok(Findings::Units(Selector::value().top_within(&ranked, *kept, bounds)?))
            }
            _ => Ok(Findings::Nothing),
        }
    }

    /// The score of each unit of a layer, and the mask of the alive units.
    fn tally(
        &self,
        layer: &LayerPlan,
        unit: &Unit,
        scratch: &mut PartScratch,
    ) -> Result<(PlainTensor<f64>, Mask), Error> {
        let ranks = self.ranks;
        let named = |error: prune_core::Error| Error::from(error.in_layer(&layer.name));
        let mut tally = UnitTally::new(unit, &layer.shape, ranks.by()).map_err(named)?;
        let element = ranks.element(layer.place);
        loop {
            for part in plain(ranks.inputs.model.tensor(layer.place).elements) {
                self.watch.check()?;
                let bytes = ranks.read(layer.place, part.runs, scratch)?;
                let PartScratch { scores, masks, alive, .. } = &mut *scratch;
                let masked = ranks.inputs.read_alive(layer.place, part.runs, masks, alive)?;
                tally.push(values(element, scores.bytes(bytes)), masked.then_some(&alive[..])).map_err(named)?;
                self.watch.progress.advance(bytes as u64);
            }
            if tally.is_done() {
                return tally.finish().map_err(named);
            }
        }
    }
}
