//! All errors about a checkpoint.

use std::io;
use std::path::{Path, PathBuf};

use prune_core::printable;
use prune_schedule::{Key, PruneError};

use crate::other_format::OtherFormat;
use crate::text::clipped::{all_clipped, clipped};
use crate::text::term::Term;

/// The key of an event that is planned without a strategy.
pub(crate) const ALONE: Key = Key::Epoch(0);

/// A command that was refused or has failed. No output has been put in its place when one of these is returned, except
/// for [`Error::InPlace`] and [`Error::SetAside`], which say so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {}: {source}", show(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}: {source}", show(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A path leads to something that is not a model.
    #[error("{} {why}", show(path))]
    NotAModel {
        /// The path.
        path: PathBuf,
        /// The thing at the path, and the way out.
        why: String,
    },
    /// A header of a safetensors file contradicts the format, its file or itself.
    #[error("{}: {problem}", show(path))]
    Header {
        /// The file.
        path: PathBuf,
        /// The fault.
        problem: HeaderProblem,
    },
    /// A file is of another format.
    #[error("{} is {}; {}", show(path), format.what, format.instead)]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// The format, and the way out.
        format: OtherFormat,
    },
    /// An index and its shards do not fit together.
    #[error("{}: {problem}", show(path))]
    Index {
        /// The index.
        path: PathBuf,
        /// The fault.
        problem: IndexProblem,
    },
    /// The text of a strategy was refused.
    #[error("the strategy cannot be read: {source}")]
    Strategy {
        /// The cause.
        source: prune_schedule::StrategyError,
    },
    /// A request does not fit the model, or contradicts itself.
    #[error("{why}")]
    Request {
        /// The misfit, and the way out.
        why: String,
    },
    /// Bytes do not hold masks, or masks do not fit into a file.
    #[error("{why}")]
    Masks {
        /// The mask that is wrong, and the cause.
        why: String,
    },
    /// Scores, gradients, norms of inputs or masks do not fit the model's layers.
    #[error("{}: {why}", show(path))]
    Companion {
        /// The file that holds them.
        path: PathBuf,
        /// The misfit.
        why: String,
    },
    /// An ONNX model was refused.
    #[cfg(feature = "onnx")]
    #[error("{}: {source}", show(path))]
    Onnx {
        /// The model.
        path: PathBuf,
        /// The cause.
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
    /// The output would replace a file that is read.
    #[error("{} is {what}; write elsewhere{}", show(path), in_place.then(|| format!(", or say {}", Term::InPlace)).unwrap_or_default())]
    SameFile {
        /// The output.
        path: PathBuf,
        /// The role of the file that is read.
        what: String,
        /// True if the model may be replaced on request.
        in_place: bool,
    },
    /// A file has changed while it was read, so the output would mix two models.
    #[error("{} changed while it was read; nothing was written, run again once nobody writes it", show(path))]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The names of files in a folder may be lost if the power fails.
    #[error("cannot sync the folder {}: {source}; if the power fails now, the name may be lost", show(path))]
    NotSynced {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A step has failed after the output was put in its place.
    #[error("{} is written, whole and in its place, but: {source}", show(output))]
    InPlace {
        /// The output.
        output: PathBuf,
        /// The failure.
        source: Box<Error>,
    },
    /// A folder was moved aside, but neither could the new folder take its place nor could the old one be moved back.
    #[error(
        "cannot move the new folder to {}: {source}; nothing is lost: the old folder is {}, the new one {}",
        show(path),
        show(old),
        show(new)
    )]
    SetAside {
        /// The place, which is empty now.
        path: PathBuf,
        /// The folder that was there.
        old: PathBuf,
        /// The folder that was meant for the place.
        new: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The user stopped the command.
    #[error("stopped; nothing was changed")]
    Interrupted,
}

