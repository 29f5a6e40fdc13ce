//! The field `axis`: along which axis N:M groups run, and which axis outputs and channels lie along.

use core::fmt;

use super::EventOption;
use crate::error::{Problem, StrategyError};
use crate::event::Event;
use crate::text::node::{Node, Value};
use crate::text::written::Written;

pub(super) const OPTION: EventOption = EventOption {
    fields: &["axis"],
    read,
    write,
    // A ranking within an axis tells of it in its own words.
    tell: |_, event| event.unit_axis().flatten().map(|axis| format!("axis {axis}")),
};

fn read(written: &Written<'_, '_>, event: Event) -> Result<Event, StrategyError> {
    let Some(node) = written.get("axis") else { return Ok(event) };
    GroupAxis::read(node).and_then(|axis| event.axis(axis)).map_err(written.at(node))
}

fn write(event: &Event) -> Vec<(&'static str, Value)> {
    event.group_axis().map(|axis| ("axis", axis.write())).into_iter().collect()
}

/// The words that stand for the axis over which a layer sums, and for that of its outputs.
const REDUCTION: &str = "reduction";
const OUTPUT: &str = "output";

/// An axis of a layer's logical shape: along which N:M groups run, or along which outputs or channels lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupAxis {
    /// An axis by its index; negative ones count from the end, as in NumPy.
    Index(isize),
    /// The axis over which the layer sums, where the layer's name tells it ([`reduction_axis`]). Hardware that skips
    /// the zeros of 2:4 wants groups along it.
    Reduction,
    /// The axis of the layer's outputs, where the layer's name tells it ([`output_axis`]).
    Output,
}

impl GroupAxis {
    /// The last axis: that of N:M groups in the library where none is written.
    pub const LAST: GroupAxis = GroupAxis::Index(-1);

    pub(crate) fn read(node: &Node) -> Result<Self, StrategyError> {
        let kind = || Problem::AxisKind { found: node.value.describe() };
        match &node.value {
            Value::Int(index) => Ok(GroupAxis::Index(isize::try_from(*index).map_err(|_| kind())?)),
            Value::Text(word) if word == REDUCTION => Ok(GroupAxis::Reduction),
            Value::Text(word) if word == OUTPUT => Ok(GroupAxis::Output),
            _ => Err(kind().into()),
        }
    }

    pub(crate) fn write(self) -> Value {
        match self {
            GroupAxis::Index(index) => Value::Int(index as i64),
            GroupAxis::Reduction => Value::text(REDUCTION),
            GroupAxis::Output => Value::text(OUTPUT),
        }
    }
}

impl fmt::Display for GroupAxis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GroupAxis::Index(index) => f.pad(&index.to_string()),
            GroupAxis::Reduction => f.pad(REDUCTION),
            GroupAxis::Output => f.pad(OUTPUT),
        }
    }
}

/// The axis over which a layer sums its inputs, as its name and rank tell.
///
/// The frameworks' own names say it: what ends in `kernel` (Flax, Keras) has shape (.., in, out), so a dense kernel sums
/// over axis 0 and a convolution kernel, stored HWIO, over axis 2; what ends in `weight` (PyTorch, and most others)
/// has shape (out, in, ..), so a linear layer and a convolution, stored OIHW, sum over axis 1. Any other name, and a
/// rank below 2, tells nothing.
///
/// # Examples
///
/// ```
/// use prune_schedule::reduction_axis;
///
/// assert_eq!(reduction_axis("Dense_0-kernel", 2), Some(0));
/// assert_eq!(reduction_axis("Conv_0-kernel", 4), Some(2));
/// assert_eq!(reduction_axis("fc1.weight", 2), Some(1));
/// assert_eq!(reduction_axis("embedding", 2), None);
/// ```
pub fn reduction_axis(name: &str, rank: usize) -> Option<usize> {
    match last_word(name) {
        _ if rank < 2 => None,
        "kernel" => Some(rank - 2),
        "weight" => Some(1),
        _ => None,
    }
}

/// The axis along which a layer's outputs lie, as its name and rank tell: the last for what ends in `kernel`, the first for
/// what ends in `weight`; see [`reduction_axis`].
///
/// # Examples
///
/// ```
/// use prune_schedule::output_axis;
///
/// assert_eq!(output_axis("Conv_0-kernel", 4), Some(3));
/// assert_eq!(output_axis("fc1.weight", 2), Some(0));
/// assert_eq!(output_axis("embedding", 2), None);
/// ```
pub fn output_axis(name: &str, rank: usize) -> Option<usize> {
    let reduction = reduction_axis(name, rank)?;
    // Kernels end in (in, out), weights begin with (out, in).
    Some(if last_word(name) == "kernel" { reduction + 1 } else { 0 })
}

fn last_word(name: &str) -> &str {
    name.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or(name)
}
