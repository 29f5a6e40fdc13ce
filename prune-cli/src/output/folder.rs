//! A folder of files that appear together.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::identity::{Stamp, id, stamp};
use super::litter::{NEW, OLD, Replaced, is_ours, names, retire};
use super::modes::{open_up, writable};
use super::temporary::{is_there, may_use};
use super::{parent, sync_folder};
use crate::error::{Error, show};

/// A folder under a temporary name beside its place. It is gone when this is dropped before [`Folder::place`].
#[derive(Debug)]
pub(crate) struct Folder {
    folder: TempDir,
    /// Holds the lock that tells other commands that this is no litter.
    _lock: File,
    path: PathBuf,
    /// What the folder allows once it is in its place; its owner may write until then.
    permissions: Permissions,
}

impl Folder {
    /// A new folder for `path`, with the permissions of the folder `like`. A folder that is there is looked through first,
    /// for what could not be carried over.
    pub(crate) fn create(path: &Path, like: &Path) -> Result<Self, Error> {
        // A link to a folder stays a link.
        let path = if path.exists() { fs::canonicalize(path).map_err(Error::write(path))? } else { path.to_owned() };
        if path.exists() {
            let device = device(&path).map_err(Error::write(&path))?;
            one_device(&path, device).map_err(Error::write(&path))?;
        }
        let permissions = fs::metadata(like).map_err(Error::read(like))?.permissions();
        let (folder, lock) = locked(&parent(&path)).map_err(Error::write(&path))?;
        fs::set_permissions(folder.path(), writable(&permissions)).map_err(Error::write(&path))?;
        Ok(Folder { folder, _lock: lock, path, permissions })
    }

    /// Where it is until it is in its place.
    pub(crate) fn temporary_path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts the folder in its place; what the user should know. What else lies in a folder that was there stays: it is
    /// linked into the new one.
    pub(crate) fn place(self) -> Result<Vec<String>, Error> {
        let Folder { folder, _lock, path, permissions } = self;
        let new = folder.path().to_owned();
        let mut modes = vec![(PathBuf::new(), permissions)];
        if !path.exists() {
            sync_folder(&new)?;
            fs::rename(&new, &path).map_err(Error::write(&path))?;
            // The name is gone, so there is nothing to remove.
            let _ = folder.keep();
            finish(&path, &modes);
            sync_folder(&parent(&path))?;
            return Ok(Vec::new());
        }
        let mut replaced = Replaced { by: name_of(&path), files: BTreeSet::new() };
        let failed = Error::write(&path);
        let device = device(&path).map_err(Error::write(&path))?;
        carry(&path, &new, Path::new(""), device, &mut modes, &mut replaced.files).map_err(failed)?;
        sync_folder(&new)?;
        exchange(&new, &path).map_err(Error::write(&path))?;
        // What is under the temporary name now is the old folder, which goes piece by piece.
        let old = folder.keep();
        let marked = mark(&old, &replaced);
        finish(&path, &modes);
        sync_folder(&parent(&path))?;
        // What cannot be removed and is marked is litter.
        match marked.and_then(|()| retire(&old, &path, &replaced)) {
            Ok(true) => Ok(Vec::new()),
            Ok(false) => {
                let why = "files came into it while it was replaced, or changed";
                Ok(vec![format!("the folder that was at {} is kept as {}: {why}", show(&path), show(&old))])
            }
            Err(error) => {
                let why = format!("it cannot be removed: {error}");
                Ok(vec![format!("the folder that was at {} is kept as {}: {why}", show(&path), show(&old))])
            }
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Says of an old folder what may go.
fn mark(old: &Path, replaced: &Replaced) -> io::Result<()> {
    let before = open_up(old)?;
    let text = serde_json::to_vec(replaced)?;
    fs::write(old.join(OLD), text).or_else(|error| fs::set_permissions(old, before).and(Err(error)))
}

/// Takes the mark from a folder that is in its place, and gives it and what is in it their permissions, inner ones first.
fn finish(path: &Path, modes: &[(PathBuf, Permissions)]) {
    // What fails here is in nobody's way: an empty hidden file, or an owner who may write.
    let _ = fs::remove_file(path.join(NEW));
    for (inner, permissions) in modes.iter().rev() {
        let _ = fs::set_permissions(path.join(inner), permissions.clone());
    }
}

fn locked(beside: &Path) -> io::Result<(TempDir, File)> {
    for _ in 0..100 {
        let folder = names().tempdir_in(beside)?;
        let open = File::open(folder.path())?;
        if may_use(&open) && is_there(&open, folder.path()) {
            fs::write(folder.path().join(NEW), "")?;
            return Ok((folder, open));
        }
    }
    Err(io::Error::other("temporary folders are removed as fast as they are made"))
}

/// The device of a folder, where the system tells it.
fn device(folder: &Path) -> io::Result<Option<u64>> {
    Ok(id(&fs::metadata(folder)?).map(|(device, _)| device))
}

/// Refuses what lies on another device, such as a folder on which another file system is mounted.
fn on(device: Option<u64>, path: &Path, about: &fs::Metadata) -> io::Result<()> {
    if id(about).map(|(device, _)| device) == device {
        return Ok(());
    }
    let why = format!("{} lies on another device and cannot be carried over; write to a new folder", show(path));
    Err(io::Error::other(why))
}

fn one_device(folder: &Path, device: Option<u64>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let about = fs::symlink_metadata(&path)?;
        on(device, &path, &about)?;
        if about.is_dir() {
            one_device(&path, device)?;
        }
    }
    Ok(())
}

/// Gives the new folder what the old one has beside its files: links to files where the file system has them, else copies.
/// `modes` are the permissions of the folders that are made, and `gone` what has something else or a copy in its place.
fn carry(
    old: &Path,
    new: &Path,
    inner: &Path,
    device: Option<u64>,
    modes: &mut Vec<(PathBuf, Permissions)>,
    gone: &mut BTreeSet<Stamp>,
) -> io::Result<()> {
    for entry in fs::read_dir(old)? {
        let name = entry?.file_name();
        if is_ours(&name) || name == NEW || name == OLD {
            continue;
        }
        let (from, to, inner) = (old.join(&name), new.join(&name), inner.join(&name));
        let about = fs::symlink_metadata(&from)?;
        on(device, &from, &about)?;
        if about.is_dir() {
            if !to.exists() {
                fs::create_dir(&to)?;
                modes.push((inner.clone(), about.permissions()));
            }
            carry(&from, &to, &inner, device, modes, gone)?;
            File::open(&to)?.sync_all()?;
        } else if fs::symlink_metadata(&to).is_ok() {
            gone.extend(stamp(&about));
        } else if about.is_symlink() {
            link(&fs::read_link(&from)?, &to)?;
        } else if fs::hard_link(&from, &to).is_err() {
            fs::copy(&from, &to)?;
            File::open(&to)?.sync_all()?;
            gone.extend(stamp(&about));
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[cfg(unix)]
    #[test]
    fn other_devices_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        let own = device(folder.path()).unwrap();
        one_device(folder.path(), own).unwrap();
        let error = one_device(folder.path(), own.map(|device| device.wrapping_add(1))).unwrap_err().to_string();
        assert!(error.contains("deep lies on another device"), "{error}");
        let new = tempfile::tempdir().unwrap();
        let (mut modes, mut gone) = (Vec::new(), BTreeSet::new());
        let other = own.map(|device| device.wrapping_add(1));
        carry(folder.path(), new.path(), Path::new(""), other, &mut modes, &mut gone).unwrap_err();
        assert!(!new.path().join("deep").exists());
    }
}
