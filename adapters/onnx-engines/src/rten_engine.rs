//! The engine rten: an interpreter in Rust with its own reader of ONNX files, its own operators and its own optimiser.

use prune_onnx::testing::eval::{T, Values};
use prune_onnx::{AttributeValue, Edits};
use rten::{ModelOptions, Value};
use rten_tensor::prelude::*;

/// A model that the engine has loaded.
pub struct Program {
    model: rten::Model,
}

/// A model that the engine does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The model cannot be written in the form that the engine needs.
    #[error("cannot be written: {0}")]
    Write(#[from] prune_onnx::Error),
    /// The engine lacks an operator or a form of it, or the file is broken.
    #[error("cannot be loaded: {0}")]
    Load(#[from] rten::LoadError),
    /// An operator refused its inputs.
    #[error("cannot be run: {0}")]
    Run(#[from] rten::RunError),
    /// An input has more or fewer values than its shape says.
    #[error("input `{0}` does not have as many values as its shape says")]
    Input(String),
    /// Outputs of another type than f32.
    #[error("output `{0}` is not of f32")]
    Output(String),
}

impl Program {
    /// Loads a model. If `optimised` is true, the engine may fuse, fold and reorder operators.
    ///
    /// # Errors
    ///
    /// [`EngineError::Load`] and [`EngineError::Write`].
    pub fn load(model: &prune_onnx::Model, optimised: bool) -> Result<Program, EngineError> {
        let mut options = ModelOptions::with_all_ops();
        options.enable_optimization(optimised).prepack_weights(optimised);
        Ok(Program { model: options.load(with_defaults(model)?)? })
    }

    /// The outputs in the order of the model, computed in f32.
    ///
    /// # Errors
    ///
    /// [`EngineError::Run`], [`EngineError::Input`] and [`EngineError::Output`].
    pub fn run(&self, inputs: &Values) -> Result<Vec<T>, EngineError> {
        let mut fed = Vec::with_capacity(inputs.len());
        for (name, t) in inputs {
            let values: Vec<f32> = t.data.iter().map(|&v| v as f32).collect();
            let value = Value::from_shape(&t.dims, values).map_err(|_| EngineError::Input(name.clone()))?;
            fed.push((self.model.node_id(name)?, value.into()));
        }
        let outputs = self.model.output_ids();
        let found = self.model.run(fed, outputs, None)?;
        let tensors = found.into_iter().zip(outputs).map(|(value, &id)| {
            let name = || self.model.node_info(id).and_then(|node| node.name().map(str::to_owned)).unwrap_or_default();
            let tensor = value.into_tensor::<f32>().ok_or_else(|| EngineError::Output(name()))?;
            Ok(T::new(tensor.shape(), tensor.to_vec().into_iter().map(f64::from).collect()))
        });
        tensors.collect()
    }
}

/// ONNX's defaults for a window of two axes: operators, attribute, value.
const DEFAULTS: &[(&[&str], &str, &[i64])] = &[
    (&["Conv", "ConvTranspose", "MaxPool", "AveragePool"], "strides", &[1, 1]),
    (&["Conv", "ConvTranspose"], "dilations", &[1, 1]),
    (&["Conv", "ConvTranspose"], "pads", &[0, 0, 0, 0]),
];

/// The file with these defaults written out. rten 0.27 takes the number of axes from `kernel_shape`, which is optional,
/// and refuses a node without it. Windows of generated networks have two axes.
fn with_defaults(model: &prune_onnx::Model) -> Result<Vec<u8>, prune_onnx::Error> {
    let mut edits = Edits::new();
    for (at, node) in model.graph().nodes().iter().enumerate() {
        for &(operators, name, value) in DEFAULTS {
            if operators.contains(&node.op_type()) && node.attribute(name).is_none() {
                edits.set_attribute(at, name, AttributeValue::Ints(value.to_vec()));
            }
        }
    }
    let mut bytes = Vec::new();
    model.write(&edits, &mut bytes, None)?;
    Ok(bytes)
}
