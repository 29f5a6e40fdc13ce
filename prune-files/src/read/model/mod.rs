//! A checkpoint: one safetensors file, or several with an index, read by position.

pub(crate) mod index;
mod open;
mod witness;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Handle, Stamp};
use crate::error::Error;
use crate::parts::buffer::Buffer;
use crate::parts::runs::Runs;
use crate::read::header::{Header, TensorInfo};

use witness::FileRecord;
pub(crate) use witness::Witness;

/// A checkpoint that is open for reading: the headers of its files are in memory, the tensors are on disk.
///
/// # Examples
///
/// ```
/// use prune_files::Model;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("model.safetensors");
/// # std::fs::write(&path, b"\x41\0\0\0\0\0\0\0{\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}0123456789abcdef")?;
/// let model = Model::open(&path)?;
/// assert_eq!(model.tensors().map(|tensor| tensor.name.as_str()).collect::<Vec<_>>(), ["fc.weight"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Model {
    kind: ModelKind,
    shards: Vec<Shard>,
    /// The shard of each tensor and its place there, in the order of shards and bytes.
    tensors: Vec<(usize, usize)>,
    by_name: BTreeMap<String, usize>,
}

/// The kind of path that was given as the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ModelKind {
    /// One file.
    File,
    /// A folder with one file of tensors.
    Folder(PathBuf),
    /// An index in a folder, with its shards.
    Index {
        folder: PathBuf,
        /// The index's own file name.
        index: String,
        /// The state of the index when it was read.
        stamp: Stamp,
    },
}

/// One file of a model.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) path: PathBuf,
    /// The file's name in an output folder.
    pub(crate) name: String,
    pub(crate) file: Handle,
    pub(crate) len: u64,
    pub(crate) header: Arc<Header>,
    /// The state of the file when it was opened.
    stamp: Stamp,
}

impl Shard {
    /// Fills `bytes` from the position `at` of the file on. The file was long enough when it was opened, so a file that
    /// ends earlier has changed.
    pub(crate) fn read(&self, bytes: &mut [u8], at: u64) -> Result<(), Error> {
        self.file.read_at(bytes, at).map_err(Error::read_within(&self.path))
    }
}

impl Model {
    /// The tensors of all files, in the order of the files and of their bytes.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = &TensorInfo> {
        self.tensors.iter().map(|&(shard, tensor)| &self.shards[shard].header.tensors[tensor])
    }

    /// The number of bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.len).sum()
    }

    /// The paths of all files.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.shards.iter().map(|shard| shard.path.as_path())
    }

    /// The paths of everything that was read: all files, and the index if there is one.
    pub(crate) fn all_paths(&self) -> impl Iterator<Item = PathBuf> {
        let index = match &self.kind {
            ModelKind::Index { folder, index, .. } => Some(folder.join(index)),
            _ => None,
        };
        self.shards.iter().map(|shard| shard.path.clone()).chain(index)
    }

    /// The state of all files when they were opened, to compare at the end.
    pub(crate) fn witness(&self) -> Witness {
        let seen = |shard: &Shard| {
            let (path, stamp, header) = (shard.path.clone(), shard.stamp.clone(), Arc::clone(&shard.header));
            FileRecord { path, stamp, header: Some(header) }
        };
        let mut files: Vec<FileRecord> = self.shards.iter().map(seen).collect();
        if let ModelKind::Index { folder, index, stamp } = &self.kind {
            files.push(FileRecord { path: folder.join(index), stamp: stamp.clone(), header: None });
        }
        Witness { files }
    }

    /// The file or the folder that is replaced if the model is written in place.
    pub(crate) fn place(&self) -> &Path {
        match &self.kind {
            ModelKind::File => &self.shards[0].path,
            ModelKind::Folder(folder) | ModelKind::Index { folder, .. } => folder,
        }
    }

    pub(crate) fn kind(&self) -> &ModelKind {
        &self.kind
    }

    pub(crate) fn shards(&self) -> &[Shard] {
        &self.shards
    }

    pub(crate) fn len(&self) -> usize {
        self.tensors.len()
    }

    /// A tensor by its place among [`Model::tensors`].
    pub(crate) fn tensor(&self, tensor: usize) -> &TensorInfo {
        let (shard, place) = self.tensors[tensor];
        &self.shards[shard].header.tensors[place]
    }

    pub(crate) fn shard_of(&self, tensor: usize) -> usize {
        self.tensors[tensor].0
    }

    /// The path of the file that a tensor is in.
    pub(crate) fn path_of(&self, tensor: usize) -> &Path {
        &self.shards[self.shard_of(tensor)].path
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Reads elements of a tensor whose elements are whole bytes, and returns the number of bytes.
    pub(crate) fn read_runs(&self, tensor: usize, runs: Runs, into: &mut Buffer) -> Result<usize, Error> {
        let size = self.tensor(tensor).dtype.bitsize() / 8;
        let bytes = into.bytes_mut(runs.elements() * size);
        runs.bytes(size).try_for_each(|(part, at)| self.read(tensor, at, &mut bytes[part]))?;
        Ok(bytes.len())
    }

    /// Fills `bytes` with bytes of a tensor, from its byte `at` on.
    pub(crate) fn read(&self, tensor: usize, at: u64, bytes: &mut [u8]) -> Result<(), Error> {
        let (shard, place) = self.tensors[tensor];
        let shard = &self.shards[shard];
        shard.read(bytes, shard.header.tensors[place].start + at)
    }
}
