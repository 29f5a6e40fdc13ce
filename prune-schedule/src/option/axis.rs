//! The field `axis`: the axis of N:M groups, of channels, or of outputs.

use super::EventOption;
use super::read::wrong;
use crate::error::StrategyError;
use crate::event::Event;
use crate::tree::{EventFields, Node, NodeValue};
use crate::value::axis::{GroupAxis, OUTPUT, REDUCTION};

pub(super) const OPTION: EventOption = EventOption {
    fields: &["axis"],
    read,
    write,
    // A ranking within an axis is told in the words of the ranking.
    tell: |_, event| event.unit_axis().flatten().map(|axis| format!("axis {axis}")),
};

fn read(written: &EventFields<'_, '_>, event: Event) -> Result<Event, StrategyError> {
    written.put("axis", event, |node, event| event.with_axis(axis(node)?))
}

fn write(event: &Event) -> Vec<(&'static str, NodeValue)> {
    event.axis().map(|axis| ("axis", written_as(axis))).into_iter().collect()
}

fn axis(node: &Node) -> Result<GroupAxis, StrategyError> {
    let kind = || wrong("axis", "an index such as 0 or -1, 'reduction' or 'output'", node);
    match &node.value {
        NodeValue::Int(index) => Ok(GroupAxis::Index(isize::try_from(*index).map_err(|_| kind())?)),
        NodeValue::Text(word) if word == REDUCTION => Ok(GroupAxis::Reduction),
        NodeValue::Text(word) if word == OUTPUT => Ok(GroupAxis::Output),
        _ => Err(kind()),
    }
}

fn written_as(axis: GroupAxis) -> NodeValue {
    match axis {
        GroupAxis::Index(index) => NodeValue::Int(index as i64),
        GroupAxis::Reduction => NodeValue::text(REDUCTION),
        GroupAxis::Output => NodeValue::text(OUTPUT),
    }
}
