//! Writing buffers to safetensors files, and reading them: `momentum/fc.weight` is the buffer `momentum` of the
//! parameter `fc.weight`.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor, Var};

use crate::error::{CandleError, StateMismatch};
use crate::params::Params;

/// The tensor with the number of steps. No buffer has this name, since theirs have a `/`.
const STEPS: &str = "steps";

type Buffers<'a> = [(&'a str, &'a Params)];

/// Writes buffers to a new file, which replaces the old one at the end.
pub(super) fn save(buffers: &Buffers<'_>, steps: Option<u32>, path: &Path) -> Result<(), CandleError> {
    let mut tensors: HashMap<String, Tensor> =
        named(buffers).map(|(name, var)| (name, var.as_detached_tensor())).collect();
    if let Some(steps) = steps {
        tensors.insert(STEPS.to_owned(), Tensor::new(i64::from(steps), &Device::Cpu)?);
    }
    let beside = beside(path);
    let failed = |source| CandleError::File { path: path.to_owned(), source };
    let written = candle_core::safetensors::save(&tensors, &beside).map_err(CandleError::from);
    let written = written.and_then(|()| {
        // Opened for writing, because Windows flushes only such files.
        std::fs::OpenOptions::new().write(true).open(&beside).and_then(|file| file.sync_all()).map_err(failed)?;
        std::fs::rename(&beside, path).map_err(failed)
    });
    if written.is_err() {
        // A partial file is useless. If removing it fails too, the first error is the one to report.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

/// Reads buffers, and the number of steps if the file must have it. Everything is checked before the first buffer is
/// set.
pub(super) fn load(buffers: &Buffers<'_>, counts_steps: bool, path: &Path) -> Result<Option<u32>, CandleError> {
    let bytes = std::fs::read(path).map_err(|source| CandleError::File { path: path.to_owned(), source })?;
    let mut found = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?;
    let refuse = |why| CandleError::State { path: path.to_owned(), why };
    let missing = |name: &str| refuse(StateMismatch::Missing { name: name.to_owned() });
    let steps = if counts_steps {
        let steps = found.remove(STEPS).ok_or_else(|| missing(STEPS))?;
        let count = steps.reshape(())?.to_dtype(candle_core::DType::I64)?.to_scalar::<i64>()?;
        Some(u32::try_from(count).map_err(|_| refuse(StateMismatch::Steps { got: count }))?)
    } else {
        None
    };
    let known: HashSet<String> = named(buffers).map(|(name, _)| name).collect();
    // The first one in the order of names, so that the message is always the same.
    if let Some(name) = found.keys().filter(|name| !known.contains(*name)).min() {
        return Err(refuse(StateMismatch::Unknown { name: name.clone() }));
    }
    for (name, var) in named(buffers) {
        let tensor = found.get(&name).ok_or_else(|| missing(&name))?;
        if (tensor.dims(), tensor.dtype()) != (var.dims(), var.dtype()) {
            let (expected, expected_shape) = (var.dtype(), var.dims().to_vec());
            let (got, got_shape) = (tensor.dtype(), tensor.dims().to_vec());
            return Err(refuse(StateMismatch::Differs { name, expected, expected_shape, got, got_shape }));
        }
    }
    for (name, var) in named(buffers) {
        if let Some(tensor) = found.get(&name).filter(|tensor| tensor.elem_count() > 0) {
            var.set(&tensor.to_device(var.device())?)?;
        }
    }
    Ok(steps)
}

fn named<'a>(buffers: &'a Buffers<'_>) -> impl Iterator<Item = (String, &'a Var)> {
    buffers.iter().flat_map(|(buffer, params)| params.iter().map(move |(name, var)| (format!("{buffer}/{name}"), var)))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(Default::default, ToOwned::to_owned);
    name.push(".partial");
    path.with_file_name(name)
}
