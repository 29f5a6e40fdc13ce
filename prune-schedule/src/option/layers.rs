//! The fields `include` and `exclude`: the choice among the prunable layers.

use super::EventOption;
use super::read::wrong;
use crate::error::StrategyError;
use crate::event::Event;
use crate::glob::Glob;
use crate::tree::{EventFields, Node, NodeValue};

pub(super) const OPTION: EventOption = EventOption { fields: &["include", "exclude"], read, write, tell: |_, _| None };

fn read(written: &EventFields<'_, '_>, event: Event) -> Result<Event, StrategyError> {
    let event = written.put("include", event, |node, event| event.with_include(globs("include", node)?))?;
    written.put("exclude", event, |node, event| event.with_exclude(globs("exclude", node)?))
}

/// One pattern over names, or a list of patterns.
fn globs(field: &'static str, node: &Node) -> Result<Vec<Glob>, StrategyError> {
    let one = |node: &Node| match &node.value {
        NodeValue::Text(pattern) => Ok(Glob::new(pattern)),
        _ => Err(wrong(field, "a pattern over layer names such as '*kernel', or a list of them", node)),
    };
    match &node.value {
        NodeValue::List(items) => items.iter().map(one).collect(),
        _ => Ok(vec![one(node)?]),
    }
}

fn write(event: &Event) -> Vec<(&'static str, NodeValue)> {
    let field = |name, globs: &[Glob]| Some((name, glob_list(globs)?));
    [field("include", event.include()), field("exclude", event.exclude())].into_iter().flatten().collect()
}

/// One pattern over names as a string, several as a list.
fn glob_list(globs: &[Glob]) -> Option<NodeValue> {
    match globs {
        [] => None,
        [one] => Some(NodeValue::text(one.as_str())),
        several => Some(NodeValue::List(several.iter().map(|glob| NodeValue::text(glob.as_str()).into()).collect())),
    }
}
