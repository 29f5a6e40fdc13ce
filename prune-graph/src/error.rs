//! The errors of this crate.

/// A graph or a choice that was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// Two tensors with the same name.
    #[error("two tensors are named `{name}`; a graph needs every name once")]
    DuplicateTensor {
        /// The name.
        name: String,
    },
    /// More indices than can be numbered.
    #[error("the axes up to tensor `{name}` have {indices} indices together; at most {most} are handled")]
    TooManyIndices {
        /// The tensor that went over the bound.
        name: String,
        /// The indices up to and including that tensor.
        indices: u128,
        /// The bound.
        most: usize,
    },
    /// The values of a constant do not fill its shape.
    #[error("constant `{name}` has {got} values where its shape asks for {wanted}")]
    ValueCount {
        /// The constant.
        name: String,
        /// The values read.
        got: u128,
        /// The values of the shape.
        wanted: u128,
    },
    /// A score is not a number (rule 3 of the project's design).
    #[error("constant `{name}` has a NaN at index {index} of axis {axis}; fix the value or exclude the tensor")]
    Nan {
        /// The constant.
        name: String,
        /// The axis of the slice.
        axis: usize,
        /// The slice.
        index: usize,
    },
    /// A fraction that even the smallest model exceeds.
    #[error("at most {asked} of the {what} should stay, but {least} stay when every family keeps its fewest classes")]
    OutOfReach {
        /// The unit of the count.
        what: &'static str,
        /// The fraction that was asked for.
        asked: f64,
        /// The fraction of the smallest choice.
        least: f64,
    },
    /// A removal of every index of an axis.
    #[error("every index of axis {axis} of `{name}` would go; keep at least one")]
    EmptyAxis {
        /// The tensor.
        name: String,
        /// The axis.
        axis: usize,
    },
    /// A mask for a tensor that the graph does not have.
    #[error("a mask is for `{name}`, which is no constant of the graph{}", nearest_hint(nearest))]
    UnknownTensor {
        /// The name.
        name: String,
        /// The nearest known name.
        nearest: Option<String>,
    },
    /// A mask of another shape.
    #[error("the mask of `{name}` has shape {mask:?}, the constant {constant:?}")]
    MaskShape {
        /// The constant.
        name: String,
        /// The shape of the mask.
        mask: Vec<usize>,
        /// The shape of the constant.
        constant: Vec<usize>,
    },
    /// Masks that close no whole slice of a class.
    #[error(
        "no mask closes a whole channel that can be removed{}; prune channels in training, or give a density",
        pinned_hint(pinned)
    )]
    NoChannel {
        /// A closed slice that is pinned, if there is one: tensor, axis, index.
        pinned: Option<(String, usize, usize)>,
    },
    /// A coupling that is impossible.
    #[error("coupling of `{name}`: {why}")]
    Coupling {
        /// The tensor named.
        name: String,
        /// The fault.
        why: &'static str,
    },
    /// The values of a constant could not be read.
    #[error("cannot read the values of `{name}`: {why}")]
    Unreadable {
        /// The constant.
        name: String,
        /// The reader's message.
        why: String,
    },
}

fn nearest_hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; the nearest name is `{name}`")).unwrap_or_default()
}

fn pinned_hint(pinned: &Option<(String, usize, usize)>) -> String {
    match pinned {
        Some((name, axis, index)) => {
            format!(" (index {index} of axis {axis} of `{name}` is closed, but an operator pins it)")
        }
        None => String::new(),
    }
}
