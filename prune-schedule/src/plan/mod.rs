//! What an event will do to a model, worked out before any value is looked at.
//!
//! A plan follows from the event, what is known of the layers ([`LayerInfo`]), and what the door decides where the
//! strategy leaves it open ([`Defaults`]), and from nothing else: the pruner, its check, and whoever prunes files carry out
//! the same plan. Which layers (`select.rs`), the biases that go with them (`biases.rs`), what is ranked together and how
//! much of it is kept (`amount.rs`). A strategy is tested by its plans (`check.rs`, `bounds.rs`).

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
pub(crate) use info::Known;
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

/// What an event will do to a model.
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
    /// The event, with the density that it has come to by then.
    pub event: Event,
    /// The layers that get a mask, in the model's order; then the biases that follow them.
    pub layers: Vec<LayerPlan>,
    /// What is ranked together, and how much of it is kept. Each layer that follows no other is in one of them.
    pub rankings: Vec<RankedLayers>,
    /// How many elements the event asks to keep in all; none where it asks for units of different sizes, or units of which
    /// something is closed.
    pub asked: Option<usize>,
    /// The door's defaults for what the event leaves open.
    pub defaults: UsedDefaults,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// What an event will do to a layer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LayerPlan {
    /// Its place among the layers that were given.
    pub place: usize,
    /// Its name.
    pub name: String,
    /// Its logical shape.
    pub shape: Vec<usize>,
    /// What is to be reached; none where what is kept stays as much as it is.
    pub target: Option<Target>,
    /// The axis of its groups or channels, or of the outputs it is ranked within, where it has some.
    pub axis: Option<usize>,
    /// What told that axis; none where it was written as an index.
    pub evidence: Option<AxisEvidence>,
    /// What is known of its axes.
    pub role: Role,
    /// What is pruned in one piece, where it is not single elements or groups.
    pub unit: Option<Unit>,
    /// How many things are ranked in it: units where there are some, else elements.
    pub units: usize,
    /// How many elements it is asked to keep; none where the event asks of all layers together, or as for
    /// [`EventPlan::asked`].
    pub asked: Option<usize>,
    /// How many units it is asked to keep, where units are ranked and it is asked alone.
    pub asked_units: Option<usize>,
    /// The layer among these whose units its own are: it keeps what that one keeps, and is not ranked itself.
    pub follows: Option<usize>,
    /// Whether it counts in the scores of the units that it follows.
    pub scored: bool,
}

impl LayerPlan {
    /// A layer of which elements are ranked, if any are; nothing is asked of it yet.
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

    /// How many elements it has.
    pub(crate) fn len(&self) -> usize {
        info::len_of(&self.shape)
    }

    /// How many elements so many of what is ranked have, where all units have as many.
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

    /// Lanes that do not fill a group.
    fn short_lanes(&self, at: Key) -> Option<Warning> {
        let (Some(Target::Pattern(pattern)), Some(axis)) = (self.target, self.axis) else { return None };
        let lane = self.shape[axis];
        let short = lane < pattern.m() && self.len() > 0;
        short.then(|| Warning::ShortLanes { epoch: at.to_string(), layer: self.name.clone(), axis, lane, pattern })
    }
}

impl EventPlan {
    /// What a ranking ranks: its layers, which are asked of together.
    pub fn ranked(&self, ranking: &RankedLayers) -> &[LayerPlan] {
        self.layers.get(ranking.layers.clone()).unwrap_or_default()
    }

    /// The layers that the event selects itself, without those that follow them.
    pub(crate) fn selected(&self) -> &[LayerPlan] {
        let count = self.layers.iter().position(|layer| layer.follows.is_some()).unwrap_or(self.layers.len());
        &self.layers[..count]
    }

    /// The axis of a layer's outputs, for a score that looks at inputs of this shape; none where no axis fits, which the score
    /// refuses.
    ///
    /// # Errors
    ///
    /// [`PruneError::OutputUnknown`] where several fit and nothing tells which is meant.
    pub fn output_axis(&self, layer: &LayerPlan, inputs: &[usize]) -> Result<Option<usize>, PruneError> {
        let within_outputs = matches!(self.event.ranking(), Ranking::Output(_));
        let rank = layer.shape.len();
        select::output_of(layer, within_outputs, inputs).map_err(|()| PruneError::OutputUnknown {
            at: self.at,
            layer: layer.name.clone(),
            rank,
        })
    }

    /// Whether the event ranks its layers together.
    pub fn is_joint(&self) -> bool {
        amount::is_joint(&self.event)
    }
}

impl Strategy {
    /// What the event at a moment will do to these layers; none where there is none.
    ///
    /// # Errors
    ///
    /// [`PruneError::UnknownLayer`], [`PruneError::PatternMatchesNothing`], [`PruneError::SelectsNothing`], [`PruneError::AxisOutOfRange`],
    /// [`PruneError::ReductionUnknown`], [`PruneError::OutputUnknown`], [`PruneError::TooFewAlive`], [`PruneError::Bias`],
    /// [`PruneError::BoundIdle`], [`PruneError::NoMask`]; [`PruneError::Event`] for bounds that cannot be met.
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
    /// What the event will do to these layers at `at`, a moment of the `key` that it stands under. Its density is taken as
    /// it is: see [`Event::at_time`].
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

    /// The same of layers some of whose channels are coupled. A coupling lists layers, each with the axis along which its
    /// channels lie; channel `i` is index `i` there. An event that ranks channels keeps or prunes them together, by the norm
    /// over all members of two axes or more, in whichever member it selects first; all others follow. Couplings are facts of a
    /// model, so no strategy holds them.
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
    /// // What the first layer writes is what the second reads.
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
        let mut plan = self.outline(at, Known { layers, couplings, defaults: *defaults })?;
        if let Rule::Regrow(regrow) = self.rule() {
            plan.move_masked(layers, *regrow, key)?;
        }
        plan.admit(layers)?;
        if self.piece().is_some() {
            plan.forget_elements_of_pieces(layers);
        }
        Ok(plan)
    }

    /// The same without a look at how much is alive; of sparse training only which layers may be meant.
    fn outline(&self, at: Key, known: Known<'_>) -> Result<EventPlan, PruneError> {
        let Known { layers, couplings, defaults } = known;
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

/// Layers ranked together, or one by itself.
pub(crate) fn alone(place: usize) -> Range<usize> {
    place..place + 1
}
