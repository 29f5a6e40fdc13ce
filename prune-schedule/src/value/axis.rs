//! An axis of a layer: by its index, or by its purpose.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::names::{AxisEvidence, Class, Role};

/// The words for the axis of a layer's inputs, over which it sums, and for the axis of its outputs.
pub(crate) const REDUCTION: &str = "reduction";
pub(crate) const OUTPUT: &str = "output";

/// An axis of a layer's logical shape: that of N:M groups, of outputs or of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "RawAxis", from = "RawAxis")]
pub enum GroupAxis {
    /// An axis by its index; negative ones count from the end, as in NumPy.
    Index(isize),
    /// The axis of the layer's inputs, over which it sums, if the table of [`names`](crate::names) tells it. Hardware
    /// that skips the zeros of 2:4 needs groups along this axis.
    Reduction,
    /// The axis of the layer's outputs, told in the same way.
    Output,
}

/// An axis as strategies and reports write it: an index, or a word.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum RawAxis {
    Index(isize),
    Word(RawWord),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawWord {
    Reduction,
    Output,
}

impl From<GroupAxis> for RawAxis {
    fn from(axis: GroupAxis) -> Self {
        match axis {
            GroupAxis::Index(index) => RawAxis::Index(index),
            GroupAxis::Reduction => RawAxis::Word(RawWord::Reduction),
            GroupAxis::Output => RawAxis::Word(RawWord::Output),
        }
    }
}

impl From<RawAxis> for GroupAxis {
    fn from(raw: RawAxis) -> Self {
        match raw {
            RawAxis::Index(index) => GroupAxis::Index(index),
            RawAxis::Word(RawWord::Reduction) => GroupAxis::Reduction,
            RawAxis::Word(RawWord::Output) => GroupAxis::Output,
        }
    }
}

impl GroupAxis {
    /// The last axis: the library's default for N:M groups.
    pub const LAST: GroupAxis = GroupAxis::Index(-1);
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

/// The reason why the axis of a layer is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AxisUnknown {
    /// The layer has no axis of the written index.
    OutOfRange(isize),
    /// Nothing tells the layer's axis of inputs, or of outputs.
    Untold,
}

/// An axis of a layer, and the evidence for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerAxis {
    /// The axis, counted from the first.
    pub index: usize,
    /// The evidence for it; `None` if it was written as an index.
    pub evidence: Option<AxisEvidence>,
}

impl GroupAxis {
    /// The index of this axis in a layer of this name, shape and role: the first of the input axes for
    /// [`GroupAxis::Reduction`], the first of the output axes for [`GroupAxis::Output`].
    ///
    /// # Errors
    ///
    /// [`AxisUnknown::OutOfRange`] for an index that the shape does not have, [`AxisUnknown::Untold`] if the role has
    /// no axes.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_schedule::GroupAxis;
    /// use prune_schedule::names::{AxisEvidence, ModelFacts, roles};
    ///
    /// // The bias of a transposed convolution tells that its outputs lie on axis 1.
    /// let tensors: [(&str, &[usize]); 2] = [("up.weight", &[4, 6, 2, 2]), ("up.bias", &[6])];
    /// let role = &roles(&ModelFacts::unknown(), &tensors)[0];
    /// let output = GroupAxis::Output.of("up.weight", &[4, 6, 2, 2], role).map(|axis| (axis.index, axis.evidence));
    /// assert_eq!(output, Ok((1, Some(AxisEvidence::Bias))));
    /// let last = GroupAxis::LAST.of("up.weight", &[4, 6, 2, 2], role).map(|axis| (axis.index, axis.evidence));
    /// assert_eq!(last, Ok((3, None)));
    /// ```
    pub fn of(self, name: &str, shape: &[usize], role: &Role) -> Result<LayerAxis, AxisUnknown> {
        let rank = shape.len();
        let told = |known: Option<usize>, plain: Option<usize>| match (known, plain) {
            (Some(index), _) => Ok(LayerAxis { index, evidence: role.evidence }),
            // A tensor that is not a weight has no axes in the table. If it is pruned all the same, plain storage is
            // assumed.
            (None, Some(index)) if matches!(role.class, Class::Other(_)) => {
                Ok(LayerAxis { index, evidence: Some(AxisEvidence::Default) })
            }
            _ => Err(AxisUnknown::Untold),
        };
        match self {
            GroupAxis::Reduction => told(role.input_axis(), plain_axes(name, rank).map(|(input, _)| input)),
            GroupAxis::Output => told(role.output_axis(), plain_axes(name, rank).map(|(_, output)| output)),
            GroupAxis::Index(index) => {
                let from_start = if index < 0 { index.checked_add_unsigned(rank) } else { Some(index) };
                match from_start.and_then(|index| usize::try_from(index).ok()) {
                    Some(index) if index < rank => Ok(LayerAxis { index, evidence: None }),
                    _ => Err(AxisUnknown::OutOfRange(index)),
                }
            }
        }
    }
}

/// The usual axes of inputs and outputs for a layer whose name ends in this word: `weight` is (out, in, ..) in PyTorch,
/// `kernel` is (.., in, out) in Flax and Keras.
fn plain_axes(name: &str, rank: usize) -> Option<(usize, usize)> {
    match name.rsplit(|c: char| !c.is_alphanumeric()).next() {
        _ if rank < 2 => None,
        Some("kernel") => Some((rank - 2, rank - 1)),
        Some("weight") => Some((1, 0)),
        _ => None,
    }
}
