//! Graphs, their nodes, and the attributes of those.

use super::{Tensor, ValueInfo};
use crate::wire::EncodedBytes;

/// A graph: the model's, or one that an attribute holds.
#[derive(Debug, Clone)]
pub struct Graph {
    pub(crate) encoded: EncodedBytes,
    pub(crate) name: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) initializers: Vec<Tensor>,
    pub(crate) sparse_initializers: Vec<String>,
    pub(crate) inputs: Vec<ValueInfo>,
    pub(crate) outputs: Vec<ValueInfo>,
    pub(crate) value_infos: Vec<ValueInfo>,
    pub(crate) annotated: Vec<String>,
}

impl Graph {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its nodes. Each reads only values that inputs, initializers or earlier nodes write.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Its constant tensors.
    pub fn initializers(&self) -> &[Tensor] {
        &self.initializers
    }

    /// Names of constants that are written sparse.
    pub fn sparse_initializers(&self) -> &[String] {
        &self.sparse_initializers
    }

    /// Its inputs. In models of IR version 3 initializers are among them.
    pub fn inputs(&self) -> &[ValueInfo] {
        &self.inputs
    }

    /// Its outputs.
    pub fn outputs(&self) -> &[ValueInfo] {
        &self.outputs
    }

    /// Shapes that the file states for values between inputs and outputs.
    pub fn value_infos(&self) -> &[ValueInfo] {
        &self.value_infos
    }

    /// Names of tensors in annotations of quantisation, scales and zero points among them.
    pub fn annotated(&self) -> &[String] {
        &self.annotated
    }

    /// The tensors of this graph and of all graphs in it: initializers, and those of attributes.
    pub(crate) fn all_tensors(&self) -> Box<dyn Iterator<Item = &Tensor> + '_> {
        Box::new(self.initializers.iter().chain(self.nodes.iter().flat_map(Node::tensors)))
    }
}

/// An operator with its inputs, outputs and attributes.
#[derive(Debug, Clone)]
pub struct Node {
    pub(crate) encoded: EncodedBytes,
    pub(crate) name: String,
    pub(crate) op_type: String,
    pub(crate) domain: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    pub(crate) attributes: Vec<Attribute>,
}

impl Node {
    /// Its name, which may be empty.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The operator.
    pub fn op_type(&self) -> &str {
        &self.op_type
    }

    /// The operator's domain: empty for ONNX's own.
    pub fn domain(&self) -> &str {
        if self.domain == "ai.onnx" { "" } else { &self.domain }
    }

    /// Names of the values it reads. An empty name is an input that is left out.
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// Names of the values it writes. An empty name is an output that is left out.
    pub fn outputs(&self) -> &[String] {
        &self.outputs
    }

    /// The name of an input; `None` if it is left out.
    pub fn input(&self, slot: usize) -> Option<&str> {
        self.inputs.get(slot).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The name of an output; `None` if it is left out.
    pub fn output(&self, slot: usize) -> Option<&str> {
        self.outputs.get(slot).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Its attributes.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        self.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| &attribute.value)
    }

    /// The value of an attribute that holds a whole number.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.attribute(name)? {
            AttributeValue::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of an attribute that holds whole numbers.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attribute(name)? {
            AttributeValue::Ints(values) => Some(values),
            _ => None,
        }
    }

    /// The value of an attribute that holds a float.
    pub fn float(&self, name: &str) -> Option<f32> {
        match self.attribute(name)? {
            AttributeValue::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of an attribute that holds a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attribute(name)? {
            AttributeValue::String(value) => core::str::from_utf8(value).ok(),
            _ => None,
        }
    }

    /// The tensors of its attributes, and of graphs in them.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.attributes.iter().flat_map(|attribute| match &attribute.value {
            AttributeValue::Tensor(tensor) => Box::new(core::iter::once(tensor)),
            AttributeValue::Tensors(tensors) => Box::new(tensors.iter()) as Box<dyn Iterator<Item = &Tensor>>,
            AttributeValue::Graph(graph) => graph.all_tensors(),
            AttributeValue::Graphs(graphs) => Box::new(graphs.iter().flat_map(Graph::all_tensors)),
            _ => Box::new(core::iter::empty()),
        })
    }

    /// The tensor in the attribute `value`, as `Constant` and `ConstantOfShape` have it.
    pub fn constant(&self) -> Option<&Tensor> {
        match self.attribute("value")? {
            AttributeValue::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// The node as messages name it: by its name, or by its operator and first output.
    pub fn shown(&self) -> String {
        match (self.name.as_str(), self.output(0)) {
            ("", Some(output)) => format!("{} of `{output}`", self.op_type),
            ("", None) => self.op_type.clone(),
            (name, _) => format!("{} `{name}`", self.op_type),
        }
    }
}

/// An attribute of a node.
#[derive(Debug, Clone)]
pub struct Attribute {
    pub(crate) name: String,
    pub(crate) value: AttributeValue,
}

impl Attribute {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value.
    pub fn value(&self) -> &AttributeValue {
        &self.value
    }
}

/// The value of an attribute.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AttributeValue {
    /// A float.
    Float(f32),
    /// A whole number.
    Int(i64),
    /// A text. ONNX does not say that it is UTF-8.
    String(Vec<u8>),
    /// A tensor.
    Tensor(Tensor),
    /// A graph. It may read values of the graph around it.
    Graph(Graph),
    /// Floats.
    Floats(Vec<f32>),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// Texts.
    Strings(Vec<Vec<u8>>),
    /// Tensors.
    Tensors(Vec<Tensor>),
    /// Graphs.
    Graphs(Vec<Graph>),
    /// Another kind: a type, a sparse tensor, or a reference to an attribute of a function.
    Other,
}
