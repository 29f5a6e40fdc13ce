//! A value of the model as the walk over its nodes knows it.

use prune_graph::TensorId;

use crate::shapes::{Int, Shape};

/// A value that a node reads or writes.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    /// The tensor in the graph of classes. Without a shape it has no axes there.
    pub(crate) id: TensorId,
    /// The shape; `None` if even the rank is not known.
    pub(crate) shape: Option<Shape>,
    /// The elements, for integer tensors of rank 0 and 1 that the walk follows.
    pub(crate) ints: Option<Vec<Int>>,
    /// Slices of classes that go are exactly 0 when the weights of those classes are. It holds for weights, and behind
    /// operators that give 0 for 0. A sum over an axis may lose an index only if one factor vanishes.
    pub(crate) vanishes: bool,
}
