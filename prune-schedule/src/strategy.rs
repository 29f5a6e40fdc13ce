//! The strategy: a table from epochs to events, checked once and correct from then on.

use std::collections::BTreeMap;

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::epoch::{Epochs, LAST_EPOCH};
use crate::error::{Problem, StrategyError};
use crate::event::Event;
use crate::text;
use crate::text::node::{self, Value};
use crate::text::raw::{self, Source};
use crate::timeline::Timeline;

/// What is pruned when: a table from epochs to events.
///
/// Read from a Python literal, JSON or TOML by [`FromStr`], or from any format of serde (as a table, or as a string
/// that holds one of the texts). Both doors go through the same checks, so a value of this type has no event that
/// cannot be carried out on *some* model; [`Pruner::check`](crate::Pruner::check) tests it against a given one. It
/// displays as the Python literal; all three forms read back to an equal strategy.
///
/// The [guide](crate::guide) shows every form.
///
/// # Examples
///
/// ```
/// use prune_schedule::Strategy;
///
/// let strategy: Strategy = "
///     {10: {'method': 'str_unified_local', 'prune_rate_pattern': (2, 4)},
///      20: {'method': 'str_unified_local', 'prune_rate_pattern': (1, 4)}}
/// ".parse()?;
/// assert_eq!(strategy.len(), 2);
/// assert_eq!(strategy.last_event_epoch(), Some(20));
/// assert_eq!(strategy.to_toml().parse::<Strategy>()?, strategy);
/// # Ok::<(), prune_schedule::StrategyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Strategy {
    /// No two keys have an epoch in common.
    events: BTreeMap<Key, Event>,
    /// No two keys have a step in common.
    steps: BTreeMap<Key, Event>,
}

/// [`Epochs`] by their first epoch, with `-1` last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u64, Epochs);

impl From<Epochs> for Key {
    fn from(epochs: Epochs) -> Self {
        Key(epochs.first().unwrap_or(u64::MAX), epochs)
    }
}

impl Strategy {
    /// A strategy of these events.
    ///
    /// # Errors
    ///
    /// [`Problem::EpochTwice`], [`Problem::EpochInRange`], [`Problem::RangesOverlap`], [`Problem::RangeReversed`] and
    /// [`Problem::EpochTooLarge`], [`Problem::StepZero`], [`Problem::FloatsWithSteps`] and [`Problem::Contradiction`], as in
    /// text.
    pub fn new<E: Into<Epochs>>(events: impl IntoIterator<Item = (E, Event)>) -> Result<Self, StrategyError> {
        let events: Vec<(Epochs, Event)> = events.into_iter().map(|(epochs, event)| (epochs.into(), event)).collect();
        for (epochs, _) in &events {
            match *epochs {
                Epochs::Range { first, last } if first > last => {
                    return Err(Problem::RangeReversed { first, last, unit: "" }.into());
                }
                Epochs::Steps { first, last } if first > last => {
                    return Err(Problem::RangeReversed { first, last, unit: " steps" }.into());
                }
                Epochs::Steps { first: 0, .. } => {
                    return Err(Problem::StepZero { found: epochs.to_string() }.into());
                }
                Epochs::At(last) | Epochs::Range { last, .. } | Epochs::Steps { last, .. } if last > LAST_EPOCH => {
                    return Err(Problem::EpochTooLarge { found: last.to_string() }.into());
                }
                _ => {}
            }
        }
        let keys: Vec<_> = events.iter().map(|(epochs, _)| (*epochs, None)).collect();
        raw::check_keys(Source::none(), &keys)?;
        for (epochs, event) in &events {
            event.check(*epochs).map_err(|error: StrategyError| error.in_epochs(*epochs))?;
        }
        check_clocks(events.iter().map(|(epochs, event)| (*epochs, event)))?;
        Ok(Self::from_checked(events))
    }

    /// A strategy of events whose keys have been checked.
    pub(crate) fn from_checked(events: Vec<(Epochs, Event)>) -> Self {
        let keyed = events.into_iter().map(|(epochs, event)| (Key::from(epochs), event));
        let (steps, events) = keyed.partition(|(key, _): &(Key, Event)| key.1.in_steps());
        Strategy { events, steps }
    }

