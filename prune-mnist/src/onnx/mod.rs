//! Networks as ONNX files, for engines and for `prune shrink`, and back again after shrinking.
//!
//! Parameters keep their names and shapes, so masks and checkpoints of a run fit the file. Kernels of convolutions
//! stay (height, width, inputs, features); a `Transpose` in the graph, which engines run once, gives operators their
//! order. Activation pruning is no part of the file.

mod read;
#[cfg(test)]
mod tests;
mod write;

use crate::nn::NnError;

pub use self::read::read;
pub use self::write::{INPUT, OUTPUT, write};

/// The reason why a network cannot be written, or a file cannot be read as a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// The description makes no network.
    #[error(transparent)]
    Network(#[from] NnError),
    /// The file is not a model.
    #[error(transparent)]
    File(#[from] prune_onnx::Error),
    /// A parameter that cannot be read.
    #[error("{name}: {source}")]
    Parameter {
        /// Its name.
        name: String,
        /// The cause.
        source: prune_core::Error,
    },
    /// The model has a parameter that the file or the set lacks.
    #[error("there is no parameter `{name}`, which {model} has")]
    Absent {
        /// Its name.
        name: String,
        /// The model.
        model: String,
    },
    /// A parameter has a shape that no network of these layers has.
    #[error("`{name}` has the shape {found:?}, and the layers before it leave {wanted:?}")]
    Shape {
        /// Its name.
        name: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// The shape that follows from the layers before it.
        wanted: Vec<usize>,
    },
}