impl Error {
    /// The error of a failed read.
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        |source| Error::Read { path, source }
    }

    /// The error of a failed read at a position that existed when the file was opened. A file that ends earlier has
    /// changed.
    pub(crate) fn read_within(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        |source| match source.kind() {
            io::ErrorKind::UnexpectedEof => Error::Changed { path },
            _ => Error::Read { path, source },
        }
    }

    /// The error of a failed write.
    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        |source| Error::Write { path, source: plain(source) }
    }

    /// The error of a refused event. The message names no epoch if the event is from no strategy.
    pub(crate) fn refused(key: Option<Key>, error: &PruneError) -> Self {
        Error::request(if key.is_some() { error.to_string() } else { error.without_moment(ALONE) })
    }

    /// The error of a request that does not fit. `why` says what is wrong and what to do instead.
    pub fn request(why: impl Into<String>) -> Error {
        Error::Request { why: why.into() }
    }
}

/// A fault in the header of a safetensors file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderProblem {
    /// The file is too short for a header.
    #[error("{bytes} bytes are too few for a safetensors file; was it cut, or is it another format?")]
    TooShort {
        /// The length of the file.
        bytes: u64,
    },
    /// The stated length of the header is more than the format allows.
    #[error(
        "its header is said to have {len} bytes, more than the {most} that the format allows; is it another format?"
    )]
    TooLong {
        /// The stated length.
        len: u64,
        /// The most that the format allows.
        most: u64,
    },
    /// The stated length of the header is more than the file has.
    #[error(
        "its header is said to have {len} bytes, but the file ends after {there} of them; was it cut, or is it another format?"
    )]
    PastEnd {
        /// The stated length.
        len: u64,
        /// The number of bytes that are there.
        there: u64,
    },
    /// The header is not a table of tensors.
    #[error("its header is not that of a safetensors file: {why}")]
    Unreadable {
        /// The message of the JSON reader.
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
        /// The number of bits that it needs.
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
        /// Its first byte.
        start: u64,
        /// The end of the tensor before it.
        expected: u64,
    },
    /// The file has more or less data than its tensors.
    #[error(
        "its tensors have {needed} bytes, but {there} follow the header; {}",
        if there < needed { "was it cut?" } else { "what follows the tensors belongs to none; fetch or write it again" }
    )]
    DataLen {
        /// The number of bytes of the tensors.
        needed: u64,
        /// The number of bytes that are there.
        there: u64,
    },
}

/// A fault in an index of shards.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexProblem {
    /// The index is too long to be plausible.
    #[error("an index of {bytes} bytes is not plausible; at most {most} are read")]
    TooLong {
        /// The length of the index.
        bytes: u64,
        /// The most that is read.
        most: u64,
    },
    /// The index is not a table of tensors and shards.
    #[error("this is not an index of shards: {why}")]
    Unreadable {
        /// The message of the JSON reader.
        why: String,
    },
    /// A shard is not named by a plain file name.
    #[error(
        "shard `{}` is not the name of a file beside the index; shards are never read or written elsewhere",
        clipped(shard)
    )]
    Path {
        /// The name in the index.
        shard: String,
    },
    /// The index names no shard.
    #[error("the index names no shard")]
    Empty,
    /// Shards that the index names are missing beside it.
    #[error(
        "the index names {of} shards, of which {} are not there: {}; fetch them, or name the one file meant", shards.len(),
        all_clipped(shards)
    )]
    NotThere {
        /// Their names.
        shards: Vec<String>,
        /// The number of shards that the index names.
        of: usize,
    },
    /// A tensor is missing from the shard that the index names.
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

/// A system error without the path that the library for temporary files appends. That path means nothing to the user.
fn plain(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path \"") {
        Some((why, _)) if error.get_ref().is_some() => io::Error::new(error.kind(), why),
        _ => error,
    }
}

/// A path in the form for messages.
pub(crate) fn show(path: &Path) -> String {
    printable(&path.display().to_string()).into_owned()
}
