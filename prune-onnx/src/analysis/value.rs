//! A value of the model during the walk over its nodes.

use prune_graph::TensorId;

use crate::shapes::{Int, Shape};

/// A value that a node reads or writes.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    /// The tensor in the graph of classes. It has no axes there if the shape is unknown.
    pub(crate) id: TensorId,
    /// The shape; `None` if even the rank is not known.
    pub(crate) shape: Option<Shape>,
    /// The elements, for integer tensors of rank 0 and 1 that the walk follows.
    pub(crate) ints: Option<Vec<Int>>,
    /// If the weights of some classes are 0, the slices of these classes are exactly 0 here too. It holds for weights,
    /// and for the outputs of operators that give 0 for 0. A sum over an axis may lose an index only if one factor
    /// vanishes.
    pub(crate) vanishes: bool,
}
