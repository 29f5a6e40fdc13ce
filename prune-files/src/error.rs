//! Everything that can go wrong with a checkpoint.

use std::io;
use std::path::{Path, PathBuf};

use prune_core::printable;
use prune_schedule::{Key, PruneError};

use crate::other_format::OtherFormat;
use crate::text::clipped::{all_clipped, clipped};
use crate::text::term::Term;

/// The key that an event has while it is planned, if it is from no strategy.
pub(crate) const ALONE: Key = Key::Epoch(0);

/// A command that was refused or has failed. No output has been put in its place when one of these is returned, but for
/// [`Error::InPlace`] and [`Error::SetAside`], which say so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {}: {source}", show(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}: {source}", show(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A path leads to nothing that is a model.
    #[error("{} {why}", show(path))]
    NotAModel {
        /// The path.
        path: PathBuf,
        /// What is there instead, and what to do.
        why: String,
    },
    /// A header of a safetensors file contradicts the format, its file or itself.
    #[error("{}: {problem}", show(path))]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: HeaderProblem,
    },
    /// A file is of another format.
    #[error("{} is {}; {}", show(path), format.what, format.instead)]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// What it is instead, and what to do.
        format: OtherFormat,
    },
    /// An index and its shards do not fit together.
    #[error("{}: {problem}", show(path))]
    Index {
        /// The index.
        path: PathBuf,
        /// What is wrong with it.
        problem: IndexProblem,
    },
    /// The text of a strategy was refused.
    #[error("the strategy cannot be read: {source}")]
    Strategy {
        /// Why.
        source: prune_schedule::StrategyError,
    },
    /// What is asked for does not fit the model, or itself.
    #[error("{why}")]
    Request {
        /// What does not fit, and what to do instead.
        why: String,
    },
    /// Bytes do not hold masks, or cannot.
    #[error("{why}")]
    Masks {
        /// The mask that is wrong, and the cause.
        why: String,
    },
    /// Scores, gradients, norms of inputs or masks do not fit the model's layers.
    #[error("{}: {why}", show(path))]
    Companion {
        /// Their file.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// An ONNX model was refused.
    #[cfg(feature = "onnx")]
    #[error("{}: {source}", show(path))]
    Onnx {
        /// The model.
        path: PathBuf,
        /// Why.
        source: Box<prune_onnx::Error>,
    },
    /// An operation of the core was refused.
    #[error(transparent)]
    Core(#[from] prune_core::Error),
    /// An output exists.
    #[error("{} exists; add {} to replace it", show(path), Term::Force)]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// The output would replace what is read.
    #[error("{} is {what}; write elsewhere{}", show(path), in_place.then(|| format!(", or say {}", Term::InPlace)).unwrap_or_default())]
    SameFile {
        /// The output.
        path: PathBuf,
        /// What it is.
        what: String,
        /// Whether the model may be replaced on request.
        in_place: bool,
    },
    /// A file has changed while it was read, so the output would be of two models.
    #[error("{} changed while it was read; nothing was written, run again once nobody writes it", show(path))]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The names of what was put in a folder may be lost if the power fails.
    #[error("cannot sync the folder {}: {source}; if the power fails now, the name may be lost", show(path))]
    NotSynced {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something has failed after the output was put in its place.
    #[error("{} is written, whole and in its place, but: {source}", show(output))]
    InPlace {
        /// The output.
        output: PathBuf,
        /// What has failed.
        source: Box<Error>,
    },
    /// A folder could be moved aside, but neither could the new one take its place nor it be moved back.
    #[error(
        "cannot move the new folder to {}: {source}; nothing is lost: the old folder is {}, the new one {}",
        show(path),
        show(old),
        show(new)
    )]
    SetAside {
        /// The place, where nothing is now.
        path: PathBuf,
        /// The folder that was there.
        old: PathBuf,
        /// The folder that was to be there.
        new: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The user stopped the command.
    #[error("stopped; nothing was changed")]
    Interrupted,
}

impl Error {
    /// A reading that failed.
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        |source| Error::Read { path, source }
    }

    /// A reading at a position where the file had something when it was opened: what ends before has changed.
    pub(crate) fn read_within(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        |source| match source.kind() {
            io::ErrorKind::UnexpectedEof => Error::Changed { path },
            _ => Error::Read { path, source },
        }
    }

    /// A writing that failed.
    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        |source| Error::Write { path, source: plain(source) }
    }

    /// An event that was refused. One that is from no strategy has no epoch to be named.
    pub(crate) fn refused(key: Option<Key>, error: &PruneError) -> Self {
        Error::request(if key.is_some() { error.to_string() } else { error.without_moment(ALONE) })
    }

    /// A request that does not fit: `why` says what, and what to do instead.
    pub fn request(why: impl Into<String>) -> Error {
        Error::Request { why: why.into() }
    }
}

