//! Finished runs on disk, each in its own file, which appears whole or not at all.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use prune_core::{Mask, Masks};

use super::error::PaperError;
use super::outcome::RunOutcome;
use super::settings::Settings;

use crate::nn::{NdarrayParams, ParamStorage as _};
use crate::run::{OutFolder, tensors};

/// The result of a run that other runs need.
pub(super) struct Base {
    pub(super) params: NdarrayParams<f32>,
    pub(super) masks: Masks,
}

fn masks_file(settings: &Settings) -> String {
    format!("{}.masks.safetensors", settings.key())
}

/// The folder of finished runs. Only one process uses it at a time.
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

    /// The finished run of these settings. A file that is cut, or does not fit these settings, counts as absent: the
    /// run is repeated and the file replaced.
    pub(super) fn outcome(&self, settings: &Settings) -> Option<RunOutcome> {
        let bytes = self.read(&format!("{}.json", settings.key()))?;
        let outcome: RunOutcome = serde_json::from_slice(&bytes).ok()?;
        outcome.is_of(settings).then_some(outcome)
    }

    /// The result that a finished run left for others: a dense network has no masks.
    pub(super) fn base(&self, settings: &Settings) -> Option<Base> {
        let params = self.weights(settings)?;
        let masks = match settings.then {
            None => Masks::default(),
            Some(_) => self.masks(settings)?,
        };
        Some(Base { params, masks })
    }

    /// The masks of a finished run; none if the file does not hold masks of its network.
    fn masks(&self, settings: &Settings) -> Option<Masks> {
        let bytes = self.read(&masks_file(settings))?;
        let tensors = safetensors::SafeTensors::deserialize(&bytes).ok()?;
        let kernels = settings.net.kernels();
        let masks = tensors.iter().map(|(name, tensor)| {
            let is_ours = kernels.iter().any(|spec| spec.name == name && spec.shape == tensor.shape());
            let kept: Vec<bool> = tensor.data().iter().map(|&byte| byte != 0).collect();
            let mask = Mask::from_bools(tensor.shape(), &kept).ok()?;
            (is_ours && tensor.dtype() == safetensors::Dtype::BOOL).then(|| (name.to_owned(), mask))
        });
        masks.collect()
    }

    /// The weights of a finished run from which others begin.
    pub(super) fn weights(&self, settings: &Settings) -> Option<NdarrayParams<f32>> {
        let bytes = self.read(&format!("{}.safetensors", settings.key()))?;
        let tensors = safetensors::SafeTensors::deserialize(&bytes).ok()?;
        let specs = settings.net.spec().parameters().ok()?;
        let mut params = NdarrayParams::zeros(&specs);
        tensors::fill_named(str::to_owned, &mut params, &tensors).ok()?;
        Some(params)
    }

    /// Stores a finished run, and its result for others if they may need it.
    pub(super) fn store(&self, outcome: &RunOutcome, left: &Base) -> Result<(), PaperError> {
        let key = outcome.settings.key();
        let json = serde_json::to_vec_pretty(outcome).map_err(|error| PaperError::Encode { why: error.to_string() })?;
        let mut files = Vec::with_capacity(3);
        let (weights, masks) = (format!("{key}.safetensors"), masks_file(&outcome.settings));
        if outcome.settings.is_base() {
            files.push((weights.as_str(), tensors::model(&left.params)?));
            if outcome.settings.then.is_some() {
                files.push((masks.as_str(), tensors::masks(&left.masks)?));
            }
        }
        let record = format!("{key}.json");
        files.push((record.as_str(), json));
        let mut folder = self.folder.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(folder.write(&files)?)
    }
}
