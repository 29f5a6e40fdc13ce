//! A file that is not there yet.

use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::litter::names;
use super::{parent, sync_folder};
use crate::at::write_all_at;
use crate::error::Error;

/// A file under a temporary name beside its place. It is gone when this is dropped before [`Temporary::place`].
#[derive(Debug)]
pub(crate) struct Temporary {
    file: NamedTempFile,
    /// Where it belongs; errors name this.
    path: PathBuf,
}

impl Temporary {
    /// A new file for `path`, with the permissions of `like`, or those that the user's new files have.
    pub(crate) fn create(path: &Path, like: Option<&Permissions>) -> Result<Self, Error> {
        let file = locked(|| usual(names(), like.is_none()).tempfile_in(parent(path))).map_err(Error::write(path))?;
        if let Some(like) = like {
            file.as_file().set_permissions(like.clone()).map_err(Error::write(path))?;
        }
        Ok(Temporary { file, path: path.to_owned() })
    }

    pub(crate) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Where it is until it is in its place.
    pub(crate) fn temporary_path(&self) -> &Path {
        self.file.path()
    }

    /// Gives the file its length.
    pub(crate) fn set_len(&self, len: u64) -> Result<(), Error> {
        self.file().set_len(len).map_err(Error::write(&self.path))
    }

    /// Writes at a position.
    pub(crate) fn write(&self, bytes: &[u8], at: u64) -> Result<(), Error> {
        write_all_at(self.file(), bytes, at).map_err(Error::write(&self.path))
    }

    /// Makes what was written last.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.file().sync_all().map_err(Error::write(&self.path))
    }

    /// Makes the bytes last that were written so far.
    pub(crate) fn sync_data(&self) -> Result<(), Error> {
        self.file().sync_data().map_err(Error::write(&self.path))
    }

    /// Moves the file to its place, where only `force` lets it replace another.
    pub(crate) fn place(self, force: bool) -> Result<(), Error> {
        self.sync()?;
        let Temporary { file, path } = self;
        if force {
            file.persist(&path).map_err(|failed| Error::Write { path: path.clone(), source: failed.error })?;
        } else {
            file.persist_noclobber(&path).map_err(|failed| match failed.error.kind() {
                io::ErrorKind::AlreadyExists => Error::Exists { path: path.clone() },
                _ => Error::Write { path: path.clone(), source: failed.error },
            })?;
        }
        sync_folder(&parent(&path))
    }
}

/// Something new under a temporary name that another command cannot take for litter.
fn locked(create: impl Fn() -> io::Result<NamedTempFile>) -> io::Result<NamedTempFile> {
    for _ in 0..100 {
        let file = create()?;
        if may_use(file.as_file()) && is_there(file.as_file(), file.path()) {
            return Ok(file);
        }
    }
    Err(io::Error::other("temporary files are removed as fast as they are made"))
}

/// Locks a new file or folder; false where somebody else has. Where the file system knows no locks nobody has, and nobody
/// clears anything either.
pub(super) fn may_use(open: &File) -> bool {
    !matches!(open.try_lock(), Err(TryLockError::WouldBlock))
}

/// Whether an open file or folder still has its name: between making and locking it, somebody may have cleared it.
pub(super) fn is_there(open: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use super::identity::id;
        matches!((open.metadata(), fs::symlink_metadata(path)), (Ok(a), Ok(b)) if id(&a) == id(&b))
    }
    #[cfg(not(unix))]
    {
        let _ = open;
        path.exists()
    }
}

/// Lets new files be read and written by whom the user's mask allows; temporary ones are else their owner's alone.
fn usual<'n>(mut names: Builder<'n, 'n>, usual: bool) -> Builder<'n, 'n> {
    #[cfg(unix)]
    if usual {
        use std::os::unix::fs::PermissionsExt as _;
        names.permissions(Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = (&mut names, usual);
    names
}
