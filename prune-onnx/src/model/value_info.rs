//! Types and shapes that a model states for its inputs, its outputs and the values between them.

use crate::data_type::DataType;
use crate::wire::EncodedBytes;

/// A named value with its type.
#[derive(Debug, Clone)]
pub struct ValueInfo {
    pub(crate) encoded: EncodedBytes,
    pub(crate) name: String,
    pub(crate) data_type: Option<DataType>,
    pub(crate) shape: Option<Vec<Dim>>,
}

/// The length of an axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    /// A number.
    Known(i64),
    /// A name that stands for one number wherever it occurs.
    Named(String),
    /// Not stated.
    Unknown,
}

impl ValueInfo {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of its elements; `None` if it is no tensor or the type is not stated.
    pub fn data_type(&self) -> Option<DataType> {
        self.data_type
    }

    /// Its shape; `None` if it is no tensor or even the rank is not stated.
    pub fn shape(&self) -> Option<&[Dim]> {
        self.shape.as_deref()
    }
}