    /// The events by their epochs in ascending order, `-1` after them; then those by steps.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = (Epochs, &Event)> {
        self.events.iter().chain(&self.steps).map(|(key, event)| (key.1, event))
    }

    /// How many events there are; a range is one.
    pub fn len(&self) -> usize {
        self.events.len() + self.steps.len()
    }

    /// Whether there are no events.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The event at the end of an epoch (0: before training), with the key it stands under. Over a range, one that happens
    /// at every second epoch only is not there at the others.
    pub fn event_at(&self, epoch: u64) -> Option<(Epochs, &Event)> {
        self.covering(epoch).filter(|(epochs, event)| event.is_due(*epochs, epoch))
    }

    /// The event at a step of the optimiser, counted from 1, with the key it stands under.
    pub fn event_at_step(&self, step: u64) -> Option<(Epochs, &Event)> {
        let (key, event) =
            self.steps.range(..=Key(step, Epochs::Steps { first: u64::MAX, last: u64::MAX })).next_back()?;
        let covers = key.1.last().is_some_and(|last| step <= last);
        (covers && event.is_due(key.1, step)).then_some((key.1, event))
    }

    /// Whether any event is counted in steps.
    pub fn has_steps(&self) -> bool {
        !self.steps.is_empty()
    }

    /// The last step that a key names; `None` without any.
    pub fn last_event_step(&self) -> Option<u64> {
        self.steps.keys().filter_map(|key| key.1.last()).max()
    }

    /// The event whose key covers an epoch, whether or not it happens then.
    pub(crate) fn covering(&self, epoch: u64) -> Option<(Epochs, &Event)> {
        let named = self.events.range(..=Key(epoch, Epochs::Others)).next_back();
        let covers = |key: &Key| key.1.last().is_some_and(|last| epoch <= last);
        let others = || self.events.get_key_value(&Key::from(Epochs::Others)).filter(|_| epoch >= 1);
        named.filter(|(key, _)| covers(key)).or_else(others).map(|(key, event)| (key.1, event))
    }

    /// The last epoch that a key or a range names; `None` without any. `-1` names none.
    pub fn last_event_epoch(&self) -> Option<u64> {
        self.events.keys().filter_map(|key| key.1.last()).max()
    }

    /// Whether `-1` is among the keys, so that there is an event at the end of every epoch.
    pub fn covers_every_epoch(&self) -> bool {
        self.events.contains_key(&Key::from(Epochs::Others))
    }

    /// Whether a mask that is made at `epoch`, under `key`, floats on from there: the next epoch has the same key.
    pub(crate) fn floats_on(&self, epoch: u64, key: Epochs) -> bool {
        let next = epoch.checked_add(1).and_then(|next| self.covering(next));
        next.is_some_and(|(next, event)| next == key && event.floats(key))
    }

    /// The first epoch after `after` that has an event, or the very first with `None`.
    pub(crate) fn next_event_after(&self, after: Option<u64>) -> Option<u64> {
        let from = after.map_or(0, |epoch| epoch.saturating_add(1));
        let named = self.events.iter().filter(|(key, _)| key.1 != Epochs::Others);
        let named = named.filter_map(|(key, event)| event.next_due(key.1, from)).min();
        // Under `-1` there is one in every epoch that no other key covers.
        let others = if self.covers_every_epoch() { self.first_other(from.max(1)) } else { None };
        [named, others].into_iter().flatten().min()
    }

    /// The first epoch from `from` on that no key but `-1` covers. Keys are gone through, not epochs: a range may be long.
    fn first_other(&self, from: u64) -> Option<u64> {
        let mut epoch = from;
        while let Some((key, _)) = self.covering(epoch) {
            let Some(last) = key.last() else { return Some(epoch) };
            epoch = last.checked_add(1)?;
        }
        None
    }

    /// The first step after `after` that has an event.
    pub(crate) fn next_event_step_after(&self, after: Option<u64>) -> Option<u64> {
        let from = after.map_or(1, |step| step.saturating_add(1));
        self.steps.iter().filter_map(|(key, event)| event.next_due(key.1, from)).min()
    }

    /// The same events for a training of `to` epochs instead of `from`: every epoch, and every step, is multiplied by
    /// `to / from` and rounded to the nearest, halves up, but not below 1; so is the epoch that an event rewinds to. Epoch 0
    /// and `-1` stay what they are, and so does `every`.
    ///
    /// # Errors
    ///
    /// [`Problem::ScaleZero`] unless both are at least 1, [`Problem::ScaleCollision`] where two events would fall on one
    /// epoch, [`Problem::EpochTooLarge`]; [`Problem::Contradiction`] where what is left of a range is too short for its event.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_schedule::Strategy;
    ///
    /// let seven: Strategy = "{2: {'method': 'unstr_global', 'density': 0.5},
    ///                         4: {'method': 'unstr_global', 'density': 0.1}}".parse()?;
    /// let three = seven.scale_epochs(7, 3)?;
    /// assert_eq!(three.events().map(|(epochs, _)| epochs.to_string()).collect::<Vec<_>>(), ["1", "2"]);
    /// # Ok::<(), prune_schedule::StrategyError>(())
    /// ```
    pub fn scale_epochs(&self, from: u64, to: u64) -> Result<Self, StrategyError> {
        if from == 0 || to == 0 {
            return Err(Problem::ScaleZero { from, to }.into());
        }
        let scale = |epoch: u64| -> Result<u64, StrategyError> {
            if epoch == 0 {
                return Ok(0);
            }
            let (epoch, from, to) = (u128::from(epoch), u128::from(from), u128::from(to));
            let scaled = ((2 * epoch * to + from) / (2 * from)).max(1);
            match u64::try_from(scaled) {
                Ok(scaled) if scaled <= LAST_EPOCH => Ok(scaled),
                _ => Err(Problem::EpochTooLarge { found: scaled.to_string() }.into()),
            }
        };
        let mut scaled: Vec<(Epochs, Event)> = Vec::with_capacity(self.len());
        let mut previous: Option<(Epochs, u64)> = None;
        for (epochs, event) in self.events() {
            let new = match epochs {
                Epochs::At(epoch) => Epochs::At(scale(epoch)?),
                Epochs::Range { first, last } => Epochs::Range { first: scale(first)?, last: scale(last)? },
                Epochs::Steps { first, last } => Epochs::Steps { first: scale(first)?, last: scale(last)? },
                Epochs::Others => Epochs::Others,
            };
            if let (Some((first, end)), Some(epoch)) = (previous, new.first())
                && first.in_steps() == new.in_steps()
                && epoch <= end
            {
                return Err(Problem::ScaleCollision { from, to, first, second: epochs, epoch }.into());
            }
            previous = new.last().map(|last| (epochs, last));
            let event = match event.rewinds_to() {
                Some(to) => event.clone().rewind(scale(to)?),
                None => event.clone(),
            };
            scaled.push((new, event));
        }
        Self::new(scaled)
    }

    /// What happens when, to which density, without any model.
    pub fn timeline(&self) -> Timeline {
        Timeline::of(self)
    }

    /// The strategy as a Python literal; the same as its `Display`.
    pub fn to_python(&self) -> String {
        text::write::python(self)
    }

    /// The strategy as JSON.
    pub fn to_json(&self) -> String {
        text::write::json(self)
    }

    /// The strategy as TOML: a table per epoch. Without events it is `{}`, since an empty text is refused.
    pub fn to_toml(&self) -> String {
        text::write::toml(self)
    }
}

