//! Finished runs on disk, each in a file of its own that appears whole or not at all.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use super::error::PaperError;
use super::outcome::Outcome;
use super::settings::Settings;
use crate::demo::{OutFolder, save};
use crate::nn::{NdarrayParams, ParamSet as _, ParamStorage as _};

/// The folder of finished runs. One process at a time.
pub(super) struct Cache {
    folder: Mutex<OutFolder>,
}

impl Cache {
    /// Opens or makes the folder.
    pub(super) fn open(path: &Path) -> Result<Self, PaperError> {
        Ok(Self { folder: Mutex::new(OutFolder::open(path, &[])?) })
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let folder = self.folder.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        fs::read(folder.path().join(name)).ok()
    }

    /// The finished run of these settings. A file that is cut, or does not hold what these settings give, is as good as
    /// none: the run is repeated and the file replaced.
    pub(super) fn outcome(&self, settings: &Settings) -> Option<Outcome> {
        let bytes = self.read(&format!("{}.json", settings.key()))?;
        let outcome: Outcome = serde_json::from_slice(&bytes).ok()?;
        outcome.is_of(settings).then_some(outcome)
    }

    /// The weights of a finished dense network.
    pub(super) fn weights(&self, settings: &Settings) -> Option<NdarrayParams<f32>> {
        let bytes = self.read(&format!("{}.safetensors", settings.key()))?;
        let tensors = safetensors::SafeTensors::deserialize(&bytes).ok()?;
        let specs = settings.net.spec().parameters().ok()?;
        let mut params = NdarrayParams::zeros(&specs);
        for (index, spec) in specs.iter().enumerate() {
            let tensor = tensors.tensor(&spec.name).ok()?;
            if tensor.dtype() != safetensors::Dtype::F32 || tensor.shape() != spec.shape {
                return None;
            }
            let (numbers, _) = tensor.data().as_chunks::<4>();
            let values = params.values_mut(index).iter_mut().zip(numbers);
            values.for_each(|(value, number)| *value = f32::from_le_bytes(*number));
        }
        Some(params)
    }

    /// Stores a finished run, and of a dense network also the weights.
    pub(super) fn store(&self, outcome: &Outcome, params: &NdarrayParams<f32>) -> Result<(), PaperError> {
        let key = outcome.settings.key();
        let json = serde_json::to_vec_pretty(outcome).map_err(|error| PaperError::Encode { why: error.to_string() })?;
        let mut files = Vec::with_capacity(2);
        let weights = format!("{key}.safetensors");
        if outcome.settings.then.is_none() {
            files.push((weights.as_str(), save::model(params)?));
        }
        let record = format!("{key}.json");
        files.push((record.as_str(), json));
        let mut folder = self.folder.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(folder.write(&files)?)
    }
}
