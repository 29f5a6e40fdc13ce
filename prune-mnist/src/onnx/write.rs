//! Turns a network into a file.

use prune_core::Layers;
use prune_onnx::{AttributeValue, DataType, Dim, GraphBuilder, ModelBuilder};

use super::OnnxError;
use crate::nn::{Layer, ModelSpec, Padding, ParamSpec};

/// The name of the images: (batch, channels, height, width), pixels from 0 to 1.
pub const INPUT: &str = "image";
/// The name of the outputs before softmax: (batch, classes).
pub const OUTPUT: &str = "logits";

/// Versions of the format and of its operators that every engine of recent years reads.
const IR_VERSION: i64 = 8;
const OPSET: i64 = 17;

/// The bytes of a network as an ONNX model of 32-bit floats.
///
/// # Errors
/// A description that makes no network, or parameters that are not its own.
pub fn write(spec: &ModelSpec, params: &dyn Layers) -> Result<Vec<u8>, OnnxError> {
    let specs = spec.parameters()?;
    let summaries = spec.layers()?;
    let mut chain = Chain { graph: GraphBuilder::new(&spec.name), value: INPUT.to_owned(), count: 0 };
    let [height, width, channels] = spec.input;
    chain.graph.input(INPUT, DataType::Float, &dims(&[channels, height, width]));
    for (name, layer) in params.layers() {
        let mut values = Vec::with_capacity(layer.len());
        let name = name.into_owned();
        // The core has widened it from f32, so it is exactly the original value.
        let visited = layer.for_each_logical(|value| values.push(value as f32));
        visited.map_err(|source| OnnxError::Parameter { name: name.clone(), source })?;
        chain.graph.floats(&name, layer.shape(), &values);
    }
    let own: Vec<String> = params.layers().into_iter().map(|(name, _)| name.into_owned()).collect();
    if let Some(absent) = specs.iter().find(|spec| !own.contains(&spec.name)) {
        return Err(OnnxError::Absent { name: absent.name.clone(), model: spec.name.clone() });
    }
    let mut pairs = specs.chunks_exact(2);
    let mut is_flat = false;
    for layer in &spec.layers {
        match *layer {
            Layer::Conv { kernel, padding, .. } => {
                if let Some([kernel_spec, bias]) = pairs.next() {
                    chain.conv(kernel_spec, bias, kernel, padding);
                }
            }
            Layer::Dense { .. } => {
                if !is_flat {
                    // Rows of the kernel are in the order height, width, channels.
                    chain.add("Transpose", &[], &[ints("perm", &[0, 2, 3, 1])]);
                    chain.add("Flatten", &[], &[("axis", AttributeValue::Int(1))]);
                    is_flat = true;
                }
                if let Some([kernel, bias]) = pairs.next() {
                    chain.add("Gemm", &[&kernel.name, &bias.name], &[]);
                }
            }
            Layer::Relu => chain.add("Relu", &[], &[]),
            Layer::AvgPool { window } => chain.add("AveragePool", &[], &pool(window)),
            Layer::MaxPool { window } => chain.add("MaxPool", &[], &pool(window)),
            Layer::PruneAct => {}
        }
    }
    if !is_flat {
        chain.add("Transpose", &[], &[ints("perm", &[0, 2, 3, 1])]);
        chain.add("Flatten", &[], &[("axis", AttributeValue::Int(1))]);
    }
    chain.graph.node("Identity", &[&chain.value], &[OUTPUT], &[]);
    let classes = summaries.last().map_or(0, |summary| summary.output.iter().product());
    chain.graph.output(OUTPUT, DataType::Float, &dims(&[classes]));
    let model = ModelBuilder::new(IR_VERSION, OPSET).producer("prune-mnist", env!("CARGO_PKG_VERSION"));
    Ok(model.finish(&chain.graph))
}

/// A graph in which each node reads the output of the last one.
struct Chain {
    graph: GraphBuilder,
    value: String,
    count: usize,
}

impl Chain {
    fn add(&mut self, op_type: &str, more: &[&str], attributes: &[(&str, AttributeValue)]) {
        let output = format!("{op_type}_{}", self.count);
        self.count += 1;
        let inputs: Vec<&str> = [self.value.as_str()].into_iter().chain(more.iter().copied()).collect();
        self.graph.node(op_type, &inputs, &[&output], attributes);
        self.value = output;
    }

    fn conv(&mut self, kernel: &ParamSpec, bias: &ParamSpec, [height, width]: [usize; 2], padding: Padding) {
        let turned = format!("{}-turned", kernel.name);
        self.graph.node("Transpose", &[&kernel.name], &[&turned], &[ints("perm", &[3, 2, 0, 1])]);
        let before = |size: usize| match padding {
            Padding::Same => (size as i64 - 1) / 2,
            Padding::Valid => 0,
        };
        let after = |size: usize| match padding {
            Padding::Same => size as i64 - 1 - before(size),
            Padding::Valid => 0,
        };
        let pads = [before(height), before(width), after(height), after(width)];
        let shape = [height as i64, width as i64];
        self.add("Conv", &[&turned, &bias.name], &[ints("kernel_shape", &shape), ints("pads", &pads)]);
    }
}

fn pool(window: usize) -> [(&'static str, AttributeValue); 2] {
    let both = [window as i64; 2];
    [ints("kernel_shape", &both), ints("strides", &both)]
}

fn ints(name: &'static str, values: &[i64]) -> (&'static str, AttributeValue) {
    (name, AttributeValue::Ints(values.to_vec()))
}

fn dims(sizes: &[usize]) -> Vec<Dim> {
    let known = sizes.iter().map(|&size| Dim::Known(size as i64));
    [Dim::Named("batch".to_owned())].into_iter().chain(known).collect()
}
