//! The field `reopen`: how an event may open elements that earlier events have closed.

use core::fmt;

use super::EventOption;
use crate::error::{Problem, StrategyError, clip, nearest};
use crate::event::Event;
use crate::text::node::Value;
use crate::text::written::Written;

const RANDOM: &str = "random";
const GRADIENT: &str = "gradient";

/// How the elements are chosen that an event opens again (rule 9).
///
/// Events only close, unless they say otherwise with this. Elements alive stay first in rank; only what the event asks
/// beyond them is opened. Reopened weights start at zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reopen {
    /// At random: a hash of the seed, the layer's name and the logical index, the same on every platform.
    Random {
        /// The seed; 0 when nothing is written.
        seed: u64,
    },
    /// By the largest magnitude of the gradient, which the pruner must be given as evidence.
    Gradient,
}

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

impl fmt::Display for Reopen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reopen::Random { seed } => f.pad(&format!("{RANDOM}, seed {seed}")),
            Reopen::Gradient => f.pad(GRADIENT),
        }
    }
}
