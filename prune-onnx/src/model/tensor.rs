//! Constant tensors: type, shape, and the place of their elements.

use bytes::Bytes;

use super::External;
use crate::data_type::{DataType, TypedField};
use crate::wire::EncodedBytes;

/// A constant tensor: an initializer, or one that an attribute holds.
#[derive(Debug, Clone)]
pub struct Tensor {
    pub(crate) encoded: EncodedBytes,
    pub(crate) name: String,
    pub(crate) dims: Vec<usize>,
    pub(crate) data_type: DataType,
    pub(crate) data: Data,
}

/// The place of a tensor's elements.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// In `raw_data`: little-endian, in logical order.
    Raw(Bytes),
    /// In one of the typed fields, which are read on demand.
    Typed(TypedField),
    /// In a file beside the model.
    External(External),
}

impl Tensor {
    /// Its name; often empty in attributes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its shape.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// The type of its elements.
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// The number of its elements.
    pub fn elements(&self) -> usize {
        // The product was checked when the tensor was read.
        self.dims.iter().product()
    }

    /// True if its elements are in a file beside the model.
    pub fn is_external(&self) -> bool {
        self.external().is_some()
    }

    pub(crate) fn external(&self) -> Option<&External> {
        match &self.data {
            Data::External(external) => Some(external),
            _ => None,
        }
    }

    /// The bytes of its elements, wherever they are; `None` for texts.
    pub fn byte_len(&self) -> Option<u64> {
        self.data_type.bytes_of(self.elements())
    }
}
