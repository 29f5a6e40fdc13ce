//! The field `rewind`: sets kept elements back to the weights of an earlier epoch.

use super::EventOption;
use super::read::whole;
use crate::error::StrategyError;
use crate::event::Event;
use crate::tree::{EventFields, NodeValue};

pub(super) const OPTION: EventOption = EventOption {
    fields: &["rewind"],
    read,
    write,
    tell: |_, event| event.rewind().map(|epoch| format!("rewinds to epoch {epoch}")),
};

fn read(written: &EventFields<'_, '_>, event: Event) -> Result<Event, StrategyError> {
    let wanted = "the epoch to go back to, such as 0 for the initial weights";
    written.put("rewind", event, |node, event| Ok(event.with_rewind(whole("rewind", wanted, 0, node)?)))
}

fn write(event: &Event) -> Vec<(&'static str, NodeValue)> {
    event.rewind().map(|epoch| ("rewind", NodeValue::Int(epoch as i64))).into_iter().collect()
}
