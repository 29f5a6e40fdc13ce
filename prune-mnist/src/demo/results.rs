//! The files and the last words of a complete run: all files or none, and the network without closed channels.

use super::args::Arguments;
use super::error::DemoError;
use super::picture::{Curves, PICTURE, PNG_FILE, SVG_FILE};
use super::scratch::SCRATCH_FILE;
use super::show;
use super::small::{self, ONNX_FILE, SMALL_FILE};
use crate::data::Dataset;
use crate::nn::ModelSpec;
use crate::onnx;
use crate::picture;
use crate::run::checkpoint::CHECKPOINT_FILE;
use crate::run::tensors::{self, MASKS_FILE, MODEL_FILE};
use crate::run::{Console, OutFolder, RunError};
use crate::train::{Backend, Session};
use crate::words::thousands;

/// The file of the records.
const METRICS_FILE: &str = "metrics.jsonl";

/// The files that a run leaves in its output folder.
pub const FILES: [&str; 7] = [METRICS_FILE, SVG_FILE, PNG_FILE, MODEL_FILE, MASKS_FILE, ONNX_FILE, CHECKPOINT_FILE];

/// All names that a run uses, including those of the networks without closed channels.
pub(super) const NAMES: [&str; 9] =
    [METRICS_FILE, SVG_FILE, PNG_FILE, MODEL_FILE, MASKS_FILE, ONNX_FILE, SMALL_FILE, SCRATCH_FILE, CHECKPOINT_FILE];

/// Writes the results of a session that has trained all its epochs. Returns the network without closed channels, with
/// its test accuracy, if the strategy prunes channels and they can be removed.
pub(super) fn write<P: Backend>(
    session: &Session<'_, P>,
    spec: &ModelSpec,
    data: &Dataset,
    out: &mut OutFolder,
    console: &mut Console<'_>,
) -> Result<Option<(ModelSpec, f64)>, DemoError> {
    let title = format!("{} on MNIST, {} training images", spec.name.to_uppercase(), thousands(data.train.len()));
    let curves = Curves::of(&title, &session.history, session.pruner.strategy());
    let (params, masks) = (&session.pruned.params, session.pruner.masks());
    let model = onnx::write(spec, params)?;
    let small = match small::closes_biases(session.pruner.strategy()) {
        Some(_) => Some(small::small(spec, params, masks, &model, &data.test)?),
        None => None,
    };
    let [(_, svg), (_, png)] = picture::files(PICTURE, &curves)?;
    let mut files = vec![
        (METRICS_FILE, metrics(session)?),
        (SVG_FILE, svg),
        (PNG_FILE, png),
        (MODEL_FILE, tensors::model(params)?),
        (MASKS_FILE, tensors::masks(masks)?),
        (ONNX_FILE, model),
    ];
    let small = match small {
        Some(Ok(small)) => {
            console.line(format_args!("\n{}", show::small(&small.comparison)))?;
            files.push((SMALL_FILE, small.file));
            Some((small.spec, small.comparison.accuracy[1]))
        }
        Some(Err(why)) => {
            console.line(format_args!("\nno {SMALL_FILE}: {why}"))?;
            None
        }
        None => None,
    };
    // The files of an earlier run would be of another network.
    out.remove(SCRATCH_FILE)?;
    if small.is_none() {
        out.remove(SMALL_FILE)?;
    }
    out.write(&files)?;
    let written: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    console.line(format_args!("\nwrote {} into {}", written.join(", "), out.path().display()))?;
    Ok(small)
}

fn metrics<P: Backend>(session: &Session<'_, P>) -> Result<Vec<u8>, RunError> {
    let text = session.history.to_jsonl();
    text.map(String::into_bytes).map_err(|error| RunError::Encode { file: METRICS_FILE, why: error.to_string() })
}

/// Refuses `--from-scratch` before training if there will be no small network.
pub(super) fn check_from_scratch(arguments: &Arguments, strategy: &prune_schedule::Strategy) -> Result<(), DemoError> {
    match small::closes_biases(strategy) {
        Some(true) => Ok(()),
        _ if !arguments.from_scratch => Ok(()),
        closes => Err(DemoError::NoSmall { has_channels: closes.is_some() }),
    }
}
