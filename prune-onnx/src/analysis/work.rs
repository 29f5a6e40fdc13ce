//! Multiply-adds of the operators that do most of a network's work.

use prune_graph::TensorAxis;

/// The work of one node: as many multiply-adds as the product of the lengths of some axes.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    /// The node's position.
    pub(crate) node: usize,
    /// The axes.
    pub(crate) axes: Vec<TensorAxis>,
}
