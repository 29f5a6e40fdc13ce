//! The changes between a model that was read and the one that is written.

use std::collections::BTreeMap;

use crate::data_type::DataType;
use crate::model::AttributeValue;

/// A constant tensor of the model's graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TensorPlace {
    /// An initializer, by its position.
    Initializer(usize),
    /// The tensor in the attribute `value` of a node, by the node's position.
    Constant(usize),
    /// An initializer that the edits add, by the position that [`Edits::copy_initializer`] or
    /// [`Edits::add_initializer`] returned.
    Added(usize),
}

/// Edits of a model's graph. Everything that they do not name is written as it was read, byte for byte.
///
/// Graphs in attributes are never changed.
#[derive(Debug, Clone, Default)]
pub struct Edits {
    pub(crate) cuts: BTreeMap<TensorPlace, BTreeMap<usize, Vec<usize>>>,
    pub(crate) values: BTreeMap<TensorPlace, (Vec<usize>, Vec<u8>)>,
    pub(crate) attributes: BTreeMap<(usize, String), AttributeValue>,
    pub(crate) inputs: BTreeMap<(usize, usize), String>,
    pub(crate) lengths: BTreeMap<(String, usize), i64>,
    pub(crate) added: Vec<AddedTensor>,
}

/// An initializer that is added.
#[derive(Debug, Clone)]
pub(crate) enum AddedTensor {
    Copy { of: usize, name: String },
    New { name: String, data_type: DataType, dims: Vec<usize>, bytes: Vec<u8> },
}

impl Edits {
    /// No edits.
    pub fn new() -> Self {
        Edits::default()
    }

    /// True if nothing changes.
    pub fn is_empty(&self) -> bool {
        self.cuts.is_empty()
            && self.values.is_empty()
            && self.attributes.is_empty()
            && self.inputs.is_empty()
            && self.lengths.is_empty()
            && self.added.is_empty()
    }

    /// Keeps these indices of an axis of a constant, in this order, and drops all others. Cuts of several axes combine.
    pub fn keep(&mut self, tensor: TensorPlace, axis: usize, kept: Vec<usize>) {
        self.cuts.entry(tensor).or_default().insert(axis, kept);
    }

    /// Gives a constant another shape and values: its elements in logical order, little-endian, of its own type.
    pub fn replace(&mut self, tensor: TensorPlace, dims: Vec<usize>, bytes: Vec<u8>) {
        self.values.insert(tensor, (dims, bytes));
    }

    /// Gives a constant of type INT64 these values. It becomes a list, whatever its shape was.
    pub fn replace_ints(&mut self, tensor: TensorPlace, values: &[i64]) {
        self.replace(tensor, vec![values.len()], values.iter().flat_map(|value| value.to_le_bytes()).collect());
    }

    /// Gives a node's attribute a value: a float, a whole number, a text, or a list of these.
    pub fn set_attribute(&mut self, node: usize, name: &str, value: AttributeValue) {
        self.attributes.insert((node, name.to_owned()), value);
    }

    /// Makes a node read another value at an input slot. The slot after the last adds an input.
    pub fn set_input(&mut self, node: usize, slot: usize, name: &str) {
        self.inputs.insert((node, slot), name.to_owned());
    }

    /// States a new length of an axis of a value, wherever the model states one: for inputs, outputs, and values
    /// between them.
    pub fn set_length(&mut self, value: &str, axis: usize, length: i64) {
        self.lengths.insert((value.to_owned(), axis), length);
    }

    /// Adds a copy of an initializer under another name. The copy is cut by its own place, apart from the original.
    pub fn copy_initializer(&mut self, of: usize, name: &str) -> TensorPlace {
        self.added.push(AddedTensor::Copy { of, name: name.to_owned() });
        TensorPlace::Added(self.added.len() - 1)
    }

    /// Adds an initializer: its elements in logical order, little-endian.
    pub fn add_initializer(
        &mut self,
        name: &str,
        data_type: DataType,
        dims: Vec<usize>,
        bytes: Vec<u8>,
    ) -> TensorPlace {
        self.added.push(AddedTensor::New { name: name.to_owned(), data_type, dims, bytes });
        TensorPlace::Added(self.added.len() - 1)
    }
}
