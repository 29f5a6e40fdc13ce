//! What a model says: operators, tensors, shapes and names. It is read from a file or bytes and never changed;
//! [`Edits`](crate::Edits) say what changes on the way out.

mod check;
mod external;
mod graph;
mod tensor;
mod value_info;
mod values;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, NotOnnx};
use crate::file::read;
use crate::file::wire::Encoded;

pub use check::GraphProblem;
pub(crate) use check::NEWEST_OPSET;
pub use external::ExternalProblem;
pub(crate) use external::{Entries, External, Folder, hex};
pub use graph::{Attribute, AttributeValue, Graph, Node};
pub(crate) use tensor::{Data, Typed};
pub use tensor::{DataType, Tensor, TensorProblem};
pub use value_info::{Dim, ValueInfo};

/// An ONNX model: its graph, what it imports, and the bytes that it was read from.
///
/// The file is in memory once; tensors are parts of it. Data in files beside the model stays there until it is asked for.
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) encoded: Encoded,
    pub(crate) ir_version: i64,
    pub(crate) producer: String,
    pub(crate) operator_sets: Vec<OperatorSet>,
    pub(crate) functions: Vec<(String, String)>,
    pub(crate) training: bool,
    pub(crate) graph: Graph,
}

/// A set of operators that a model imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorSet {
    /// Its domain; empty for ONNX's own operators.
    pub domain: String,
    /// Its version.
    pub version: i64,
}

impl Model {
    /// Reads a model. External data is looked for in the file's folder and checked to be there, but not read.
    ///
    /// # Errors
    /// [`Error::Read`] where a file cannot be read, and all errors of [`Model::parse`].
    pub fn read(path: &Path) -> Result<Model, Error> {
        let about = fs::metadata(path).map_err(Error::read(path))?;
        if !about.is_file() {
            let kind = if about.is_dir() { "a folder; name the .onnx file in it" } else { "no regular file" };
            return Err(Error::NotOnnx { why: NotOnnx::Other(kind) });
        }
        let bytes = fs::read(path).map_err(Error::read(path))?;
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        Model::parse(bytes, folder)
    }

    /// Reads a model from its bytes. `folder` is where external data is.
    ///
    /// # Errors
    /// [`Error::NotOnnx`] for something else, [`Error::Wire`] for a broken encoding, [`Error::Graph`] for a graph that
    /// contradicts itself, [`Error::Tensor`] and [`Error::External`] for tensors whose data does not fit their shape.
    pub fn parse(bytes: impl Into<Bytes>, folder: &Path) -> Result<Model, Error> {
        let model = read::model(bytes.into(), &Arc::new(Folder::new(folder)))?;
        check::check(&model)?;
        Ok(model)
    }

    /// The bytes that it was read from.
    pub fn bytes(&self) -> &[u8] {
        &self.encoded.bytes
    }

    /// The version of the format.
    pub fn ir_version(&self) -> i64 {
        self.ir_version
    }

    /// The tool that wrote the model; empty where it does not say.
    pub fn producer(&self) -> &str {
        &self.producer
    }

    /// The sets of operators that are imported.
    pub fn operator_sets(&self) -> &[OperatorSet] {
        &self.operator_sets
    }

    /// The version of ONNX's own operators.
    pub fn opset(&self) -> i64 {
        let own = |set: &&OperatorSet| set.domain.is_empty() || set.domain == "ai.onnx";
        self.operator_sets.iter().find(own).map_or(1, |set| set.version)
    }

    /// Whether an operator of this domain and name is a function that the model itself defines.
    pub fn has_function(&self, domain: &str, op_type: &str) -> bool {
        let own = |domain: &str| if domain == "ai.onnx" { String::new() } else { domain.to_owned() };
        self.functions.iter().any(|(of, name)| name == op_type && own(of) == own(domain))
    }

    /// Whether the model carries instructions for training, which name tensors of the graph.
    pub fn has_training(&self) -> bool {
        self.training
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Names of the files beside the model that hold its external data, each once, in order.
    pub fn external_files(&self) -> Vec<String> {
        let mut names = Vec::new();
        for tensor in self.graph.all_tensors() {
            if let Some(external) = tensor.external()
                && !names.iter().any(|name| name == &external.location)
            {
                names.push(external.location.clone());
            }
        }
        names
    }
}
