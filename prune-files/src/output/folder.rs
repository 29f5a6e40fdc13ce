//! A folder of files that appear together.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::litter::{clear_all, names};
use super::parent;
use super::replacement::{Replacement, appeared};
use super::rights::Rights;
use super::temporary::{Scrap, is_there, may_use, sync_place};
use crate::disk;
use crate::error::Error;
use crate::watch::Watch;

/// A folder under a temporary name beside its place. It is removed if this is dropped before [`Folder::place`].
#[derive(Debug)]
pub(crate) struct Folder {
    scrap: Scrap,
    /// Holds the lock that tells other commands that this folder is in use.
    _lock: File,
    path: PathBuf,
    /// The new names for a folder with files that is at `path`; `None` if nothing or an empty folder is there.
    aside: Option<Replacement>,
    /// True once the user has been told those names.
    told: bool,
    /// The rights that the folder and its inner folders get once they are full; outer ones first.
    likes: Vec<(PathBuf, Rights)>,
}

impl Folder {
    /// A new folder for `path`, with the rights of the folder `like`.
    pub(crate) fn create(path: &Path, like: &Path, in_place: bool, watch: &Watch) -> Result<Self, Error> {
        let failed = || Error::write(path);
        let there = disk::stat_if_there(path).map_err(failed())?;
        let full = there.is_some() && !disk::names(path).map_err(failed())?.is_empty();
        let aside = if full { Some(Replacement::beside(path).map_err(failed())?) } else { None };
        let about = disk::stat(like).map_err(Error::read(like))?;
        let (scrap, lock) = locked(&parent(path)).map_err(failed())?;
        let mut told = false;
        if let Some(aside) = &aside {
            may_move(path, scrap.path())?;
            if disk::is_overlay(path).map_err(failed())? {
                watch.progress.tell(&aside.announcement(path))?;
                told = true;
                aside.try_out(path)?;
            }
        }
        let likes = vec![(PathBuf::new(), Rights::of(&about, in_place))];
        Ok(Folder { scrap, _lock: lock, path: path.to_owned(), aside, told, likes })
    }

    /// Its place.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its path until it is in its place.
    pub(crate) fn temporary_path(&self) -> &Path {
        self.scrap.path()
    }

    /// Makes an inner folder, whose outer folders exist.
    pub(crate) fn create_inner(&mut self, inner: &Path, like: Rights) -> Result<(), Error> {
        let shown = self.path.join(inner);
        disk::create_dir(&self.temporary_path().join(inner)).map_err(Error::write(shown))?;
        self.likes.push((inner.to_owned(), like));
        Ok(())
    }

    /// Puts the folder in its place, and returns a note for the user.
    ///
    /// An error leaves the place as it was, except for [`Error::InPlace`] and [`Error::SetAside`].
    pub(crate) fn place(self, watch: &Watch) -> Result<Option<String>, Error> {
        let Folder { mut scrap, _lock, path, aside, told, likes } = self;
        clear_all(scrap.path()).map_err(Error::write(&path))?;
        for (inner, like) in likes.iter().rev() {
            let folder = scrap.path().join(inner);
            finish(&folder, like).map_err(Error::write(path.join(inner)))?;
        }
        let Some(aside) = aside else {
            disk::rename(scrap.path(), &path).map_err(|source| match source.kind() {
                // The place was free when the work began, so this is an error in spite of `force`.
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => {
                    Error::Write { path: path.clone(), source: appeared(source.kind(), &path) }
                }
                _ => Error::Write { path: path.clone(), source },
            })?;
            scrap.keep();
            return sync_place(&path).map(|()| None);
        };
        if !told {
            watch.progress.tell(&aside.announcement(&path))?;
        }
        disk::rename(scrap.path(), &aside.new).map_err(Error::write(&path))?;
        scrap.moved(aside.new.clone());
        match aside.exchange(&path) {
            Err(error @ Error::SetAside { .. }) => {
                scrap.keep();
                Err(error)
            }
            Err(error) => Err(error),
            Ok(()) => {
                scrap.keep();
                sync_place(&path).map(|()| Some(aside.told(&path)))
            }
        }
    }
}

/// Gives a folder its rights, and syncs it.
fn finish(folder: &Path, like: &Rights) -> io::Result<()> {
    // It is opened first, since it may not be readable afterwards.
    let open = disk::open(folder);
    like.give(folder)?;
    if cfg!(unix) { disk::sync_all(&open?, folder) } else { Ok(()) }
}

/// Refuses to begin if the user may not move the folder at a path: in a shared folder such as /tmp, only the owner may
/// move it. `made` is a file or folder that the user has just made there.
fn may_move(path: &Path, made: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let above = parent(path);
        let about = |other: &Path| disk::lstat(other).map_err(Error::write(path));
        let (above, there, user) = (about(&above)?, about(path)?, about(made)?.uid());
        if above.mode() & 0o1000 != 0 && ![0, above.uid(), there.uid()].contains(&user) {
            let why =
                "belongs to somebody else in a folder where only the owner may move it (sticky); write to a new folder";
            return Err(Error::NotAModel { path: path.to_owned(), why: why.to_owned() });
        }
    }
    #[cfg(not(unix))]
    let _ = (path, made);
    Ok(())
}

fn locked(beside: &Path) -> io::Result<(Scrap, File)> {
    for _ in 0..100 {
        let made = disk::create(beside, || names().tempdir_in(beside).map(tempfile::TempDir::keep))?;
        let scrap = Scrap::new(made);
        let open = disk::open(scrap.path())?;
        if may_use(&open) && is_there(&open, scrap.path())? {
            return Ok((scrap, open));
        }
    }
    Err(io::Error::other("temporary folders are removed as fast as they are made"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::fs;

    use super::*;

    #[test]
    fn an_output_that_appears_meanwhile_stays() {
        let at = tempfile::tempdir().unwrap();
        let (like, path) = (at.path().join("m"), at.path().join("out"));
        fs::create_dir(&like).unwrap();
        let folder = Folder::create(&path, &like, false, &Watch::default()).unwrap();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("x"), "x").unwrap();
        let error = folder.place(&Watch::default()).unwrap_err().to_string();
        assert!(error.contains("out has come to be there since this began") && !error.contains("force"), "{error}");
        assert_eq!(fs::read(path.join("x")).unwrap(), b"x");
        assert_eq!(fs::read_dir(at.path()).unwrap().count(), 2);
    }
}
