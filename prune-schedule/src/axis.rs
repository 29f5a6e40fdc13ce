//! The field `axis`: along which axis N:M groups run.

use core::fmt;

use crate::error::{Problem, StrategyError};
use crate::text::node::{Node, Value};

/// The word that stands for the axis over which a layer sums.
const REDUCTION: &str = "reduction";

/// Along which axis of a layer's logical shape N:M groups run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupAxis {
    /// An axis by its index; negative ones count from the end, as in NumPy.
    Index(isize),
    /// The axis over which the layer sums, where the layer's name tells it ([`reduction_axis`]). Hardware that skips
    /// the zeros of 2:4 wants groups along it.
    Reduction,
}

impl GroupAxis {
    /// The last axis: what holds when nothing is written.
    pub const LAST: GroupAxis = GroupAxis::Index(-1);

    pub(crate) fn read(node: &Node) -> Result<Self, StrategyError> {
        let kind = || Problem::AxisKind { found: node.value.describe() };
        match &node.value {
            Value::Int(index) => Ok(GroupAxis::Index(isize::try_from(*index).map_err(|_| kind())?)),
            Value::Text(word) if word == REDUCTION => Ok(GroupAxis::Reduction),
            _ => Err(kind().into()),
        }
    }

    pub(crate) fn write(self) -> Value {
        match self {
            GroupAxis::Index(index) => Value::Int(index as i64),
            GroupAxis::Reduction => Value::text(REDUCTION),
        }
    }
}

impl Default for GroupAxis {
    fn default() -> Self {
        Self::LAST
    }
}

impl fmt::Display for GroupAxis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GroupAxis::Index(index) => f.pad(&index.to_string()),
            GroupAxis::Reduction => f.pad(REDUCTION),
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
    let last = name.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or(name);
    match last {
        _ if rank < 2 => None,
        "kernel" => Some(rank - 2),
        "weight" => Some(1),
        _ => None,
    }
}
