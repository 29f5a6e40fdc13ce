//! New models, for exporters and tests.

use crate::data_type::DataType;
use crate::model::{AttributeValue, Dim};
#[cfg(feature = "testing")]
use crate::wire::schema::annotation;
use crate::wire::schema::{attribute, entry, graph, model, node, operator_set, shape, tensor, value_info, value_type};
use crate::wire::{put_bytes, put_float, put_int};

/// Builds the bytes of an ONNX model.
///
/// ```
/// use prune_onnx::{AttributeValue, DataType, Dim, GraphBuilder, Model, ModelBuilder};
///
/// let mut graph = GraphBuilder::new("double");
/// graph.input("x", DataType::Float, &[Dim::Named("batch".into()), Dim::Known(2)]);
/// graph.initializer("two", DataType::Float, &[], &2f32.to_le_bytes());
/// graph.node("Mul", &["x", "two"], &["y"], &[]);
/// graph.output("y", DataType::Float, &[Dim::Named("batch".into()), Dim::Known(2)]);
/// let bytes = ModelBuilder::new(8, 17).producer("me", "1").finish(&graph);
/// assert_eq!(Model::parse(bytes, ".".as_ref())?.graph().nodes().len(), 1);
/// # Ok::<(), prune_onnx::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ModelBuilder {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl ModelBuilder {
    /// A model of a version of the format, with a version of ONNX's own operators.
    pub fn new(ir_version: i64, opset: i64) -> Self {
        let mut head = Vec::new();
        put_int(&mut head, model::IR_VERSION, ir_version);
        ModelBuilder { head, tail: Vec::new() }.import("", opset)
    }

    /// Names the tool that writes the model.
    #[must_use]
    pub fn producer(mut self, name: &str, version: &str) -> Self {
        put_bytes(&mut self.head, model::PRODUCER_NAME, name.as_bytes());
        put_bytes(&mut self.head, model::PRODUCER_VERSION, version.as_bytes());
        self
    }

    /// Imports a set of operators.
    #[must_use]
    pub fn import(mut self, domain: &str, version: i64) -> Self {
        let mut set = Vec::new();
        put_bytes(&mut set, operator_set::DOMAIN, domain.as_bytes());
        put_int(&mut set, operator_set::VERSION, version);
        put_bytes(&mut self.tail, model::OPSET_IMPORT, &set);
        self
    }

    /// The bytes of the model.
    pub fn finish(&self, graph: &GraphBuilder) -> Vec<u8> {
        let mut bytes = self.head.clone();
        put_bytes(&mut bytes, model::GRAPH, &graph.bytes);
        bytes.extend_from_slice(&self.tail);
        bytes
    }
}

/// Builds a graph.
#[derive(Debug, Clone)]
pub struct GraphBuilder {
    bytes: Vec<u8>,
}

impl GraphBuilder {
    /// An empty graph.
    pub fn new(name: &str) -> Self {
        let mut bytes = Vec::new();
        put_bytes(&mut bytes, graph::NAME, name.as_bytes());
        GraphBuilder { bytes }
    }

    /// Adds an input.
    pub fn input(&mut self, name: &str, data_type: DataType, dims: &[Dim]) {
        put_bytes(&mut self.bytes, graph::INPUT, &described(name, data_type, dims));
    }

    /// Adds an output.
    pub fn output(&mut self, name: &str, data_type: DataType, dims: &[Dim]) {
        put_bytes(&mut self.bytes, graph::OUTPUT, &described(name, data_type, dims));
    }

    /// States the shape of a value between inputs and outputs.
    pub fn value_info(&mut self, name: &str, data_type: DataType, dims: &[Dim]) {
        put_bytes(&mut self.bytes, graph::VALUE_INFO, &described(name, data_type, dims));
    }

    /// Adds an initializer: its elements in logical order, little-endian.
    pub fn initializer(&mut self, name: &str, data_type: DataType, dims: &[usize], bytes: &[u8]) {
        put_bytes(&mut self.bytes, graph::INITIALIZER, &raw_tensor(name, data_type, dims, bytes));
    }

