//! The fields `reopen` and `seed`: how an event may open elements that earlier events have closed.

use core::fmt;

use crate::error::nearest;
use crate::error::{Problem, clip};
use crate::text::node::{Node, Value};

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

impl Reopen {
    /// Reads the field `reopen` with the field `seed` beside it.
    pub(crate) fn read(how: Option<&Node>, seed: Option<&Node>) -> Result<Option<Self>, Problem> {
        let drawn = seed.map(read_seed).transpose()?;
        let how = match how.map(|node| &node.value) {
            None => None,
            Some(Value::Text(name)) => match name.as_str() {
                RANDOM => return Ok(Some(Reopen::Random { seed: drawn.unwrap_or(0) })),
                GRADIENT => Some(Reopen::Gradient),
                other => {
                    let nearest = nearest(other, [RANDOM, GRADIENT]).map(str::to_owned);
                    return Err(Problem::UnknownReopen { name: clip(other), nearest });
                }
            },
            Some(other) => return Err(Problem::ReopenKind { found: other.describe() }),
        };
        if drawn.is_some() { Err(Problem::SeedUnused) } else { Ok(how) }
    }

    /// The values of the fields `reopen` and `seed`.
    pub(crate) fn write(self) -> (Value, Option<Value>) {
        match self {
            Reopen::Random { seed: 0 } => (Value::text(RANDOM), None),
            Reopen::Random { seed } => {
                (Value::text(RANDOM), Some(i64::try_from(seed).map_or(Value::Text(seed.to_string()), Value::Int)))
            }
            Reopen::Gradient => (Value::text(GRADIENT), None),
        }
    }
}

/// A whole number, or its digits as a string where a form has no number of that size.
fn read_seed(node: &Node) -> Result<u64, Problem> {
    let kind = || Problem::SeedKind { found: node.value.describe() };
    match &node.value {
        Value::Int(seed) => u64::try_from(*seed).map_err(|_| kind()),
        Value::Text(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().map_err(|_| kind()),
        _ => Err(kind()),
    }
}

impl fmt::Display for Reopen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reopen::Random { seed } => f.pad(&format!("{RANDOM}, seed {seed}")),
            Reopen::Gradient => f.pad(GRADIENT),
        }
    }
}
