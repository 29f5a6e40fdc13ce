//! The strategy: a table from epochs to events, checked once and correct from then on.

use std::collections::BTreeMap;

use crate::error::{Position, Problem, StrategyError};
use crate::event::Event;
use crate::key::{Key, KeyError, LAST_EPOCH};
use crate::moment::Moment;

/// A table from epochs to events: what is pruned when.
///
/// Read it from a Python literal, JSON or TOML by [`FromStr`](core::str::FromStr), or from any serde format (as a
/// table, or as a string that holds one of the texts). Both ways run the same checks, so every event of a value of this
/// type can be carried out on *some* model; [`Pruner::check`](crate::Pruner::check) tests it against a given one. It
/// displays as the Python literal. All three forms read back to an equal strategy.
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
    /// No two keys share an epoch.
    events: BTreeMap<KeyOrder, Event>,
    /// No two keys share a step.
    steps: BTreeMap<KeyOrder, Event>,
}

/// A [`Key`] ordered by its first epoch, with `-1` last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct KeyOrder(u64, Key);

impl From<Key> for KeyOrder {
    fn from(key: Key) -> Self {
        KeyOrder(key.first().unwrap_or(u64::MAX), key)
    }
}

impl Strategy {
    /// A strategy of these events.
    ///
    /// # Errors
    ///
    /// [`Problem::Key`], [`Problem::KeyTwice`], [`Problem::KeyInRange`], [`Problem::RangesOverlap`],
    /// [`Problem::FloatsWithSteps`] and [`Problem::Contradiction`], as for text.
    pub fn new<E: Into<Key>>(events: impl IntoIterator<Item = (E, Event)>) -> Result<Self, StrategyError> {
        let events: Vec<(Key, Event)> = events.into_iter().map(|(key, event)| (key.into(), event)).collect();
        for (key, _) in &events {
            key.check().map_err(Problem::from)?;
        }
        check_keys(&events.iter().map(|(key, _)| *key).collect::<Vec<_>>()).map_err(|clash| clash.problem(None))?;
        for (key, event) in &events {
            event.check(*key).map_err(|error: StrategyError| error.in_key(*key))?;
        }
        check_clocks(events.iter().map(|(key, event)| (*key, event)))?;
        Ok(Self::from_checked(events))
    }

    /// A strategy of events whose keys have been checked.
    pub(crate) fn from_checked(events: Vec<(Key, Event)>) -> Self {
        let keyed = events.into_iter().map(|(key, event)| (KeyOrder::from(key), event));
        let (steps, events) = keyed.partition(|(key, _): &(KeyOrder, Event)| key.1.in_steps());
        Strategy { events, steps }
    }

