//! Weights and masks as safetensors, and weights back.
//!
//! Every tensor is written in logical order under its logical shape, so both backends write the same names and shapes,
//! and equal weights give equal files.

use std::borrow::Cow;

use prune_core::{Layers, Masks};
use safetensors::{Dtype, SafeTensors, View};

use super::RunError;
use crate::nn::{Order, ParamSpec};
use crate::train::Backend;

/// The file of the weights.
pub const MODEL_FILE: &str = "model.safetensors";
/// The file of the masks.
pub const MASKS_FILE: &str = "masks.safetensors";

/// A tensor in the form in which it is written.
pub(crate) struct StoredTensor {
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl StoredTensor {
    /// Bytes that are not numbers.
    pub(crate) fn bytes(bytes: Vec<u8>) -> Self {
        Self { dtype: Dtype::U8, shape: vec![bytes.len()], bytes }
    }
}

impl View for StoredTensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// The content of `model.safetensors`: every parameter as F32, row-major.
///
/// # Errors
///
/// [`RunError::Encode`].
pub fn model(params: &impl Layers) -> Result<Vec<u8>, RunError> {
    let refused = |why: String| RunError::Encode { file: MODEL_FILE, why };
    safetensors::serialize(tensors(params).map_err(refused)?, None).map_err(|error| refused(error.to_string()))
}

/// Every parameter with its name, as F32, row-major; or the reason why one cannot be read.
pub(crate) fn tensors(params: &impl Layers) -> Result<Vec<(String, StoredTensor)>, String> {
    let mut tensors = Vec::new();
    for (name, layer) in params.layers() {
        let mut bytes = Vec::with_capacity(layer.len() * 4);
        // The core has widened it from f32, so it is exactly the original value.
        let visited = layer.for_each_logical(|value| bytes.extend((value as f32).to_le_bytes()));
        visited.map_err(|error| error.to_string())?;
        tensors.push((name.into_owned(), StoredTensor { dtype: Dtype::F32, shape: layer.shape().to_vec(), bytes }));
    }
    Ok(tensors)
}

/// The content of `masks.safetensors`: a BOOL tensor for each layer that has a mask, 1 for kept, row-major.
///
/// # Errors
///
/// [`RunError::Encode`].
pub fn masks(masks: &Masks) -> Result<Vec<u8>, RunError> {
    let tensors = masks.iter().map(|(name, mask)| {
        let bytes = mask.iter().map(u8::from).collect();
        (name.to_owned(), StoredTensor { dtype: Dtype::BOOL, shape: mask.shape().to_vec(), bytes })
    });
    safetensors::serialize(tensors, None).map_err(|error| RunError::Encode { file: MASKS_FILE, why: error.to_string() })
}

/// Reads the parameters with these names; returns the number of tensors.
pub(crate) fn fill_named<P: Backend>(
    named: impl Fn(&str) -> String,
    params: &mut P,
    tensors: &SafeTensors<'_>,
) -> Result<usize, String> {
    let (specs, order) = (params.specs().to_vec(), params.order());
    for (index, spec) in specs.iter().enumerate() {
        let name = named(&spec.name);
        let tensor = tensors.tensor(&name).map_err(|_| format!("it has no tensor `{name}`"))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != spec.shape {
            let (found, shape) = (tensor.shape(), &spec.shape);
            return Err(format!("`{name}` is {:?} of shape {found:?}, not F32 of shape {shape:?}", tensor.dtype()));
        }
        copy(tensor.data(), spec, order, params.values_mut(index));
    }
    Ok(specs.len())
}

/// Copies row-major values into memory of either order.
fn copy(bytes: &[u8], spec: &ParamSpec, order: Order, values: &mut [f32]) {
    let (numbers, _) = bytes.as_chunks::<4>();
    for (index, number) in numbers.iter().enumerate() {
        let place = match order {
            Order::RowMajor => index,
            Order::ColumnMajor => index % spec.columns * spec.rows + index / spec.columns,
        };
        values[place] = f32::from_le_bytes(*number);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::nn::{Initialisation, ModelSpec, NalgebraParams, NdarrayParams, ParamSet, initial_parameters};
    use prune_core::Mask;

    #[test]
    fn both_backends_write_the_same_bytes() {
        let specs = ModelSpec::cnn().parameters().unwrap();
        let rows: NdarrayParams<f32> = initial_parameters(&specs, Initialisation::LecunNormal, 5);
        let columns: NalgebraParams<f32> = initial_parameters(&specs, Initialisation::LecunNormal, 5);
        let bytes = model(&rows).unwrap();
        assert!(bytes == model(&columns).unwrap());
        let read = SafeTensors::deserialize(&bytes).unwrap();
        for (index, spec) in specs.iter().enumerate() {
            let tensor = read.tensor(&spec.name).unwrap();
            assert_eq!((tensor.shape(), tensor.dtype()), (&spec.shape[..], Dtype::F32));
            let values: Vec<u8> = rows.values(index).iter().flat_map(|value| value.to_le_bytes()).collect();
            assert!(tensor.data() == values, "{}", spec.name);
        }
        assert_eq!(read.len(), specs.len());
    }

    #[test]
    fn masks_are_read_back() {
        let mut written = Masks::default();
        written.insert("a", Mask::from_bools(&[2, 3], &[true, false, true, false, false, true]).unwrap());
        let bytes = masks(&written).unwrap();
        let read = SafeTensors::deserialize(&bytes).unwrap();
        let tensor = read.tensor("a").unwrap();
        assert_eq!(
            (tensor.shape(), tensor.dtype(), tensor.data()),
            (&[2, 3][..], Dtype::BOOL, &[1, 0, 1, 0, 0, 1][..])
        );
        assert!(SafeTensors::deserialize(&masks(&Masks::default()).unwrap()).unwrap().is_empty());
    }
}
