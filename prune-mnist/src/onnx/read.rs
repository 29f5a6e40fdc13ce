//! Turns a file into a network that our own forward pass runs.

use prune_onnx::Model;

use super::OnnxError;
use crate::nn::{Layer, ModelSpec, NdarrayParams, ParamSet as _, ParamStorage as _};

/// Reads a network with the layers of `spec` from a file of [`write`](super::write), which may have been shrunk to
/// fewer features in each layer.
///
/// # Errors
/// Parameters that are absent, or whose shapes do not follow from each other.
pub fn read(spec: &ModelSpec, model: &Model) -> Result<(ModelSpec, NdarrayParams<f32>), OnnxError> {
    let tensor = |name: &str| {
        let absent = || OnnxError::Absent { name: name.to_owned(), model: spec.name.clone() };
        model.graph().initializers().iter().find(|tensor| tensor.name() == name).ok_or_else(absent)
    };
    let parameters = spec.parameters()?;
    let mut kernels = parameters.chunks_exact(2).map(|pair| pair[0].name.as_str());
    let mut layers = Vec::with_capacity(spec.layers.len());
    for &layer in &spec.layers {
        layers.push(match layer {
            Layer::Conv { .. } | Layer::Dense { .. } => {
                // The last axis of every kernel is the features.
                let kernel = tensor(kernels.next().unwrap_or_default())?;
                let features = kernel.dims().last().copied().unwrap_or(0);
                match layer {
                    Layer::Conv { kernel, padding, .. } => Layer::Conv { features, kernel, padding },
                    _ => Layer::Dense { features },
                }
            }
            other => other,
        });
    }
    let small = ModelSpec::new(spec.name.clone(), spec.input, layers);
    let specs = small.parameters()?;
    let mut params = NdarrayParams::<f32>::zeros(&specs);
    for (index, spec) in specs.iter().enumerate() {
        let tensor = tensor(&spec.name)?;
        if tensor.dims() != spec.shape {
            let (name, found, wanted) = (spec.name.clone(), tensor.dims().to_vec(), spec.shape.clone());
            return Err(OnnxError::Shape { name, found, wanted });
        }
        let into = params.values_mut(index);
        tensor.visit(|at, value| into[at] = value as f32)?;
    }
    Ok((small, params))
}
