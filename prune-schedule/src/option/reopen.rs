//! The field `reopen`: the way to open elements that earlier events have closed.

use super::EventOption;
use super::read::wrong;
use crate::error::{Problem, StrategyError};
use crate::event::Event;
use crate::tree::{EventFields, NodeValue};
use crate::value::Reopen;
use crate::value::reopen::{GRADIENT, RANDOM};
use crate::words::{clip, nearest};

pub(super) const OPTION: EventOption = EventOption {
    fields: &["reopen"],
    read,
    write,
    tell: |_, event| event.reopen().map(|how| format!("reopens: {how}")),
};

fn read(written: &EventFields<'_, '_>, event: Event) -> Result<Event, StrategyError> {
    written.put("reopen", event, |node, event| match &node.value {
        NodeValue::Text(name) if name == RANDOM => {
            Ok(event.with_reopen(Reopen::Random { seed: super::seed::read(written)?.unwrap_or(0) }))
        }
        NodeValue::Text(name) if name == GRADIENT => Ok(event.with_reopen(Reopen::Gradient)),
        NodeValue::Text(name) => {
            let nearest = nearest(name, [RANDOM, GRADIENT]).map(str::to_owned);
            Err(Problem::UnknownReopen { name: clip(name), nearest }.into())
        }
        _ => Err(wrong("reopen", "'random' or 'gradient'", node)),
    })
}

fn write(event: &Event) -> Vec<(&'static str, NodeValue)> {
    let name = event.reopen().map(|how| match how {
        Reopen::Random { .. } => RANDOM,
        Reopen::Gradient => GRADIENT,
    });
    name.map(|name| ("reopen", NodeValue::text(name))).into_iter().collect()
}
