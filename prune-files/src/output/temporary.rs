//! A file that is not in its place yet.

use std::fs::{File, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::litter::{discard, names};
use super::rights::Rights;
use super::{Folder, parent};
use crate::disk::{self, Handle, id};
use crate::error::Error;

/// A file under a temporary name beside its place. It is removed if this is dropped before [`Temporary::place`].
#[derive(Debug)]
pub(crate) struct Temporary {
    bytes: Bytes,
    scrap: Scrap,
    /// The final path.
    place: PathBuf,
    /// The path for messages. For a file in a folder that is not in its place yet, it is the path after the move.
    shown: PathBuf,
    like: Option<Rights>,
}

/// The file itself.
#[derive(Debug)]
enum Bytes {
    /// Open while it has its temporary name, with a lock that marks it as in use.
    Held(File),
    /// One of many files in a folder, which is locked as a whole.
    Pooled(Handle),
}

/// A temporary file or folder, which is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Scrap(PathBuf);

impl Scrap {
    pub(super) fn new(path: PathBuf) -> Self {
        Scrap(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Takes note of a new name.
    pub(super) fn moved(&mut self, to: PathBuf) {
        self.0 = to;
    }

    /// Marks it as no longer temporary.
    pub(super) fn keep(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        if self.0 != Path::new("") {
            discard(&self.0);
        }
    }
}

impl Temporary {
    /// A new file for `path`. In its place it gets the rights of `like`, or else the usual rights of the user's new
    /// files.
    pub(crate) fn create(path: &Path, like: Option<Rights>) -> Result<Self, Error> {
        let (file, at) = locked(&parent(path), like.is_none()).map_err(Error::write(path))?;
        let (place, shown) = (path.to_owned(), path.to_owned());
        Ok(Temporary { bytes: Bytes::Held(file), scrap: Scrap::new(at), place, shown, like })
    }

    /// A new file of this name in a folder that is not in its place yet.
    pub(crate) fn create_in(folder: &Folder, name: &str, like: Option<Rights>) -> Result<Self, Error> {
        let shown = folder.path().join(name);
        let inside = folder.temporary_path();
        let make = || usual(names(), like.is_none()).tempfile_in(inside).and_then(parts);
        let (file, at) = disk::create(inside, make).map_err(Error::write(&shown))?;
        let scrap = Scrap::new(at);
        let bytes = Bytes::Pooled(Handle::of_new(file, scrap.path()).map_err(Error::write(&shown))?);
        Ok(Temporary { bytes, scrap, place: inside.join(name), shown, like })
    }

    /// Its path until it is in its place.
    pub(crate) fn temporary_path(&self) -> &Path {
        self.scrap.path()
    }

    /// The path for messages.
    pub(crate) fn shown(&self) -> &Path {
        &self.shown
    }

    /// Runs a call on the open file.
    fn on<T>(&self, call: impl FnOnce(&File, &Path) -> io::Result<T>) -> Result<T, Error> {
        match &self.bytes {
            Bytes::Held(file) => call(file, self.temporary_path()),
            Bytes::Pooled(handle) => handle.on(call),
        }
        .map_err(Error::write(&self.shown))
    }

    /// The length of the file.
    pub(crate) fn len(&self) -> Result<u64, Error> {
        self.on(disk::stat_open).map(|about| about.len())
    }

    /// Gives the file its length.
    pub(crate) fn set_len(&self, len: u64) -> Result<(), Error> {
        self.on(|file, path| disk::set_len(file, path, len))
    }

    /// Writes at a position.
    pub(crate) fn write(&self, bytes: &[u8], at: u64) -> Result<(), Error> {
        self.on(|file, path| disk::write_at(file, path, bytes, at))
    }

    /// Syncs what was written.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.on(disk::sync_all)
    }

    /// Syncs the bytes that were written so far.
    pub(crate) fn sync_data(&self) -> Result<(), Error> {
        match &self.bytes {
            Bytes::Held(file) => disk::sync_data(file, self.temporary_path()),
            Bytes::Pooled(handle) => handle.sync_data(),
        }
        .map_err(Error::write(&self.shown))
    }

    /// Moves the file to its place. It replaces another file only with `force`.
    ///
    /// An error leaves the place as it was, except for [`Error::InPlace`].
    pub(crate) fn place(self, force: bool) -> Result<(), Error> {
        if let Some(like) = &self.like {
            like.give(self.temporary_path()).map_err(Error::write(&self.shown))?;
        }
        self.sync()?;
        let Temporary { bytes, scrap, place, shown, .. } = self;
        let move_to = if force { disk::rename } else { disk::rename_new };
        move_to(scrap.path(), &place).map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => Error::Exists { path: shown.clone() },
            _ => Error::Write { path: shown.clone(), source },
        })?;
        scrap.keep();
        match bytes {
            // The folder is synced as a whole.
            Bytes::Pooled(_) => Ok(()),
            Bytes::Held(_) => sync_place(&place),
        }
    }
}

/// Syncs the name of a path that is in its place.
pub(super) fn sync_place(path: &Path) -> Result<(), Error> {
    let folder = parent(path);
    disk::sync_folder(&folder).map_err(|source| Error::InPlace {
        output: path.to_owned(),
        source: Box::new(Error::NotSynced { path: folder, source }),
    })
}

/// A new file under a temporary name, with a lock, so that no other command clears it.
fn locked(folder: &Path, usual_permissions: bool) -> io::Result<(File, PathBuf)> {
    for _ in 0..100 {
        let (file, path) =
            disk::create(folder, || usual(names(), usual_permissions).tempfile_in(folder).and_then(parts))?;
        let scrap = Scrap::new(path);
        if may_use(&file) && is_there(&file, scrap.path())? {
            let path = scrap.path().to_owned();
            scrap.keep();
            return Ok((file, path));
        }
    }
    Err(io::Error::other("temporary files are removed as fast as they are made"))
}

fn parts(file: NamedTempFile) -> io::Result<(File, PathBuf)> {
    let (file, path) = file.keep().map_err(|failed| failed.error)?;
    Ok((file, path))
}

/// Locks a new file or folder; false if another process has the lock. A file system without locks counts as unlocked,
/// and there nothing is cleared.
pub(super) fn may_use(open: &File) -> bool {
    !matches!(open.try_lock(), Err(TryLockError::WouldBlock))
}

/// True if an open file or folder still has its name. Another command may have cleared it before it was locked.
pub(super) fn is_there(open: &File, path: &Path) -> io::Result<bool> {
    let named = disk::lstat_if_there(path)?;
    let open = disk::stat_open(open, path)?;
    Ok(named.is_some_and(|named| id(&named) == id(&open)))
}

/// Gives new files the permissions that the user's mask allows; otherwise temporary files belong to their owner alone.
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
