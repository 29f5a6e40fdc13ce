//! Data beside a model that cannot be used.

use std::path::PathBuf;

/// Problems of data beside the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExternalProblem {
    /// No `location`.
    #[error("the model does not say in which file it is")]
    NoLocation,
    /// A path that could lead anywhere.
    #[error("leads out of the model's folder; data is read from files in that folder only: copy it there")]
    Outside,
    /// No such file.
    #[error("is not there; put it into the model's folder, {}", .0.display())]
    Missing(PathBuf),
    /// A folder or a device.
    #[error("is no regular file")]
    NotRegular,
    /// A position that is no number.
    #[error("its `{0}` is no number of bytes")]
    Number(&'static str),
    /// Data past the end of the file.
    #[error("bytes {offset} to {end} are asked for, and the file has {long}")]
    PastEnd {
        /// The first byte.
        offset: u64,
        /// The byte after the last.
        end: u64,
        /// The file's length.
        long: u64,
    },
    /// External data of a tensor in a place where it is not followed.
    #[error("belongs to {0}, where external data is not followed; save the model with this data inside")]
    Hidden(&'static str),
    /// The output has no file for external data.
    #[error("has no place in the output")]
    NoFile,
    /// The file differs from the one that the model was saved with.
    #[error("has another SHA-1 than the model states; it belongs to another model, or was changed")]
    Checksum,
}
