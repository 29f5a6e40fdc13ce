//! Reads a session from the bytes of a checkpoint.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use prune_schedule::Pruner;
use safetensors::SafeTensors;

use super::digest::digest;
use super::{
    CHECKPOINT_FILE, CheckpointError, DIGEST, FORMAT, FormatHeader, HISTORY, Header, METADATA, PRUNER, REWIND,
    RunSettings, VERSION, WEIGHTS, tensor_name,
};
use crate::data::{DataSource, Dataset, MnistFile};
use crate::nn::Optimiser as _;
use crate::run::tensors::fill_named;
use crate::train::{Backend, History, Session, TrainedState, TwinRole};

/// A whole checkpoint, of this format and of a version that this program reads.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    bytes: Vec<u8>,
    header: Header,
}

impl Checkpoint {
    /// Reads the checkpoint in `folder` and checks its digest.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Absent`], [`CheckpointError::Unreadable`], [`CheckpointError::Foreign`],
    /// [`CheckpointError::LaterVersion`], [`CheckpointError::Damaged`].
    pub fn read(folder: &Path) -> Result<Self, CheckpointError> {
        let path = folder.join(CHECKPOINT_FILE);
        match fs::read(&path) {
            Ok(bytes) => Self::decode(path, bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(CheckpointError::Absent { folder: folder.to_owned() })
            }
            Err(source) => Err(CheckpointError::Unreadable { path, source }),
        }
    }

    fn decode(path: PathBuf, bytes: Vec<u8>) -> Result<Self, CheckpointError> {
        let damaged = |why: String| CheckpointError::Damaged { path: path.clone(), why };
        let (_, found) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(error.to_string()))?;
        let metadata = found.metadata().as_ref().and_then(|entries| entries.get(METADATA));
        let Some(metadata) = metadata else { return Err(CheckpointError::Foreign { path }) };
        match serde_json::from_str::<FormatHeader>(metadata) {
            Ok(FormatHeader { format, .. }) if format != FORMAT => return Err(CheckpointError::Foreign { path }),
            Ok(FormatHeader { version, .. }) if version > VERSION => {
                return Err(CheckpointError::LaterVersion { path, found: version, known: VERSION });
            }
            Ok(_) => {}
            Err(error) => return Err(damaged(format!("its metadata: {error}"))),
        }
        // The content is not used before the digest has been compared.
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
        let all: Vec<_> = tensors.iter().filter(|(name, _)| *name != DIGEST).collect();
        let views = all.iter().map(|(name, tensor)| (*name, tensor.dtype(), tensor.shape(), tensor.data()));
        let stored = tensors.tensor(DIGEST).map_err(|error| damaged(error.to_string()))?;
        if stored.data() != digest(metadata, views) {
            return Err(damaged("its SHA-256 is not that of its content".to_owned()));
        }
        let header = serde_json::from_str(metadata).map_err(|error| damaged(format!("its metadata: {error}")))?;
        Ok(Self { path, bytes, header })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The settings of the run.
    #[must_use]
    pub fn settings(&self) -> &RunSettings {
        &self.header.settings
    }

    /// The data that the run was trained on.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Unfit`] if the checkpoint does not name its data.
    pub fn data(&self) -> Result<DataSource, CheckpointError> {
        self.header.settings.data.parse().map_err(|_| CheckpointError::Unfit {
            path: self.path.clone(),
            why: "it does not say which data it was trained on".to_owned(),
        })
    }

    /// Checks that `data`, which `source` names, is the data of the run's beginning.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Data`].
    pub fn check_data(&self, source: &DataSource, data: &Dataset) -> Result<(), CheckpointError> {
        let files = MnistFile::ALL.into_iter().zip(&data.files).zip(&self.header.settings.data_sha256);
        let differs = files.map(|((file, now), then)| (file, now.sha256.to_string(), then)).find(|(_, n, t)| n != *t);
        let Some((file, now, then)) = differs else { return Ok(()) };
        let (path, source_name) = (self.path.clone(), source.to_string());
        Err(CheckpointError::Data { path, source_name, file: file.name(), now, then: then.clone() })
    }

