//! A tensor that contradicts itself.

use crate::data_type::DataType;

/// Problems of one tensor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorProblem {
    /// A length of an axis below zero.
    #[error("axis {axis} has the length {length}")]
    Negative {
        /// The axis.
        axis: usize,
        /// Its length.
        length: i64,
    },
    /// More elements than memory could address.
    #[error("its shape {0:?} has more elements than can be counted")]
    Huge(Vec<usize>),
    /// Data of a length that the shape does not ask for.
    #[error("its shape {shape:?} of {data_type} needs {wanted} {units} of data, and there are {found}")]
    Length {
        /// The shape.
        shape: Vec<usize>,
        /// The type.
        data_type: DataType,
        /// The count that the shape asks for.
        wanted: u64,
        /// The count that was found.
        found: u64,
        /// The unit of the counts: bytes or values.
        units: &'static str,
    },
    /// A type that does not go with the field that holds the data.
    #[error("its type {0} cannot be written as its data is")]
    Form(DataType),
    /// Elements in two places at once.
    #[error("its elements are written twice, in different fields")]
    Twice,
    /// The field `segment`, which no tool writes.
    #[error("it is one segment of a tensor; save the model with whole tensors")]
    Segment,
    /// A value outside of the range of its type.
    #[error("element {index} is {value}, which {data_type} does not have")]
    Range {
        /// The element.
        index: usize,
        /// Its value.
        value: i64,
        /// The type.
        data_type: DataType,
    },
    /// Elements that are no numbers, or whose type is not read.
    #[error("elements of type {0} are not read as numbers")]
    NotNumbers(DataType),
    /// Edits that do not fit the tensor.
    #[error("it cannot be cut: {0}")]
    Cut(&'static str),
}