    /// Adds an initializer of 32-bit floats.
    pub fn floats(&mut self, name: &str, dims: &[usize], values: &[f32]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(name, DataType::Float, dims, &bytes);
    }

    /// Adds an initializer of 64-bit integers.
    pub fn ints(&mut self, name: &str, dims: &[usize], values: &[i64]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(name, DataType::Int64, dims, &bytes);
    }

    /// Adds an initializer whose elements are in a file beside the model.
    pub fn external(&mut self, name: &str, data_type: DataType, dims: &[usize], entries: &[(&str, &str)]) {
        let mut bytes = tensor_head(name, data_type, dims);
        for (key, value) in entries {
            let mut pair = Vec::new();
            put_bytes(&mut pair, entry::KEY, key.as_bytes());
            put_bytes(&mut pair, entry::VALUE, value.as_bytes());
            put_bytes(&mut bytes, tensor::EXTERNAL_DATA, &pair);
        }
        put_int(&mut bytes, tensor::DATA_LOCATION, 1);
        put_bytes(&mut self.bytes, graph::INITIALIZER, &bytes);
    }

    /// Adds a node of one of ONNX's own operators.
    pub fn node(&mut self, op_type: &str, inputs: &[&str], outputs: &[&str], attributes: &[(&str, AttributeValue)]) {
        self.node_of("", op_type, "", inputs, outputs, attributes);
    }

    /// Adds a node with a domain and a name.
    pub fn node_of(
        &mut self,
        domain: &str,
        op_type: &str,
        name: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, AttributeValue)],
    ) {
        let mut bytes = Vec::new();
        for input in inputs {
            put_bytes(&mut bytes, node::INPUT, input.as_bytes());
        }
        for output in outputs {
            put_bytes(&mut bytes, node::OUTPUT, output.as_bytes());
        }
        if !name.is_empty() {
            put_bytes(&mut bytes, node::NAME, name.as_bytes());
        }
        put_bytes(&mut bytes, node::OP_TYPE, op_type.as_bytes());
        for (name, value) in attributes {
            put_bytes(&mut bytes, node::ATTRIBUTE, &encode_attribute(name, value));
        }
        if !domain.is_empty() {
            put_bytes(&mut bytes, node::DOMAIN, domain.as_bytes());
        }
        put_bytes(&mut self.bytes, graph::NODE, &bytes);
    }

    /// Adds a node with an attribute that holds a tensor, as `Constant` has.
    pub fn constant(&mut self, output: &str, data_type: DataType, dims: &[usize], bytes: &[u8]) {
        let mut value = Vec::new();
        put_bytes(&mut value, attribute::NAME, b"value");
        put_bytes(&mut value, attribute::T, &raw_tensor("", data_type, dims, bytes));
        put_int(&mut value, attribute::TYPE, 4);
        let mut bytes = Vec::new();
        put_bytes(&mut bytes, node::OUTPUT, output.as_bytes());
        put_bytes(&mut bytes, node::OP_TYPE, b"Constant");
        put_bytes(&mut bytes, node::ATTRIBUTE, &value);
        put_bytes(&mut self.bytes, graph::NODE, &bytes);
    }

    /// Adds an annotation of quantisation that names a tensor.
    #[cfg(feature = "testing")]
    pub(crate) fn annotate(&mut self, tensor: &str) {
        let mut bytes = Vec::new();
        put_bytes(&mut bytes, annotation::TENSOR_NAME, tensor.as_bytes());
        put_bytes(&mut self.bytes, graph::QUANTIZATION_ANNOTATION, &bytes);
    }

    /// Adds a node with attributes that hold graphs, as `If` and `Loop` have.
    pub fn node_with_graphs(
        &mut self,
        op_type: &str,
        inputs: &[&str],
        outputs: &[&str],
        graphs: &[(&str, &GraphBuilder)],
    ) {
        let mut bytes = Vec::new();
        for input in inputs {
            put_bytes(&mut bytes, node::INPUT, input.as_bytes());
        }
        for output in outputs {
            put_bytes(&mut bytes, node::OUTPUT, output.as_bytes());
        }
        put_bytes(&mut bytes, node::OP_TYPE, op_type.as_bytes());
        for (name, inner) in graphs {
            let mut value = Vec::new();
            put_bytes(&mut value, attribute::NAME, name.as_bytes());
            put_bytes(&mut value, attribute::G, &inner.bytes);
            put_int(&mut value, attribute::TYPE, 5);
            put_bytes(&mut bytes, node::ATTRIBUTE, &value);
        }
        put_bytes(&mut self.bytes, graph::NODE, &bytes);
    }
}

