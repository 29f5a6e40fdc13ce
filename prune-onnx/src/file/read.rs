//! Reading: from bytes to a model.

mod attribute;
mod tensor;
mod value_info;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{DEEPEST, Error, ExternalProblem, NotOnnx, WireProblem};
use crate::model::{DataFolder, Graph, Model, Node, OperatorSet, Tensor, check};
use crate::wire::schema::{annotation, function, graph, model, node, operator_set, sparse_tensor};
use crate::wire::{EncodedBytes, Field};

impl Model {
    /// Reads a model. Its external data must be in the file's folder. That is checked, but the data are not read.
    ///
    /// # Errors
    /// [`Error::Read`] if a file cannot be read, and all errors of [`Model::parse`].
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

    /// Reads a model from its bytes. `folder` is the folder of its external data.
    ///
    /// # Errors
    /// [`Error::NotOnnx`] for a file of another kind, [`Error::Wire`] for a broken encoding, [`Error::Graph`] for a
    /// graph that contradicts itself, [`Error::Tensor`] and [`Error::External`] for tensors whose data do not fit their
    /// shape.
    pub fn parse(bytes: impl Into<Bytes>, folder: &Path) -> Result<Model, Error> {
        let model = model(bytes.into(), &Arc::new(DataFolder::new(folder)))?;
        check(&model)?;
        Ok(model)
    }
}

/// The surroundings of a part of a model, as far as reading it needs them.
#[derive(Clone, Copy)]
pub(super) struct ReadContext<'c> {
    /// The folder of external data.
    folder: &'c Arc<DataFolder>,
    /// The number of graphs around this one.
    depth: usize,
}

/// The first version of the format in which a model names its operator sets.
const FIRST_IR_VERSION: i64 = 3;

fn model(bytes: Bytes, folder: &Arc<DataFolder>) -> Result<Model, Error> {
    if let Some(why) = other_format(&bytes) {
        return Err(Error::NotOnnx { why });
    }
    let encoded = EncodedBytes { bytes, at: 0 };
    let context = ReadContext { folder, depth: 0 };
    let message = "the model";
    let mut ir_version = 0;
    let mut producer = Vec::new();
    let mut operator_sets: Vec<OperatorSet> = Vec::new();
    let mut functions = Vec::new();
    let mut training = false;
    let mut found = None;
    for field in encoded.fields() {
        let field = field?;
        match field.number {
            model::IR_VERSION => ir_version = field.int(message)?,
            model::PRODUCER_NAME | model::PRODUCER_VERSION => {
                // Nothing depends on these texts, so bytes that are not UTF-8 are no error. They stay in the file.
                producer.push(String::from_utf8_lossy(&field.bytes(message)?.bytes).into_owned());
            }
            model::OPSET_IMPORT => operator_sets.push(operator_set(&field.bytes(message)?)?),
            model::GRAPH => once(&mut found, field, message)?,
            model::TRAINING_INFO => training = true,
            model::FUNCTIONS => functions.push(function(&field.bytes(message)?, context)?),
            _ => {}
        }
    }
    let Some(graph) = found else { return Err(Error::NotOnnx { why: NotOnnx::NoGraph }) };
    if ir_version < FIRST_IR_VERSION {
        return Err(Error::NotOnnx { why: NotOnnx::IrVersion(ir_version) });
    }
    let graph = self::graph(&graph, context)?;
    let producer = producer.join(" ");
    Ok(Model { encoded, ir_version, producer, operator_sets, functions, training, graph })
}

/// Other formats that may be mistaken for ONNX, by their first bytes.
fn other_format(bytes: &[u8]) -> Option<NotOnnx> {
    let starts = |with: &[u8]| bytes.starts_with(with);
    let header = bytes.first_chunk::<8>().map_or(0, |long| u64::from_le_bytes(*long));
    Some(if bytes.is_empty() {
        NotOnnx::Empty
    } else if starts(b"PK\x03\x04") {
        NotOnnx::Other("a zip archive, such as torch saves; export the model with torch.onnx.export")
    } else if starts(b"GGUF") {
        NotOnnx::Other("GGUF; shrink the model that it was made from")
    } else if starts(b"\x89HDF") {
        NotOnnx::Other("HDF5, such as Keras saves; export the model with tf2onnx")
    } else if bytes.get(4..8) == Some(b"TFL3") {
        NotOnnx::Other("TensorFlow Lite; convert the model with tf2onnx")
    } else if starts(b"\x80") && bytes.get(1).is_some_and(|version| (2..6).contains(version)) {
        NotOnnx::Other("a pickle; export the model with torch.onnx.export")
    } else if bytes.get(8) == Some(&b'{') && header < 1 << 30 {
        NotOnnx::Other("safetensors, which holds no graph; export the model to ONNX, or prune the checkpoint itself")
    } else if starts(b"version https://git-lfs") {
        NotOnnx::Other("a pointer of Git LFS; fetch the file itself with `git lfs pull`")
    } else if starts(b"ORTM") || bytes.get(4..8) == Some(b"ORTM") {
        NotOnnx::Other("ONNX Runtime's own format; shrink the .onnx file that it was made from")
    } else {
        return None;
    })
}

