//! A graph that contradicts itself.

use prune_core::printable;

/// Problems of a graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphProblem {
    /// Operators older than the oldest version that is known.
    #[error(
        "the model imports version {0} of ONNX's operators; versions from 9 are read: convert it with \
         onnx.version_converter"
    )]
    Opset(i64),
    /// A node without an operator.
    #[error("node {0} has no operator")]
    NoOperator(usize),
    /// A value that two nodes or inputs write.
    #[error("`{}` is written twice, the second time by {by}", printable(name))]
    Twice {
        /// The value.
        name: String,
        /// The node that writes it again.
        by: String,
    },
    /// A value that nothing writes.
    #[error("{} reads `{}`, which nothing writes", printable(by), printable(name))]
    Missing {
        /// The node that reads it.
        by: String,
        /// The value.
        name: String,
    },
    /// A value that is read before it is written.
    #[error(
        "{} reads `{}`, which it writes itself or a later node does: the nodes are not in order, or go in a circle",
        printable(by),
        printable(name)
    )]
    Later {
        /// The node that reads it.
        by: String,
        /// The value.
        name: String,
    },
}