/// An attribute as it is written. Graphs and unknown values get no bytes here; nodes that hold them are copied with
/// theirs.
pub(crate) fn encode_attribute(name: &str, value: &AttributeValue) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, attribute::NAME, name.as_bytes());
    let code = match value {
        AttributeValue::Float(value) => {
            put_float(&mut bytes, attribute::F, *value);
            1
        }
        AttributeValue::Int(value) => {
            put_int(&mut bytes, attribute::I, *value);
            2
        }
        AttributeValue::String(value) => {
            put_bytes(&mut bytes, attribute::S, value);
            3
        }
        AttributeValue::Tensor(tensor) => {
            put_bytes(&mut bytes, attribute::T, &tensor.encoded.bytes);
            4
        }
        AttributeValue::Graph(graph) => {
            put_bytes(&mut bytes, attribute::G, &graph.encoded.bytes);
            5
        }
        AttributeValue::Floats(values) => {
            values.iter().for_each(|value| put_float(&mut bytes, attribute::FLOATS, *value));
            6
        }
        AttributeValue::Ints(values) => {
            values.iter().for_each(|value| put_int(&mut bytes, attribute::INTS, *value));
            7
        }
        AttributeValue::Strings(values) => {
            values.iter().for_each(|value| put_bytes(&mut bytes, attribute::STRINGS, value));
            8
        }
        AttributeValue::Tensors(tensors) => {
            tensors.iter().for_each(|tensor| put_bytes(&mut bytes, attribute::TENSORS, &tensor.encoded.bytes));
            9
        }
        AttributeValue::Graphs(graphs) => {
            graphs.iter().for_each(|graph| put_bytes(&mut bytes, attribute::GRAPHS, &graph.encoded.bytes));
            10
        }
        AttributeValue::Other => 0,
    };
    put_int(&mut bytes, attribute::TYPE, code);
    bytes
}

/// A tensor without its elements.
pub(crate) fn tensor_head(name: &str, data_type: DataType, dims: &[usize]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for &length in dims {
        put_int(&mut bytes, tensor::DIMS, length as i64);
    }
    put_int(&mut bytes, tensor::DATA_TYPE, i64::from(data_type.code()));
    if !name.is_empty() {
        put_bytes(&mut bytes, tensor::NAME, name.as_bytes());
    }
    bytes
}

pub(crate) fn raw_tensor(name: &str, data_type: DataType, dims: &[usize], raw: &[u8]) -> Vec<u8> {
    let mut bytes = tensor_head(name, data_type, dims);
    put_bytes(&mut bytes, tensor::RAW_DATA, raw);
    bytes
}

/// A value with its type and shape.
pub(crate) fn described(name: &str, data_type: DataType, dims: &[Dim]) -> Vec<u8> {
    let mut lengths = Vec::new();
    for dim in dims {
        let mut length = Vec::new();
        match dim {
            Dim::Known(value) => put_int(&mut length, shape::DIM_VALUE, *value),
            Dim::Named(name) => put_bytes(&mut length, shape::DIM_PARAM, name.as_bytes()),
            Dim::Unknown => {}
        }
        put_bytes(&mut lengths, shape::DIM, &length);
    }
    let mut of_tensor = Vec::new();
    put_int(&mut of_tensor, value_type::ELEMENT, i64::from(data_type.code()));
    put_bytes(&mut of_tensor, value_type::SHAPE, &lengths);
    let mut whole = Vec::new();
    put_bytes(&mut whole, value_type::TENSOR, &of_tensor);
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, value_info::NAME, name.as_bytes());
    put_bytes(&mut bytes, value_info::TYPE, &whole);
    bytes
}
