//! The options of an event: fields besides its method and its amount.
//!
//! An option is a file here and a line in [`ALL`]. It says which fields it has, how to read them into an event, how to
//! write them from an event, and what a timeline tells of it.

mod axis;
mod distribution;
mod layers;
mod ranking;
mod read;
mod regrow;
mod reopen;
mod rewind;
mod score;
pub(crate) mod seed;
mod times;
pub(crate) mod unit;

use crate::error::StrategyError;
use crate::event::Event;
use crate::key::Key;
use crate::tree::{EventFields, NodeValue};

/// One option.
pub(crate) struct EventOption {
    /// The names of its fields.
    pub(crate) fields: &'static [&'static str],
    /// Reads its fields, if written, into an event.
    pub(crate) read: fn(&EventFields<'_, '_>, Event) -> Result<Event, StrategyError>,
    /// Writes its fields, without those at their default.
    pub(crate) write: fn(&Event) -> Vec<(&'static str, NodeValue)>,
    /// The text of a timeline about it, if there is something to tell.
    pub(crate) tell: fn(Key, &Event) -> Option<String>,
}

/// Every option, in the order of reading, writing and telling.
pub(crate) const ALL: [&EventOption; 11] = [
    &score::OPTION,
    &ranking::OPTION,
    &unit::OPTION,
    &axis::OPTION,
    &distribution::OPTION,
    &times::OPTION,
    &regrow::OPTION,
    &layers::OPTION,
    &reopen::OPTION,
    &rewind::OPTION,
    &seed::OPTION,
];
