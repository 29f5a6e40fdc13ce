//! Noticing that what was read is no longer what it was.

use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::{self, Handle, Stamp};
use crate::error::Error;
use crate::read::header::Header;

/// The files of a model as they were when it was opened: which they are, how long, when they were written last, and their
/// headers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Witness {
    pub(super) files: Vec<FileRecord>,
}

/// One file that was read.
#[derive(Debug, Clone)]
pub(super) struct FileRecord {
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
    /// None for an index and for a file of another format, which have no header.
    pub(super) header: Option<Arc<Header>>,
}

impl Witness {
    /// Files as they are now. One that is not there is left to whoever reads it.
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

    /// Refuses what was made of files that have changed since.
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
