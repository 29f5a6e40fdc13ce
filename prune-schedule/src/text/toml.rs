//! The reader for TOML, through the `toml` crate, whose tree keeps spans.
//!
//! The natural form is a table per epoch. Values that differ by layer go into a table below it:
//!
//! ```toml
//! [10]
//! method = "str_unified_local"
//! pattern = "2:4"
//!
//! ["20..=30"]
//! method = "unstr_local"
//! [ "20..=30".density ]
//! "fc1.weight" = 0.1
//! ```

use core::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Position, Problem, StrategyError, SyntaxError};
use crate::tree::{DEPTH, Node, NodeValue};
use crate::words::clip;

/// Reads a document.
pub(super) fn read(text: &str) -> Result<Node, StrategyError> {
    let table = DeTable::parse(text).map_err(|error| {
        let span: Option<Range<usize>> = error.span();
        if TOO_DEEP.iter().any(|message| error.message().contains(message)) {
            return too_deep(text, span.map(|span| span.start).or_else(|| many_dots(text)));
        }
        let mut why = clip(error.message());
        // The crate's message leaves out the key, so it is taken from the span.
        if let Some(key) = span.clone().and_then(|span| text.get(span)).filter(|key| !key.trim().is_empty()) {
            why = format!("{why}, at `{}`", clip(key));
        }
        StrategyError::from(Problem::Toml { why }).at(span.map(|span| Position::of(text, span.start)))
    })?;
    let value = entries(text, table.into_inner(), DEPTH)?;
    Ok(Node { at: Some(0), value })
}

/// The crate's messages for nesting more than 80 deep: in keys and headers, and in brackets.
const TOO_DEEP: [&str; 2] = ["recursion limit", "recursion depth"];

fn too_deep(text: &str, at: Option<usize>) -> StrategyError {
    let position = at.map(|at| Position::of(text, at));
    StrategyError::from(Problem::from(SyntaxError::TooDeep { limit: DEPTH })).at(position)
}

/// The start of the first line with enough dots for a key that is too deep. The crate does not say which key it was.
fn many_dots(text: &str) -> Option<usize> {
    let starts = text.split_inclusive('\n').scan(0, |next, line| {
        let start = *next;
        *next += line.len();
        Some((start, line))
    });
    let mut deep = starts.filter(|(_, line)| !line.starts_with('#') && line.matches('.').count() >= DEPTH);
    deep.next().map(|(start, _)| start)
}

/// `depth` is the number of levels that may still follow.
fn entries(text: &str, table: DeTable<'_>, depth: usize) -> Result<NodeValue, StrategyError> {
    let mut entries = Vec::new();
    for (key, value) in table {
        let at = key.span().start;
        let key = Node { at: Some(at), value: NodeValue::text(key.into_inner()) };
        entries.push((key, node(text, value, depth)?));
    }
    // The crate sorts by name; errors are about the first entry in the text.
    entries.sort_by_key(|(key, _)| key.at);
    Ok(NodeValue::Table(entries))
}

fn node(text: &str, value: Spanned<DeValue<'_>>, depth: usize) -> Result<Node, StrategyError> {
    let at = value.span().start;
    let deeper = || depth.checked_sub(1).ok_or_else(|| too_deep(text, Some(at)));
    let too_large = |written: &str| {
        let problem = Problem::from(SyntaxError::NumberTooLarge { text: clip(written) });
        StrategyError::from(problem).at(Some(Position::of(text, at)))
    };
    let value = match value.into_inner() {
        DeValue::String(string) => NodeValue::text(string),
        DeValue::Integer(integer) => NodeValue::Int(
            i64::from_str_radix(integer.as_str(), integer.radix()).map_err(|_| too_large(&integer.to_string()))?,
        ),
        DeValue::Float(float) => match float.as_str().parse::<f64>() {
            Ok(number) if number.is_infinite() && !float.as_str().contains("inf") => {
                return Err(too_large(float.as_str()));
            }
            Ok(number) => NodeValue::Float(number),
            Err(_) => return Err(too_large(float.as_str())),
        },
        DeValue::Boolean(boolean) => NodeValue::Bool(boolean),
        DeValue::Datetime(date) => NodeValue::Date(date.to_string()),
        DeValue::Array(items) => {
            let depth = deeper()?;
            NodeValue::List(items.into_iter().map(|item| node(text, item, depth)).collect::<Result<Vec<_>, _>>()?)
        }
        DeValue::Table(table) => entries(text, table, deeper()?)?,
    };
    Ok(Node { at: Some(at), value })
}