/// Stores a message that may occur only once.
fn once(into: &mut Option<EncodedBytes>, field: Field, message: &'static str) -> Result<(), Error> {
    let (number, at) = (field.number, field.encoded.clone());
    match into.replace(field.bytes(message)?) {
        None => Ok(()),
        Some(_) => at.fail(WireProblem::Twice { field: number, message }),
    }
}

fn operator_set(encoded: &EncodedBytes) -> Result<OperatorSet, Error> {
    let message = "a set of operators";
    let mut set = OperatorSet { domain: String::new(), version: 0 };
    for field in encoded.fields() {
        let field = field?;
        match field.number {
            operator_set::DOMAIN => set.domain = field.string(message)?,
            operator_set::VERSION => set.version = field.int(message)?,
            _ => {}
        }
    }
    Ok(set)
}

/// The domain and the name of a function.
fn function(encoded: &EncodedBytes, context: ReadContext<'_>) -> Result<(String, String), Error> {
    let message = "a function";
    let (mut domain, mut name) = (String::new(), String::new());
    for field in encoded.fields() {
        let field = field?;
        match field.number {
            function::DOMAIN => domain = field.string(message)?,
            function::NAME => name = field.string(message)?,
            function::NODE => {
                let node = node(field.bytes(message)?, context)?;
                node.tensors().try_for_each(|tensor| not_external(tensor, "a function"))?;
            }
            _ => {}
        }
    }
    Ok((domain, name))
}

fn graph(encoded: &EncodedBytes, context: ReadContext<'_>) -> Result<Graph, Error> {
    if context.depth >= DEEPEST {
        return encoded.fail(WireProblem::TooDeep);
    }
    let message = "a graph";
    let mut read = Graph {
        encoded: encoded.clone(),
        name: String::new(),
        nodes: Vec::new(),
        initializers: Vec::new(),
        sparse_initializers: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        value_infos: Vec::new(),
        annotated: Vec::new(),
    };
    for field in encoded.fields() {
        let field = field?;
        match field.number {
            graph::NODE => read.nodes.push(node(field.bytes(message)?, context)?),
            graph::NAME => read.name = String::from_utf8_lossy(&field.bytes(message)?.bytes).into_owned(),
            graph::INITIALIZER => read.initializers.push(tensor::tensor(field.bytes(message)?, context)?),
            graph::INPUT => read.inputs.push(value_info::value_info(field.bytes(message)?)?),
            graph::OUTPUT => read.outputs.push(value_info::value_info(field.bytes(message)?)?),
            graph::VALUE_INFO => read.value_infos.push(value_info::value_info(field.bytes(message)?)?),
            graph::QUANTIZATION_ANNOTATION => annotated(&field.bytes(message)?, &mut read.annotated)?,
            graph::SPARSE_INITIALIZER => {
                read.sparse_initializers.push(sparse(&field.bytes(message)?, context)?);
            }
            _ => {}
        }
    }
    Ok(read)
}

/// The name of a sparse tensor.
fn sparse(encoded: &EncodedBytes, context: ReadContext<'_>) -> Result<String, Error> {
    let mut name = String::new();
    for field in encoded.fields() {
        let field = field?;
        if field.number == sparse_tensor::VALUES {
            let values = tensor::tensor(field.bytes("a sparse tensor")?, context)?;
            not_external(&values, "a sparse tensor")?;
            name = values.name;
        }
    }
    Ok(name)
}

/// Refuses external data in a place where writing the model would not move it along.
fn not_external(tensor: &Tensor, place: &'static str) -> Result<(), Error> {
    let Some(external) = tensor.external() else { return Ok(()) };
    let (tensor, location) = (tensor.name.clone(), external.location.clone());
    Err(Error::External { tensor, location, problem: ExternalProblem::Hidden(place) })
}

/// The tensors that an annotation names.
fn annotated(encoded: &EncodedBytes, into: &mut Vec<String>) -> Result<(), Error> {
    let message = "an annotation";
    for field in encoded.fields() {
        let field = field?;
        match field.number {
            annotation::TENSOR_NAME => into.push(field.string(message)?),
            annotation::PARAMETERS => into.push(tensor::entry(&field.bytes(message)?)?.1),
            _ => {}
        }
    }
    Ok(())
}

fn node(encoded: EncodedBytes, context: ReadContext<'_>) -> Result<Node, Error> {
    let message = "a node";
    let mut read = Node {
        encoded,
        name: String::new(),
        op_type: String::new(),
        domain: String::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        attributes: Vec::new(),
    };
    for field in read.encoded.fields() {
        let field = field?;
        match field.number {
            node::INPUT => read.inputs.push(field.string(message)?),
            node::OUTPUT => read.outputs.push(field.string(message)?),
            node::NAME => read.name = String::from_utf8_lossy(&field.bytes(message)?.bytes).into_owned(),
            node::OP_TYPE => read.op_type = field.string(message)?,
            node::DOMAIN => read.domain = field.string(message)?,
            node::ATTRIBUTE => read.attributes.push(attribute::attribute(&field.bytes(message)?, context)?),
            _ => {}
        }
    }
    Ok(read)
}
