//! Text to strategies and back: Python literals, JSON and TOML.
//!
//! All three are read into one tree of values that remember where they stood ([`node`]); one function makes a strategy
//! of it ([`raw`]). Writing goes the other way through the same tree ([`write`]).

pub(crate) mod node;
mod python;
pub(crate) mod raw;
mod toml;
pub(crate) mod write;
pub(crate) mod written;

use crate::error::{Problem, StrategyError};
use crate::strategy::Strategy;

/// Reads a strategy in any of its forms.
pub(crate) fn read(text: &str) -> Result<Strategy, StrategyError> {
    // Some editors put a byte order mark in front.
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let tree = match python::opening(body) {
        python::Opening::Nothing => return Err(Problem::Empty.into()),
        python::Opening::Literal => python::read(body)?,
        python::Opening::Other => toml::read(body)?,
    };
    raw::strategy(raw::Source::of(body), &tree)
}
