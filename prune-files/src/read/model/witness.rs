//! Notices that files have changed since they were read.

use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::{self, Handle, Stamp};
use crate::error::Error;
use crate::read::header::Header;

/// The state of a model's files when it was opened: their identity, length, time of the last write, and headers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Witness {
    pub(super) files: Vec<FileRecord>,
}

/// One file that was read.
#[derive(Debug, Clone)]
pub(super) struct FileRecord {
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
    /// `None` for an index and for a file of another format, which have no header.
    pub(super) header: Option<Arc<Header>>,
}

impl Witness {
    /// The present state of files. A missing file is left out; reading it will fail.
    #[cfg(feature = "onnx")]
    pub(crate) fn of_files(paths: impl Iterator<Item = PathBuf>) -> Result<Self, Error> {
        let mut files = Vec::new();
        for path in paths {
            if let Some(about) = disk::stat_if_there(&path).map_err(Error::read(&path))? {
                files.push(FileRecord { path, stamp: Stamp::of(&about), header: None });
            }
        }
        Ok(Witness { files })
    }

    /// Returns an error if a file has changed since.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.files.iter().try_for_each(FileRecord::check)
    }
}

impl FileRecord {
    fn check(&self) -> Result<(), Error> {
        let changed = || Error::Changed { path: self.path.clone() };
        let about = disk::stat_if_there(&self.path).map_err(Error::read(&self.path))?.ok_or_else(changed)?;
        if Stamp::of(&about) != self.stamp {
            return Err(changed());
        }
        let Some(header) = &self.header else { return Ok(()) };
        let file = Handle::open(&self.path).map_err(Error::read(&self.path))?;
        match Header::read(&file, &self.path, about.len()) {
            Ok(now) if now == **header => Ok(()),
            Err(error @ Error::Read { .. }) => Err(error),
            _ => Err(changed()),
        }
    }
}
