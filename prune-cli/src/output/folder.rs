//! A folder of files that appear together.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{Builder, TempDir};

use super::litter::{PREFIX, SUFFIX};
use super::temporary::{is_there, may_use};
use super::{parent, sync_folder};
use crate::error::Error;

/// A folder under a temporary name beside its place. It is gone when this is dropped before [`Folder::place`].
#[derive(Debug)]
pub(crate) struct Folder {
    folder: TempDir,
    /// Holds the lock that tells other commands that this is no litter.
    _lock: File,
    path: PathBuf,
}

impl Folder {
    /// A new folder for `path`, with the permissions of the folder `like`.
    pub(crate) fn create(path: &Path, like: &Path) -> Result<Self, Error> {
        // A link to a folder stays a link.
        let path = if path.exists() { fs::canonicalize(path).map_err(Error::write(path))? } else { path.to_owned() };
        let (folder, lock) = locked(&parent(&path)).map_err(Error::write(&path))?;
        let permissions = fs::metadata(like).map_err(Error::read(like))?.permissions();
        fs::set_permissions(folder.path(), permissions).map_err(Error::write(&path))?;
        Ok(Folder { folder, _lock: lock, path })
    }

    /// Where it is until it is in its place.
    pub(crate) fn temporary_path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts the folder in its place. What else lies in a folder that was there stays: it is linked into the new one.
    pub(crate) fn place(self) -> Result<(), Error> {
        let new = self.folder.path();
        let replaces = self.path.exists();
        if replaces {
            carry(&self.path, new).map_err(Error::write(&self.path))?;
        }
        sync_folder(new)?;
        if replaces {
            exchange(new, &self.path).map_err(Error::write(&self.path))?;
            sync_folder(&parent(&self.path))?;
            // What is under the temporary name now is the old folder; what cannot be removed is litter.
            drop(self.folder);
        } else {
            fs::rename(new, &self.path).map_err(Error::write(&self.path))?;
            // The name is gone, so there is nothing to remove.
            let _ = self.folder.keep();
            sync_folder(&parent(&self.path))?;
        }
        Ok(())
    }
}

fn locked(beside: &Path) -> io::Result<(TempDir, File)> {
    for _ in 0..100 {
        let folder = Builder::new().prefix(PREFIX).suffix(SUFFIX).tempdir_in(beside)?;
        let open = File::open(folder.path())?;
        if may_use(&open) && is_there(&open, folder.path()) {
            return Ok((folder, open));
        }
    }
    Err(io::Error::other("temporary folders are removed as fast as they are made"))
}

/// Gives the new folder what the old one has beside its files: links to files where the file system has them, else copies.
fn carry(old: &Path, new: &Path) -> io::Result<()> {
    for entry in fs::read_dir(old)? {
        let entry = entry?;
        let name = entry.file_name();
        let litter = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        let (from, to) = (entry.path(), new.join(&name));
        let kind = entry.file_type()?;
        if litter || (!kind.is_dir() && fs::symlink_metadata(&to).is_ok()) {
            continue;
        }
        if kind.is_dir() {
            if !to.exists() {
                fs::create_dir(&to)?;
                fs::set_permissions(&to, entry.metadata()?.permissions())?;
            }
            carry(&from, &to)?;
            File::open(&to)?.sync_all()?;
        } else if kind.is_symlink() {
            link(&fs::read_link(&from)?, &to)?;
        } else if fs::hard_link(&from, &to).is_err() {
            fs::copy(&from, &to)?;
            File::open(&to)?.sync_all()?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(target: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(unix)]
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE).map_err(|error| {
        let error = io::Error::from(error);
        io::Error::new(
            error.kind(),
            format!("{error}; this file system cannot exchange two folders in one step, so write to a new folder"),
        )
    })
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::other("links are not carried over on this system; write to a new folder"))
}

#[cfg(not(unix))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::other("this system cannot exchange two folders in one step; write to a new folder"))
}
