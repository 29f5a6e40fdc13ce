//! The moment of an event: the end of an epoch, or a step of the optimiser.

use core::fmt;

use crate::key::Key;

/// The end of an epoch, or a step of the optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The end of an epoch that has trained; 0 is before training.
    Epoch(u64),
    /// After a step of the optimiser, counted from 1 over the whole training.
    Step(u64),
}

impl Moment {
    /// The number of the epoch or step.
    pub fn time(self) -> u64 {
        match self {
            Moment::Epoch(time) | Moment::Step(time) => time,
        }
    }

    /// True for a step.
    pub fn is_step(self) -> bool {
        matches!(self, Moment::Step(_))
    }

    /// The key that names only this moment.
    pub(crate) fn key(self) -> Key {
        match self {
            Moment::Epoch(epoch) => Key::Epoch(epoch),
            Moment::Step(step) => Key::Steps { first: step, last: step },
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.key().named())
    }
}