/// Refuses masks that float over epochs beside events that are counted in steps.
pub(crate) fn check_clocks<'e>(events: impl Iterator<Item = (Epochs, &'e Event)> + Clone) -> Result<(), StrategyError> {
    let floating = events.clone().find(|(epochs, event)| event.floats(*epochs));
    let steps = events.into_iter().find(|(epochs, _)| epochs.in_steps());
    match (floating, steps) {
        (Some((floating, _)), Some((steps, _))) => Err(Problem::FloatsWithSteps { floating, steps }.into()),
        _ => Ok(()),
    }
}

impl FromStr for Strategy {
    type Err = StrategyError;

    /// Reads a Python literal, JSON or TOML: text that starts with `{` or `name =` is one of the first two.
    ///
    /// Takes time in proportion to the text's length, and refuses brackets nested more than 32 deep.
    fn from_str(text: &str) -> Result<Self, StrategyError> {
        text::read(text)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_python())
    }
}

impl Serialize for Strategy {
    /// As a table; in formats that do not describe themselves, as its text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            text::write::tree(self).serialize(serializer)
        } else {
            serializer.serialize_str(&self.to_python())
        }
    }
}

impl<'de> Deserialize<'de> for Strategy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tree = node::or_text(deserializer)?;
        let strategy = match &tree.value {
            Value::Text(text) => text.parse(),
            _ => raw::strategy(Source::none(), &tree),
        };
        strategy.map_err(serde::de::Error::custom)
    }
}
