//! Writes a session as the bytes of a checkpoint.

use std::collections::HashMap;

use safetensors::{Dtype, View as _};

use super::digest::digest;
use super::{
    CHECKPOINT_FILE, DIGEST, FORMAT, HISTORY, Header, METADATA, PRUNER, REWIND, RunSettings, VERSION, WEIGHTS,
    tensor_name,
};
use crate::nn::Optimiser as _;
use crate::run::RunError;
use crate::run::tensors::{self, StoredTensor};
use crate::train::{Backend, Session, TrainedState, TwinRole};

/// The content of `checkpoint.safetensors` for a session in its present state, after any step.
///
/// # Errors
///
/// [`RunError::Encode`].
pub fn encode<P: Backend>(settings: &RunSettings, session: &Session<'_, P>) -> Result<Vec<u8>, RunError> {
    let refused = |why: String| RunError::Encode { file: CHECKPOINT_FILE, why };
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        settings: settings.clone(),
        epoch: session.history.epochs.len() as u64,
        begun: session.begun,
        twin: session.twin.is_some(),
    };
    let metadata = serde_json::to_string(&header).map_err(|error| refused(error.to_string()))?;
    let history = serde_json::to_vec(&session.history).map_err(|error| refused(error.to_string()))?;

    let mut tensors = Vec::new();
    network(TwinRole::Pruned, &session.pruned, &mut tensors).map_err(refused)?;
    if let Some(twin) = &session.twin {
        network(TwinRole::Twin, twin, &mut tensors).map_err(refused)?;
    }
    for (epoch, params) in &session.snapshots {
        let written = tensors::tensors(params).map_err(refused)?.into_iter();
        tensors.extend(written.map(|(name, tensor)| (format!("{REWIND}/{epoch}/{name}"), tensor)));
    }
    tensors.push((PRUNER.to_owned(), StoredTensor::bytes(session.pruner.to_json().into_bytes())));
    tensors.push((HISTORY.to_owned(), StoredTensor::bytes(history)));
    let views = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.dtype(), tensor.shape(), &*tensor.bytes));
    let digest = digest(&metadata, views);
    tensors.push((DIGEST.to_owned(), StoredTensor { dtype: Dtype::U8, shape: vec![32], bytes: digest.into() }));
    safetensors::serialize(tensors, Some(HashMap::from([(METADATA.to_owned(), metadata)])))
        .map_err(|error| refused(error.to_string()))
}

/// Adds a network's weights and its optimiser's buffers.
fn network<P: Backend>(
    role: TwinRole,
    state: &TrainedState<P>,
    tensors: &mut Vec<(String, StoredTensor)>,
) -> Result<(), String> {
    let buffers = state.optimiser.buffers();
    for (buffer, params) in [(WEIGHTS, &state.params)].into_iter().chain(buffers) {
        let written = tensors::tensors(params)?.into_iter();
        tensors.extend(written.map(|(name, tensor)| (tensor_name(role, buffer, &name), tensor)));
    }
    Ok(())
}
