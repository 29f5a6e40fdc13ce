//! The checkpoint: one safetensors file that holds all that the rest of a run depends on.
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
//! There is no state of a random generator in it: seed and epoch are all that the order of images follows from (see
//! [`crate::rng`]). JSON stands in tensors where it can outgrow the header, which has a limit. All metadata is one entry,
//! because several would be written in any order, and equal runs are to write equal files.
//!
//! - `settings`: what a run was asked for, and what may change when it goes on.
//! - `write`, `read`: from a session to bytes and back. `digest`: what tells a whole file from an altered one.
//! - `error`: why a checkpoint is refused.

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
use super::session::{Begun, Role};

/// The file of the checkpoint.
pub const CHECKPOINT_FILE: &str = "checkpoint.safetensors";

/// What the first field of the metadata says.
const FORMAT: &str = "checkpoint of prune's demo";
/// The version that is written, and the latest that is read.
const VERSION: u32 = 1;

/// What the names of snapshots begin with.
const REWIND: &str = "rewind";

/// The metadata's one entry.
const METADATA: &str = "prune";
/// The tensors that are no parameters.
const PRUNER: &str = "pruner";
const HISTORY: &str = "history";
const DIGEST: &str = "sha256";

/// The buffer that is none of the optimiser's.
const WEIGHTS: &str = "weights";

/// The metadata. What of it tells other formats and versions apart is read first, by [`Kind`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    version: u32,
    settings: RunSettings,
    /// Epochs done.
    epoch: u64,
    /// What has been trained since.
    begun: Begun,
    /// Whether the twin has branched off.
    twin: bool,
}

/// The part of the metadata that every version has.
#[derive(Deserialize)]
struct Kind {
    format: String,
    version: u32,
}

/// The name of a parameter, or of its buffer, in the file.
fn tensor_name(role: Role, buffer: &str, parameter: &str) -> String {
    let role = match role {
        Role::Pruned => "pruned",
        Role::Twin => "twin",
    };
    format!("{role}/{buffer}/{parameter}")
}