/// What can be wrong with the header of a safetensors file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderProblem {
    /// The file ends before a header could.
    #[error("{bytes} bytes are too few for a safetensors file; was it cut, or is it another format?")]
    TooShort {
        /// How long the file is.
        bytes: u64,
    },
    /// The header is said to be longer than headers may be.
    #[error(
        "its header is said to have {len} bytes, more than the {most} that the format allows; is it another format?"
    )]
    TooLong {
        /// What the file says.
        len: u64,
        /// The most there may be.
        most: u64,
    },
    /// The header is said to be longer than the file.
    #[error(
        "its header is said to have {len} bytes, but the file ends after {there} of them; was it cut, or is it another format?"
    )]
    PastEnd {
        /// What the file says.
        len: u64,
        /// How many there are.
        there: u64,
    },
    /// The header is no table of tensors.
    #[error("its header is not that of a safetensors file: {why}")]
    Unreadable {
        /// What the reader of JSON says.
        why: String,
    },
    /// A shape has more elements than can be counted.
    #[error("tensor `{}` has shape {shape:?}, which overflows", clipped(tensor))]
    ShapeOverflow {
        /// The tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// The bytes of a tensor are not those of its shape and type.
    #[error(
        "tensor `{}` of shape {shape:?} and type {dtype} has offsets {start}..{end}, which are not its {needed} bits",
        clipped(tensor)
    )]
    WrongLen {
        /// The tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Its type.
        dtype: safetensors::Dtype,
        /// Its first byte.
        start: u64,
        /// The byte after its last.
        end: u64,
        /// How many bits it needs.
        needed: u64,
    },
    /// Tensors overlap, or leave a gap.
    #[error(
        "tensor `{}` begins at byte {start} of the data, where {expected} is next; tensors may neither overlap nor leave \
         gaps",
        clipped(tensor)
    )]
    NotContiguous {
        /// The tensor.
        tensor: String,
        /// Where it begins.
        start: u64,
        /// Where the one before it ends.
        expected: u64,
    },
    /// The file has more or fewer data than its tensors.
    #[error(
        "its tensors have {needed} bytes, but {there} follow the header; {}",
        if there < needed { "was it cut?" } else { "what follows the tensors belongs to none; fetch or write it again" }
    )]
    DataLen {
        /// How many bytes the tensors have.
        needed: u64,
        /// How many there are.
        there: u64,
    },
}

/// What can be wrong with an index of shards.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexProblem {
    /// The index is too long to be one.
    #[error("an index of {bytes} bytes is not plausible; at most {most} are read")]
    TooLong {
        /// How long it is.
        bytes: u64,
        /// The most that is read.
        most: u64,
    },
    /// The index is no table of tensors and shards.
    #[error("this is not an index of shards: {why}")]
    Unreadable {
        /// What the reader of JSON says.
        why: String,
    },
    /// A shard is not named by a plain file name.
    #[error(
        "shard `{}` is not the name of a file beside the index; shards are never read or written elsewhere",
        clipped(shard)
    )]
    Path {
        /// What the index says.
        shard: String,
    },
    /// The index names no shard.
    #[error("the index names no shard")]
    Empty,
    /// Shards that the index names are not beside it.
    #[error(
        "the index names {of} shards, of which {} are not there: {}; fetch them, or name the one file meant", shards.len(),
        all_clipped(shards)
    )]
    NotThere {
        /// Their names.
        shards: Vec<String>,
        /// How many shards it names.
        of: usize,
    },
    /// A tensor is not in the shard that the index says.
    #[error("tensor `{}` is said to be in `{}`, but is not", clipped(tensor), clipped(shard))]
    Missing {
        /// The tensor.
        tensor: String,
        /// The shard.
        shard: String,
    },
    /// A shard has a tensor that the index does not place there.
    #[error("tensor `{}` is in `{}`, where the index does not place it", clipped(tensor), clipped(shard))]
    Unlisted {
        /// The tensor.
        tensor: String,
        /// The shard.
        shard: String,
    },
}

/// An error of the system without the path that the library for temporary files puts behind it, which is nobody's business.
fn plain(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path \"") {
        Some((why, _)) if error.get_ref().is_some() => io::Error::new(error.kind(), why),
        _ => error,
    }
}

/// A path as messages show it.
pub(crate) fn show(path: &Path) -> String {
    printable(&path.display().to_string()).into_owned()
}
