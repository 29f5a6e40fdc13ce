//! Plans: what an event will do to a model, worked out before any value is read.
//!
//! A plan depends on the event, on the facts about the layers ([`LayerInfo`]), on the door's defaults for what the
//! strategy leaves open ([`Defaults`]), and on nothing else. The pruner, its check and the pruning of files all carry
//! out the same plan. `select.rs` finds the layers, `biases.rs` the biases that follow them, and `amount.rs` the layers
//! that are ranked together and the amount that they keep. `check.rs` and `bounds.rs` test a strategy by its plans.

mod amount;
mod biases;
mod bounds;
mod check;
mod coupling;
mod defaults;
mod facts;
mod info;
mod select;

pub use amount::{Amount, RankedLayers};
pub(crate) use check::check;
pub(crate) use coupling::{Members, joined};
pub use defaults::{Defaults, UsedDefaults, WeightsBy};
pub(crate) use facts::FactsByLayer;
pub use facts::LayerFacts;
pub(crate) use info::PlanContext;
pub use info::{Alive, LayerInfo};

use core::ops::Range;

use prune_core::Unit;

use crate::event::{Event, Rule, Target};
use crate::key::Key;
use crate::moment::Moment;
use crate::names::{AxisEvidence, Role};
use crate::prune_error::PruneError;
use crate::strategy::Strategy;
use crate::value::{Piece, Ranking};
use crate::warning::Warning;

/// A plan: what an event will do to a model.
///
/// # Examples
///
/// ```
/// use prune_schedule::{Defaults, LayerInfo, Moment, Strategy};
///
/// let strategy: Strategy = "{3: {'method': 'channel_unified_local', 'density': 0.5}}".parse()?;
/// let layers = [LayerInfo::new("fc1.weight", &[5, 9]), LayerInfo::new("fc1.bias", &[5])];
/// let plan = strategy.plan(Moment::Epoch(3), &layers, &Defaults::LIBRARY)?.ok_or("there is an event")?;
/// let fc1 = &plan.layers[0];
/// assert_eq!((fc1.axis, fc1.units, fc1.asked_units, fc1.asked), (Some(0), 5, Some(3), Some(27)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EventPlan {
    /// The epoch or step, as errors name it.
    pub at: Key,
    /// The event, with the density that it has reached by then.
    pub event: Event,
    /// The layers that get a mask, in the model's order; then the layers and biases that follow them.
    pub layers: Vec<LayerPlan>,
    /// The layers that are ranked together, and the amount that they keep. Each layer is in exactly one ranking, unless
    /// it follows another layer.
    pub rankings: Vec<RankedLayers>,
    /// The number of elements that the event asks to keep in all. `None` if it asks for units of different sizes, or
    /// for units with closed elements.
    pub asked: Option<usize>,
    /// The door's defaults for what the event leaves open.
    pub defaults: UsedDefaults,
    /// Warnings for the user.
    pub warnings: Vec<Warning>,
}

/// The plan of an event for one layer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LayerPlan {
    /// Its place among the given layers.
    pub place: usize,
    /// Its name.
    pub name: String,
    /// Its logical shape.
    pub shape: Vec<usize>,
    /// The target; `None` if the layer keeps as many elements as it has.
    pub target: Option<Target>,
    /// The axis of its groups or channels, or of the outputs within which it is ranked, if there is one.
    pub axis: Option<usize>,
    /// The evidence for that axis; `None` if it was written as an index.
    pub evidence: Option<AxisEvidence>,
    /// Its role, which holds its axes.
    pub role: Role,
    /// The piece that is pruned as a whole; `None` for single elements and groups.
    pub unit: Option<Unit>,
    /// The number of ranked things in it: units if there are any, otherwise elements.
    pub units: usize,
    /// The number of elements that it is asked to keep. `None` if the event asks of all layers together, or for the
    /// reasons at [`EventPlan::asked`].
    pub asked: Option<usize>,
    /// The number of units that it is asked to keep, if units are ranked and the layer is asked alone.
    pub asked_units: Option<usize>,
    /// The place in this plan of the layer that it follows. It keeps the units that this leader keeps, and is not
    /// ranked itself.
    pub follows: Option<usize>,
    /// True if it counts in the scores of the units that it follows.
    pub scored: bool,
}