    /// Epochs done.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.header.epoch
    }

    /// Steps of the next epoch that are done, those of the twin included.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.header.begun.steps()
    }

    /// The epoch that the run is in: the last one trained, in part or as a whole.
    #[must_use]
    pub fn last_epoch(&self) -> u64 {
        self.epoch() + u64::from(self.steps() > 0)
    }

    /// Reads the dense network's weights into `params`: the twin's after the first event, and the single network's
    /// before it.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Unfit`] if names or shapes are not those of `params`.
    pub fn dense<P: Backend>(&self, params: &mut P) -> Result<(), CheckpointError> {
        let unfit = |why: String| CheckpointError::Unfit { path: self.path.clone(), why };
        let tensors = SafeTensors::deserialize(&self.bytes).map_err(|error| unfit(error.to_string()))?;
        let role = if self.header.twin { TwinRole::Twin } else { TwinRole::Pruned };
        fill_buffer(role, WEIGHTS, params, &tensors).map(drop).map_err(unfit)
    }

    /// Moves `session` from its beginning to the state of the run.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Unfit`] if names, shapes or counts are not those of the session's model and data. Events
    /// still to come are not checked: call [`Session::check`] next.
    pub fn restore<P: Backend>(&self, session: &mut Session<'_, P>) -> Result<(), CheckpointError> {
        let unfit = |why: String| CheckpointError::Unfit { path: self.path.clone(), why };
        let tensors = SafeTensors::deserialize(&self.bytes).map_err(|error| unfit(error.to_string()))?;
        let Header { epoch, begun, twin, .. } = self.header;
        let text = |name: &str| tensors.tensor(name).map_err(|error| unfit(error.to_string()));
        let history: History =
            serde_json::from_slice(text(HISTORY)?.data()).map_err(|error| unfit(format!("its history: {error}")))?;
        let pruner: Pruner = str::from_utf8(text(PRUNER)?.data())
            .map_err(|error| unfit(format!("its pruner: {error}")))
            .and_then(|text| Pruner::from_json(text).map_err(|error| unfit(format!("its pruner: {error}"))))?;
        if history.epochs.len() as u64 != epoch || pruner.last_epoch() != Some(epoch) {
            return Err(unfit(format!("it is of epoch {epoch}, but its history or its pruner is of another")));
        }
        let most = session.trainer.steps();
        if begun.pruned.steps > most || begun.twin.steps > if twin { most } else { 0 } {
            return Err(unfit(format!("it has done more steps than the {most} of an epoch")));
        }
        let mut names = 3;
        names += fill(TwinRole::Pruned, &mut session.pruned, &tensors).map_err(unfit)?;
        session.twin = None;
        if twin {
            let mut state = session.pruned.clone();
            names += fill(TwinRole::Twin, &mut state, &tensors).map_err(unfit)?;
            session.twin = Some(state);
        }
        session.snapshots.clear();
        for (_, event) in pruner.strategy().events() {
            let Some(to) = event.rewind().filter(|&to| to <= epoch) else { continue };
            let mut params = session.pruned.params.clone();
            let count = fill_named(|name| format!("{REWIND}/{to}/{name}"), &mut params, &tensors).map_err(unfit)?;
            if session.snapshots.insert(to, params).is_none() {
                names += count;
            }
        }
        if tensors.len() != names {
            return Err(unfit(format!("it has {} tensors, not {names}", tensors.len())));
        }
        (session.pruner, session.history, session.begun) = (pruner, history, begun);
        Ok(())
    }
}

/// Reads a network's weights and its optimiser's buffers; returns the number of tensors.
fn fill<P: Backend>(role: TwinRole, state: &mut TrainedState<P>, tensors: &SafeTensors<'_>) -> Result<usize, String> {
    let buffers = state.optimiser.buffers_mut();
    let all = [(WEIGHTS, &mut state.params)].into_iter().chain(buffers);
    all.map(|(buffer, params)| fill_buffer(role, buffer, params, tensors)).sum()
}

/// Reads the weights, or a buffer; returns the number of tensors.
fn fill_buffer<P: Backend>(
    role: TwinRole,
    buffer: &str,
    params: &mut P,
    tensors: &SafeTensors<'_>,
) -> Result<usize, String> {
    fill_named(|parameter| tensor_name(role, buffer, parameter), params, tensors)
}