    /// The events in ascending order of epochs, then `-1`, then the events by steps.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = (Key, &Event)> {
        self.events.iter().chain(&self.steps).map(|(key, event)| (key.1, event))
    }

    /// The number of events; a range counts as one.
    pub fn len(&self) -> usize {
        self.events.len() + self.steps.len()
    }

    /// True if there are no events.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The event at the end of an epoch (0: before training), with its key. An event that happens at only some epochs
    /// of a range is absent at the others.
    pub fn event_at(&self, epoch: u64) -> Option<(Key, &Event)> {
        self.at(Moment::Epoch(epoch))
    }

    /// The event at a step of the optimiser, counted from 1, with its key.
    pub fn event_at_step(&self, step: u64) -> Option<(Key, &Event)> {
        self.at(Moment::Step(step))
    }

    /// The event at a moment, with its key: [`event_at`](Self::event_at) or
    /// [`event_at_step`](Self::event_at_step).
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_schedule::{Key, Moment, Strategy};
    ///
    /// let strategy: Strategy = "{2: {'method': 'unstr_global', 'density': 0.5}}".parse()?;
    /// assert_eq!(strategy.at(Moment::Epoch(2)).map(|(key, _)| key), Some(Key::Epoch(2)));
    /// assert!(strategy.at(Moment::Step(2)).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn at(&self, moment: Moment) -> Option<(Key, &Event)> {
        self.covering(moment).filter(|(key, event)| event.is_due(*key, moment.time()))
    }

    /// True if any event is counted in steps.
    pub fn has_steps(&self) -> bool {
        !self.steps.is_empty()
    }

    /// The last step that a key names; `None` if there is none.
    pub fn last_event_step(&self) -> Option<u64> {
        self.steps.keys().filter_map(|key| key.1.last()).max()
    }

    /// The event whose key covers a moment, even if it does not happen then.
    pub(crate) fn covering(&self, moment: Moment) -> Option<(Key, &Event)> {
        let (time, table) = (moment.time(), if moment.is_step() { &self.steps } else { &self.events });
        let named = table.range(..=KeyOrder(time, Key::Steps { first: u64::MAX, last: u64::MAX })).next_back();
        let covers = |key: &KeyOrder| key.1.last().is_some_and(|last| time <= last);
        let others = || table.get_key_value(&KeyOrder::from(Key::OtherEpochs)).filter(|_| time >= 1);
        named.filter(|(key, _)| covers(key)).or_else(others).map(|(key, event)| (key.1, event))
    }

    /// The last epoch that a key or a range names; `None` if there is none. `-1` names no epoch.
    pub fn last_event_epoch(&self) -> Option<u64> {
        self.events.keys().filter_map(|key| key.1.last()).max()
    }

    /// True if `-1` is among the keys, so that there is an event at the end of every epoch.
    pub fn covers_every_epoch(&self) -> bool {
        self.events.contains_key(&KeyOrder::from(Key::OtherEpochs))
    }

    /// True if a mask made at `epoch`, under `key`, floats on from there: the next epoch has the same key.
    pub(crate) fn floats_on(&self, epoch: u64, key: Key) -> bool {
        let next = epoch.checked_add(1).and_then(|next| self.covering(Moment::Epoch(next)));
        next.is_some_and(|(next, event)| next == key && event.floats(key))
    }

    /// The first epoch or step after `after` that has an event, or the first of all for `None`.
    pub(crate) fn next_after(&self, unit: fn(u64) -> Moment, after: Option<u64>) -> Option<u64> {
        let is_step = unit(0).is_step();
        let from = after.map_or(u64::from(is_step), |time| time.saturating_add(1));
        let table = if is_step { &self.steps } else { &self.events };
        let named = table.iter().filter(|(key, _)| key.1 != Key::OtherEpochs);
        let named = named.filter_map(|(key, event)| event.next_due(key.1, from)).min();
        // Under `-1` every epoch that no other key covers has an event.
        let others = if !is_step && self.covers_every_epoch() { self.first_other(from.max(1)) } else { None };
        [named, others].into_iter().flatten().min()
    }

    /// The first epoch from `from` on that only `-1` covers. The loop goes over keys, not epochs, since a range may be
    /// long.
    fn first_other(&self, from: u64) -> Option<u64> {
        let mut epoch = from;
        while let Some((key, _)) = self.covering(Moment::Epoch(epoch)) {
            let Some(last) = key.last() else { return Some(epoch) };
            epoch = last.checked_add(1)?;
        }
        None
    }

    /// The same events for a training of `to` epochs instead of `from`. Every epoch and every step is multiplied by
    /// `to / from` and rounded to the nearest, halves up, but not below 1; so is the epoch to which an event rewinds.
    /// Epoch 0, `-1` and `every` stay.
    ///
    /// # Errors
    ///
    /// [`Problem::ScaleZero`] unless both are at least 1, [`Problem::ScaleCollision`] if two events would fall on one
    /// epoch, [`Problem::Key`]; [`Problem::Contradiction`] if a range becomes too short for its event.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_schedule::Strategy;
    ///
    /// let seven: Strategy = "{2: {'method': 'unstr_global', 'density': 0.5},
    ///                         4: {'method': 'unstr_global', 'density': 0.1}}".parse()?;
    /// let three = seven.scale_epochs(7, 3)?;
    /// assert_eq!(three.events().map(|(key, _)| key.to_string()).collect::<Vec<_>>(), ["1", "2"]);
    /// # Ok::<(), prune_schedule::StrategyError>(())
    /// ```
    pub fn scale_epochs(&self, from: u64, to: u64) -> Result<Self, StrategyError> {
        if from == 0 || to == 0 {
            return Err(Problem::ScaleZero { from, to }.into());
        }
        let scale = |time: u64| -> Result<u64, StrategyError> {
            if time == 0 {
                return Ok(0);
            }
            let (time, from, to) = (u128::from(time), u128::from(from), u128::from(to));
            let scaled = ((2 * time * to + from) / (2 * from)).max(1);
            match u64::try_from(scaled) {
                Ok(scaled) if scaled <= LAST_EPOCH => Ok(scaled),
                _ => Err(Problem::from(KeyError::TooLarge { found: scaled.to_string() }).into()),
            }
        };
        let mut scaled: Vec<(Key, Event)> = Vec::with_capacity(self.len());
        let mut previous: Option<(Key, u64)> = None;
        for (key, event) in self.events() {
            let new = match key {
                Key::Epoch(epoch) => Key::Epoch(scale(epoch)?),
                Key::Epochs { first, last } => Key::Epochs { first: scale(first)?, last: scale(last)? },
                Key::Steps { first, last } => Key::Steps { first: scale(first)?, last: scale(last)? },
                Key::OtherEpochs => Key::OtherEpochs,
            };
            if let (Some((first, end)), Some(time)) = (previous, new.first())
                && first.in_steps() == new.in_steps()
                && time <= end
            {
                return Err(Problem::ScaleCollision { from, to, first, second: key, time }.into());
            }
            previous = new.last().map(|last| (key, last));
            let event = match event.rewind() {
                Some(to) => event.clone().with_rewind(scale(to)?),
                None => event.clone(),
            };
            scaled.push((new, event));
        }
        Self::new(scaled)
    }
}

