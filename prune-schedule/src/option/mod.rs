//! What an event may carry besides its method and its amount.
//!
//! An option is a file here and a line in [`ALL`]: the fields it is written with, how they are read into an event and
//! written from one, and what a timeline tells of it.

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
use crate::tree::{Value, Written};

/// One option.
pub(crate) struct EventOption {
    /// The fields it is written with.
    pub(crate) fields: &'static [&'static str],
    /// Reads its fields into an event, where they are written.
    pub(crate) read: fn(&Written<'_, '_>, Event) -> Result<Event, StrategyError>,
    /// Its fields as they are written, those at their default left out.
    pub(crate) write: fn(&Event) -> Vec<(&'static str, Value)>,
    /// What a timeline tells of it, where there is something to tell.
    pub(crate) tell: fn(Key, &Event) -> Option<String>,
}

/// Every option, in the order in which they are read, written and told.
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
