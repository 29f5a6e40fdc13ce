//! The checkpoint: one safetensors file with everything that the rest of a run depends on.
//!
//! ```text
//! metadata `prune`     JSON: format, version, settings, epochs done, steps of the epoch begun
//! pruned/weights/NAME  F32, row-major; pruned/momentum/NAME alike, and twin/.. once the twin has branched off
//! rewind/EPOCH/NAME    F32, the parameters that an event to come rewinds to, where there is one
//! pruner               U8, JSON of prune-schedule: strategy, masks, and the gradients observed since the last epoch
//! history              U8, JSON: what every epoch and event has shown
//! sha256               U8, 32 bytes: the digest of everything else
//! ```
//!
//! It holds no state of a random generator: the order of images follows from seed and epoch alone (see
//! [`crate::rng`]). JSON is stored in tensors if it can outgrow the header, which has a limit. All metadata is one
//! entry, because several would be written in any order, and equal runs must write equal files.
//!
//! - `settings`: the settings of a run, and those that may change when it resumes.
//! - `write`, `read`: from a session to bytes and back. `digest`: detects an altered file.
//! - `error`: the reasons why a checkpoint is refused.

mod digest;
mod error;
mod read;
mod settings;
#[cfg(test)]
mod tests;
mod write;

use serde::{Deserialize, Serialize};

pub use self::error::{CheckpointError, Difference};
pub use self::read::Checkpoint;
pub use self::settings::RunSettings;
pub use self::write::encode;
use crate::train::{EpochProgress, TwinRole};

/// The file of the checkpoint.
pub const CHECKPOINT_FILE: &str = "checkpoint.safetensors";

/// The first field of the metadata.
const FORMAT: &str = "checkpoint of prune's demo";
/// The version that is written, and the latest that is read.
const VERSION: u32 = 1;

/// The prefix of the names of snapshots.
const REWIND: &str = "rewind";

/// The metadata's one entry.
const METADATA: &str = "prune";
/// The tensors that are not parameters.
const PRUNER: &str = "pruner";
const HISTORY: &str = "history";
const DIGEST: &str = "sha256";

/// The name of the weights in place of a buffer of the optimiser.
const WEIGHTS: &str = "weights";

/// The metadata. The fields that tell formats and versions apart are read first, as [`FormatHeader`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    version: u32,
    settings: RunSettings,
    /// Epochs done.
    epoch: u64,
    /// The progress since then.
    begun: EpochProgress,
    /// True if the twin has branched off.
    twin: bool,
}

/// The part of the metadata that every version has.
#[derive(Deserialize)]
struct FormatHeader {
    format: String,
    version: u32,
}

/// The name of a parameter, or of its buffer, in the file.
fn tensor_name(role: TwinRole, buffer: &str, parameter: &str) -> String {
    let role = match role {
        TwinRole::Pruned => "pruned",
        TwinRole::Twin => "twin",
    };
    format!("{role}/{buffer}/{parameter}")
}