impl LayerPlan {
    /// A layer whose elements are ranked. Nothing is asked of it yet.
    fn new(place: usize, info: &LayerInfo<'_>, target: Option<Target>) -> Self {
        LayerPlan {
            place,
            name: info.name.to_owned(),
            shape: info.shape.to_vec(),
            target,
            axis: None,
            evidence: None,
            role: Role::unknown(),
            unit: None,
            units: info.len(),
            asked: None,
            asked_units: None,
            follows: None,
            scored: false,
        }
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        info::len_of(&self.shape)
    }

    /// The number of elements in `ranked` ranked things; `None` if units differ in size.
    fn elements_of(&self, ranked: usize) -> Option<usize> {
        let volume = match &self.unit {
            None => return Some(ranked),
            Some(_) if self.units == 0 => return Some(0),
            Some(Unit::Blocks(blocks)) => {
                blocks.sizes().iter().try_fold(1usize, |volume, &side| volume.checked_mul(side))?
            }
            Some(_) => self.len() / self.units,
        };
        (self.units.checked_mul(volume) == Some(self.len())).then(|| ranked * volume)
    }

    /// The warning about lanes that are too short to fill a group.
    fn short_lanes(&self, at: Key) -> Option<Warning> {
        let (Some(Target::Pattern(pattern)), Some(axis)) = (self.target, self.axis) else { return None };
        let lane = self.shape[axis];
        let short = lane < pattern.m() && self.len() > 0;
        short.then(|| Warning::ShortLanes { key: at.to_string(), layer: self.name.clone(), axis, lane, pattern })
    }
}

impl EventPlan {
    /// The layers of a ranking, which are ranked together.
    pub fn ranked(&self, ranking: &RankedLayers) -> &[LayerPlan] {
        self.layers.get(ranking.layers.clone()).unwrap_or_default()
    }

    /// The layers that the event selects itself, without followers.
    pub(crate) fn selected(&self) -> &[LayerPlan] {
        let count = self.layers.iter().position(|layer| layer.follows.is_some()).unwrap_or(self.layers.len());
        &self.layers[..count]
    }

    /// The axis of a layer's outputs, for a score that looks at inputs of this shape. `None` if no axis fits; the score
    /// then refuses the inputs.
    ///
    /// # Errors
    ///
    /// [`PruneError::OutputUnknown`] if several axes fit and nothing tells which is meant.
    pub fn output_axis(&self, layer: &LayerPlan, inputs: &[usize]) -> Result<Option<usize>, PruneError> {
        let within_outputs = matches!(self.event.ranking(), Ranking::Output(_));
        let rank = layer.shape.len();
        select::output_of(layer, within_outputs, inputs).map_err(|()| PruneError::OutputUnknown {
            at: self.at,
            layer: layer.name.clone(),
            rank,
        })
    }

    /// True if the event ranks its layers together.
    pub fn is_joint(&self) -> bool {
        amount::is_joint(&self.event)
    }
}

