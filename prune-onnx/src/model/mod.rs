//! The content of a model: operators, tensors, shapes and names. It is read from a file or from bytes and never
//! changes; [`Edits`](crate::Edits) state the changes for writing.

mod check;
mod external;
mod graph;
mod tensor;
mod value_info;
mod values;

use crate::wire::EncodedBytes;

pub(crate) use check::{NEWEST_OPSET, check};
pub(crate) use external::{DataFolder, Entries, External, hex};
pub use graph::{Attribute, AttributeValue, Graph, Node};
pub(crate) use tensor::Data;
pub use tensor::Tensor;
pub use value_info::{Dim, ValueInfo};

/// An ONNX model: its graph, its imports, and the bytes that it was read from.
///
/// The file is in memory once, and tensors are parts of it. External data are read only when they are asked for.
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) encoded: EncodedBytes,
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
    /// The bytes that it was read from.
    pub fn bytes(&self) -> &[u8] {
        &self.encoded.bytes
    }

    /// The version of the format.
    pub fn ir_version(&self) -> i64 {
        self.ir_version
    }

    /// The tool that wrote the model; empty if the model does not say.
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

    /// True if an operator of this domain and name is a function that the model itself defines.
    pub fn has_function(&self, domain: &str, op_type: &str) -> bool {
        let own = |domain: &str| if domain == "ai.onnx" { String::new() } else { domain.to_owned() };
        self.functions.iter().any(|(of, name)| name == op_type && own(of) == own(domain))
    }

    /// True if the model carries instructions for training, which name tensors of the graph.
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
