//! The field `reopen`: how an event may open elements that earlier events have closed.

use super::EventOption;
use crate::error::{Problem, StrategyError};
use crate::event::Event;
use crate::tree::{Value, Written};
use crate::value::Reopen;
use crate::value::reopen::{GRADIENT, RANDOM};
use crate::words::{clip, nearest};

pub(super) const OPTION: EventOption = EventOption {
    fields: &["reopen"],
    read,
    write,
    tell: |_, event| event.reopens().map(|how| format!("reopens: {how}")),
};

fn read(written: &Written<'_, '_>, event: Event) -> Result<Event, StrategyError> {
    let Some(node) = written.get("reopen") else { return Ok(event) };
    let how = match &node.value {
        Value::Text(name) => match name.as_str() {
            RANDOM => Ok(Reopen::Random { seed: super::seed::read(written)?.unwrap_or(0) }),
            GRADIENT => Ok(Reopen::Gradient),
            other => {
                let nearest = nearest(other, [RANDOM, GRADIENT]).map(str::to_owned);
                Err(Problem::UnknownReopen { name: clip(other), nearest })
            }
        },
        other => Err(Problem::ReopenKind { found: other.describe() }),
    };
    Ok(event.reopen(how.map_err(|problem| written.at(node)(problem.into()))?))
}

fn write(event: &Event) -> Vec<(&'static str, Value)> {
    let name = event.reopens().map(|how| match how {
        Reopen::Random { .. } => RANDOM,
        Reopen::Gradient => GRADIENT,
    });
    name.map(|name| ("reopen", Value::text(name))).into_iter().collect()
}
