//! Everything that can be wrong with a model.

mod external;
mod graph;
mod tensor;
mod wire;

use std::io;
use std::path::PathBuf;

use prune_core::printable;

pub use external::ExternalProblem;
pub use graph::GraphProblem;
pub use tensor::TensorProblem;
pub(crate) use wire::DEEPEST;
pub use wire::WireProblem;

/// A model that was refused, or could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// An output could not be written.
    #[error("cannot write the model: {source}")]
    Write {
        /// The cause.
        source: io::Error,
    },
    /// The bytes are no ONNX model.
    #[error("not an ONNX model: {why}")]
    NotOnnx {
        /// The kind of file that was found instead, and what to do.
        why: NotOnnx,
    },
    /// The encoding is broken.
    #[error("not a whole ONNX model: at byte {at}: {problem}")]
    Wire {
        /// The position in the file, in bytes.
        at: u64,
        /// The problem there.
        problem: WireProblem,
    },
    /// The model's graph contradicts itself.
    #[error(transparent)]
    Graph(#[from] GraphProblem),
    /// The classes of the model, or a choice of them, are refused.
    #[error(transparent)]
    Classes(#[from] prune_graph::GraphError),
    /// A tensor contradicts itself.
    #[error("tensor `{}`: {problem}", printable(tensor))]
    Tensor {
        /// The tensor.
        tensor: String,
        /// The problem.
        problem: TensorProblem,
    },
    /// Data in a file beside the model cannot be used.
    #[error("tensor `{}`: external data `{}`: {problem}", printable(tensor), printable(location))]
    External {
        /// The tensor.
        tensor: String,
        /// The file as the model names it.
        location: String,
        /// The problem.
        problem: ExternalProblem,
    },
}

/// Bytes that are no ONNX model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotOnnx {
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// A format that is known by its first bytes.
    #[error("the file is {0}")]
    Other(&'static str),
    /// A message without a graph.
    #[error("the file has no graph; a bare tensor or a configuration cannot be shrunk")]
    NoGraph,
    /// An `ir_version` that is not known.
    #[error("its IR version is {0}; versions from 3 are read")]
    IrVersion(i64),
}

impl Error {
    /// Adds the path to a read that failed.
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        |source| Error::Read { path, source }
    }

    pub(crate) fn tensor<T>(tensor: &str, problem: TensorProblem) -> Result<T, Error> {
        Err(Error::Tensor { tensor: tensor.to_owned(), problem })
    }
}