impl Strategy {
    /// The plan of the event at a moment for these layers; `None` if there is no event.
    ///
    /// # Errors
    ///
    /// [`PruneError::UnknownLayer`], [`PruneError::PatternMatchesNothing`], [`PruneError::SelectsNothing`],
    /// [`PruneError::AxisOutOfRange`], [`PruneError::ReductionUnknown`], [`PruneError::OutputUnknown`],
    /// [`PruneError::TooFewAlive`], [`PruneError::Bias`], [`PruneError::BoundIdle`], [`PruneError::NoMask`];
    /// [`PruneError::Event`] for bounds that cannot be met.
    ///
    /// # Complexity
    ///
    /// Near-linear in the number of layers and of their masks' bits.
    pub fn plan(
        &self,
        moment: Moment,
        layers: &[LayerInfo<'_>],
        defaults: &Defaults,
    ) -> Result<Option<EventPlan>, PruneError> {
        let Some((key, event)) = self.at(moment) else { return Ok(None) };
        event.at_time(key, moment.time()).plan(moment.key(), key, layers, defaults).map(Some)
    }
}

impl Event {
    /// The plan of the event for these layers at `at`, a moment of its `key`. The density is used as it is: see
    /// [`Event::at_time`].
    ///
    /// # Errors
    ///
    /// As [`Strategy::plan`].
    pub fn plan(
        &self,
        at: Key,
        key: Key,
        layers: &[LayerInfo<'_>],
        defaults: &Defaults,
    ) -> Result<EventPlan, PruneError> {
        self.plan_coupled(at, key, layers, &[], defaults)
    }

    /// The plan for layers with coupled channels. A coupling lists layers, each with the axis along which its channels
    /// lie; channel `i` is index `i` along each of these axes. An event that ranks channels keeps or prunes coupled
    /// channels together, by the norm over all members of two axes or more. The first member that the event selects
    /// leads, and all others follow. Couplings are facts of a model, so no strategy holds them.
    ///
    /// # Errors
    ///
    /// As [`Strategy::plan`]; [`PruneError::Coupling`].
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_schedule::{Defaults, Key, Event, LayerInfo, Piece, Scope};
    ///
    /// let half = Scope::UnifiedLocal(prune_core::Density::new(0.5)?);
    /// let event = Event::pieces(half, Piece::channels())?.with_include(["fc1*"])?;
    /// let layers = [LayerInfo::new("fc1.weight", &[6, 4]), LayerInfo::new("fc2.weight", &[3, 6])];
    /// // The second layer reads what the first one writes.
    /// let coupled = [vec![("fc1.weight".to_owned(), 0), ("fc2.weight".to_owned(), 1)]];
    /// let plan = event.plan_coupled(Key::Epoch(1), Key::Epoch(1), &layers, &coupled, &Defaults::LIBRARY)?;
    /// let asked: Vec<_> = plan.layers.iter().map(|layer| (layer.name.as_str(), layer.asked)).collect();
    /// assert_eq!(asked, [("fc1.weight", Some(12)), ("fc2.weight", Some(9))]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn plan_coupled(
        &self,
        at: Key,
        key: Key,
        layers: &[LayerInfo<'_>],
        couplings: &[Vec<(String, usize)>],
        defaults: &Defaults,
    ) -> Result<EventPlan, PruneError> {
        let mut plan = self.outline(at, PlanContext { layers, couplings, defaults: *defaults })?;
        if let Rule::Regrow(regrow) = self.rule() {
            plan.move_masked(layers, *regrow, key)?;
        }
        plan.admit(layers)?;
        if self.piece().is_some() {
            plan.forget_elements_of_pieces(layers);
        }
        Ok(plan)
    }

    /// The plan without a look at the number of alive elements. For sparse training it only lists the layers that may
    /// be updated.
    fn outline(&self, at: Key, known: PlanContext<'_>) -> Result<EventPlan, PruneError> {
        let PlanContext { layers, couplings, defaults } = known;
        let selected = select::select(at, self, layers, &defaults)?;
        let warnings = selected.iter().filter_map(|layer| layer.short_lanes(at)).collect();
        let mut plan = EventPlan {
            at,
            event: self.clone(),
            layers: selected,
            rankings: Vec::new(),
            asked: None,
            defaults: UsedDefaults::of(self, &defaults),
            warnings,
        };
        plan.couple(layers, couplings)?;
        plan.rankings = amount::rankings(at, self, plan.selected())?;
        plan.ask();
        plan.ask_of_coupled();
        if let Some(Piece::Channels { bias: true, .. }) = self.piece() {
            plan.add_biases(layers)?;
        }
        Ok(plan)
    }
}

/// The range of a single layer.
pub(crate) fn alone(place: usize) -> Range<usize> {
    place..place + 1
}
