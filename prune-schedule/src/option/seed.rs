//! The field `seed`, for the random draws of an event.

use super::EventOption;
use super::read::wrong;
use crate::error::{Problem, StrategyError};
use crate::event::Event;
use crate::tree::{EventFields, Node, NodeValue};

pub(super) const OPTION: EventOption = EventOption { fields: &["seed"], read: refuse_idle, write, tell: |_, _| None };

/// The seed, if one is written.
pub(crate) fn read(written: &EventFields<'_, '_>) -> Result<Option<u64>, StrategyError> {
    written.put("seed", None, |node, _| seed(node).map(Some))
}

/// A whole number, or its digits as a string, for formats without numbers of that size.
fn seed(node: &Node) -> Result<u64, StrategyError> {
    let kind = || wrong("seed", "a whole number of 0 or more", node);
    match &node.value {
        NodeValue::Int(seed) => u64::try_from(*seed).map_err(|_| kind()),
        NodeValue::Text(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().map_err(|_| kind()),
        _ => Err(kind()),
    }
}

/// Refuses a seed that no other option has used. This option is read last.
fn refuse_idle(written: &EventFields<'_, '_>, event: Event) -> Result<Event, StrategyError> {
    match (written.get("seed"), event.seed()) {
        (Some(node), None) => {
            read(written)?;
            Err(written.at(node)(Problem::SeedUnused.into()))
        }
        _ => Ok(event),
    }
}

fn write(event: &Event) -> Vec<(&'static str, NodeValue)> {
    let seed = event.seed().filter(|&seed| seed != 0);
    let value = |seed: u64| i64::try_from(seed).map_or(NodeValue::Text(seed.to_string()), NodeValue::Int);
    seed.map(|seed| ("seed", value(seed))).into_iter().collect()
}