/// Two keys that share an epoch or a step, by their places.
pub(crate) struct Clash {
    pub(crate) earlier: usize,
    pub(crate) later: usize,
    keys: (Key, Key),
}

impl Clash {
    /// The problem of the later key; the earlier one stands at `other`.
    pub(crate) fn problem(&self, other: Option<Position>) -> Problem {
        let (that, this) = self.keys;
        match (this.is_range(), that.is_range()) {
            _ if this == that => Problem::KeyTwice { key: this, other },
            (true, true) => Problem::RangesOverlap { range: this, with: that, other },
            (true, false) => Problem::KeyInRange { key: that, range: this, other },
            _ => Problem::KeyInRange { key: this, range: that, other },
        }
    }
}

/// Refuses two keys that share an epoch. The error is about the one that is later in the text.
pub(crate) fn check_keys(keys: &[Key]) -> Result<(), Clash> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    // Sorts by clock first: an epoch and a step are never the same.
    let span = |index: usize| {
        let (first, last) = keys[index].span().unwrap_or((u64::MAX, u64::MAX));
        (keys[index].in_steps(), first, last)
    };
    order.sort_by_key(|&index| (span(index), index));
    // Keys are sorted by their first epochs, so if any two overlap, two neighbours do.
    let overlap = |pair: &&[usize]| {
        let ((clock, _, last), (next_clock, first, _)) = (span(pair[0]), span(pair[1]));
        clock == next_clock && first <= last
    };
    let Some(pair) = order.windows(2).find(overlap) else { return Ok(()) };
    let (earlier, later) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
    Err(Clash { earlier, later, keys: (keys[earlier], keys[later]) })
}

/// Refuses a strategy in which masks float over epochs while other events are counted in steps.
pub(crate) fn check_clocks<'e>(events: impl Iterator<Item = (Key, &'e Event)> + Clone) -> Result<(), StrategyError> {
    let floating = events.clone().find(|(key, event)| event.floats(*key));
    let steps = events.into_iter().find(|(key, _)| key.in_steps());
    match (floating, steps) {
        (Some((floating, _)), Some((steps, _))) => Err(Problem::FloatsWithSteps { floating, steps }.into()),
        _ => Ok(()),
    }
}
