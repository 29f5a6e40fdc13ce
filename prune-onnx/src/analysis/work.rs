//! Multiply-adds of the operators that do most of a network's work, and the sums that they take.

use prune_graph::TensorAxis;

/// The work of one node. The number of its multiply-adds is the product of the lengths of some axes.
#[derive(Debug, Clone)]
pub(crate) struct WorkAxes {
    /// The node's position.
    pub(crate) node: usize,
    /// The axes.
    pub(crate) axes: Vec<TensorAxis>,
}

/// Products that are summed over an axis of each factor.
#[derive(Debug, Clone)]
pub(crate) struct NodeSum {
    /// The node's position.
    pub(crate) node: usize,
    /// The inputs that are the factors.
    pub(crate) slots: [usize; 2],
    /// The axis of each factor.
    pub(crate) axes: [TensorAxis; 2],
    /// True if every product is 0 at an index whose classes have constants that are 0.
    pub(crate) zero: bool,
}
