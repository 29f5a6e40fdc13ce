//! Values of common kinds, read for an option.

use crate::error::{Problem, StrategyError};
use crate::tree::{Node, NodeValue};
use crate::words::{clip, nearest};

/// The error for a value of the wrong kind.
pub(super) fn wrong(field: &'static str, wanted: &'static str, node: &Node) -> StrategyError {
    Problem::FieldValue { field, wanted, found: node.value.describe() }.into()
}

/// The place of a word in the list of allowed words.
pub(super) fn word(
    field: &'static str,
    wanted: &'static str,
    known: &[&'static str],
    node: &Node,
) -> Result<usize, StrategyError> {
    let NodeValue::Text(text) = &node.value else { return Err(wrong(field, wanted, node)) };
    known.iter().position(|word| word == text).ok_or_else(|| {
        let nearest = nearest(text, known.iter().copied()).map(str::to_owned);
        Problem::UnknownWord { field, word: clip(text), nearest, wanted }.into()
    })
}

/// A whole number of at least `least`.
pub(super) fn whole(field: &'static str, wanted: &'static str, least: u64, node: &Node) -> Result<u64, StrategyError> {
    match node.value {
        NodeValue::Int(number) => {
            u64::try_from(number).ok().filter(|&number| number >= least).ok_or_else(|| wrong(field, wanted, node))
        }
        _ => Err(wrong(field, wanted, node)),
    }
}

/// A number.
pub(super) fn number(field: &'static str, wanted: &'static str, node: &Node) -> Result<f64, StrategyError> {
    match node.value {
        NodeValue::Int(number) => Ok(number as f64),
        NodeValue::Float(number) => Ok(number),
        _ => Err(wrong(field, wanted, node)),
    }
}

/// True or false.
pub(super) fn flag(field: &'static str, node: &Node) -> Result<bool, StrategyError> {
    match node.value {
        NodeValue::Bool(flag) => Ok(flag),
        _ => Err(wrong(field, "True or False", node)),
    }
}
