//! The times of an event under its key, and its density at each of them.

use super::{Event, Rule, Scope};
use crate::key::Key;

/// Steps from one update of sparse training to the next, if none are written (Evci et al. 2020).
const UPDATE_STEPS: u64 = 100;

impl Event {
    /// True if masks float under a key: they are made anew at each happening and not held in between.
    pub fn floats(&self, key: Key) -> bool {
        key.floats() && self.ramp().is_none() && !matches!(self.rule, Rule::Regrow(_))
    }

    /// The number of epochs or steps from one happening to the next in a range. It is `every` if that is written;
    /// otherwise 100 for sparse training over steps, and 1 for everything else.
    pub fn interval(&self, key: Key) -> u64 {
        let updates = matches!(self.rule, Rule::Regrow(_)) && key.in_steps() && key.is_range();
        let usual = if updates { UPDATE_STEPS } else { 1 };
        self.every.unwrap_or(usual)
    }

    /// True if the event happens at `time`, an epoch or step that its key covers.
    pub(crate) fn is_due(&self, key: Key, time: u64) -> bool {
        let last = key.last() == Some(time);
        last || time.saturating_sub(key.first().unwrap_or(0)).is_multiple_of(self.interval(key))
    }

    /// The first time from `time` on at which the event happens; `None` if its key ends before.
    pub(crate) fn next_due(&self, key: Key, time: u64) -> Option<u64> {
        let first = key.first().unwrap_or(1);
        let every = self.interval(key);
        let after = time.saturating_sub(first).div_ceil(every).checked_mul(every)?;
        let due = first.checked_add(after)?;
        match key.last() {
            Some(last) if last < time => None,
            Some(last) => Some(due.min(last)),
            None => Some(due),
        }
    }

    /// The event at a time, an epoch or step, of its range: its density is the one reached by then, and it has no
    /// schedule any more.
    pub fn at_time(&self, key: Key, time: u64) -> Event {
        let mut event = self.clone();
        if let (Some(ramp), Some(first), Some(last)) = (self.ramp(), key.first(), key.last())
            && let Rule::Unstructured { scope, .. } | Rule::Pieces { scope, .. } = &mut event.rule
        {
            let share = if time >= last { 1.0 } else { time.saturating_sub(first) as f64 / (last - first) as f64 };
            match scope {
                Scope::UnifiedLocal(density) | Scope::Global(density) => *density = ramp.density(*density, share),
                Scope::Local(layers) => {
                    layers.values_mut().for_each(|density| *density = ramp.density(*density, share));
                }
            }
        }
        event
    }
}
