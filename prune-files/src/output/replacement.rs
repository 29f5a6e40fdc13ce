//! Moves a folder aside for a new one, under names that the user is told.
//!
//! Not every file system can swap two folders in one step. So the new folder, once complete, gets a name of its own
//! beside the place; then the old folder is moved aside; then the new folder takes the place. Each step is a rename.
//! After each of them both folders are whole, under names that the user was told before the first step. The old folder
//! stays until the user removes it.

use std::io;
use std::path::{Path, PathBuf};

use super::parent;
use crate::disk;
use crate::error::{Error, show};

/// The names of two folders while one takes the place of the other.
#[derive(Debug)]
pub(super) struct Replacement {
    /// The new name of the old folder.
    pub(super) old: PathBuf,
    /// The name of the new folder before it takes the place.
    pub(super) new: PathBuf,
}

impl Replacement {
    /// The first such names that are free.
    pub(super) fn beside(path: &Path) -> io::Result<Self> {
        let folder = parent(path);
        let name = path.file_name().unwrap_or_default();
        for number in 1..10_000 {
            let [old, new] = ["old", "new"].map(|which| {
                let mut name = name.to_owned();
                name.push(format!(".{which}-{number}"));
                folder.join(name)
            });
            if disk::lstat_if_there(&old)?.is_none() && disk::lstat_if_there(&new)?.is_none() {
                return Ok(Replacement { old, new });
            }
        }
        Err(io::Error::other("ten thousand folders that were replaced lie beside it; remove some"))
    }

    /// The announcement of the replacement, before it happens.
    pub(super) fn announcement(&self, path: &Path) -> String {
        let (path, old, new) = (show(path), show(&self.old), show(&self.new));
        format!(
            "{path} moves to {old}, and the new folder from {new} to {path}; if this is killed meanwhile, both are there, whole"
        )
    }

    /// The note about the replacement, with the way to remove the old folder.
    pub(super) fn told(&self, path: &Path) -> String {
        let old = show(&self.old);
        let remove = if cfg!(windows) { "rmdir /s" } else { "rm -r" };
        format!("the folder that was at {} is now {old}; to delete it: {remove} {}", show(path), quoted(&old))
    }

    /// Moves the old folder aside and the one at [`Replacement::new`] to its place. If the second step fails, the first
    /// is undone.
    pub(super) fn exchange(&self, path: &Path) -> Result<(), Error> {
        disk::rename(path, &self.old).map_err(|source| {
            let taken = matches!(source.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists);
            let source = if taken { appeared(source.kind(), &self.old) } else { source };
            Error::Write { path: path.to_owned(), source }
        })?;
        let Err(source) = disk::rename(&self.new, path) else { return Ok(()) };
        match disk::rename(&self.old, path) {
            Ok(()) => Err(Error::Write { path: path.to_owned(), source }),
            Err(_) => {
                let (old, new) = (self.old.clone(), self.new.clone());
                Err(Error::SetAside { path: path.to_owned(), old, new, source })
            }
        }
    }

    /// Moves the folder aside and back, for a file system where only a trial shows that it can be moved.
    pub(super) fn try_out(&self, path: &Path) -> Result<(), Error> {
        disk::rename(path, &self.old).map_err(|error| {
            let why = format!("{error}; this file system cannot move the folder, so write to a new one");
            Error::Write { path: path.to_owned(), source: io::Error::new(error.kind(), why) }
        })?;
        disk::rename(&self.old, path).map_err(|error| {
            let why = format!("{error}; the folder is whole, but is now {}", show(&self.old));
            Error::Write { path: path.to_owned(), source: io::Error::new(error.kind(), why) }
        })
    }
}

/// The error for a place that was free when the work began, and that another program has taken.
pub(super) fn appeared(kind: io::ErrorKind, place: &Path) -> io::Error {
    let why = format!(
        "{} has come to be there since this began, so nothing was replaced; look at it, and run again",
        show(place)
    );
    io::Error::new(kind, why)
}

/// A path quoted for a shell.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:@%".contains(c);
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::fs;

    use super::*;

    #[test]
    fn names_are_free_and_fit_for_a_shell() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("m");
        let numbers =
            |aside: Replacement| aside.old.to_string_lossy().ends_with("m.old-3") && aside.new.ends_with("m.new-3");
        fs::create_dir(folder.path().join("m.old-1")).unwrap();
        fs::write(folder.path().join("m.new-2"), "").unwrap();
        assert!(numbers(Replacement::beside(&place).unwrap()));
        assert_eq!(quoted("a/m.old-1"), "a/m.old-1");
        assert_eq!(quoted("-r"), "./-r");
        assert_eq!(quoted("my model's.old-1"), r"'my model'\''s.old-1'");
    }

    #[test]
    fn a_name_that_is_taken_meanwhile_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("m");
        fs::create_dir(&place).unwrap();
        fs::write(place.join("x"), "x").unwrap();
        let aside = Replacement::beside(&place).unwrap();
        for path in [&aside.new, &aside.old] {
            fs::create_dir(path).unwrap();
            fs::write(path.join("y"), "y").unwrap();
        }
        let error = aside.exchange(&place).unwrap_err().to_string();
        assert!(error.contains("m.old-1 has come to be there since this began"), "{error}");
        assert_eq!(fs::read(place.join("x")).unwrap(), b"x");
        assert_eq!(fs::read(aside.old.join("y")).unwrap(), b"y");
    }

    #[test]
    fn a_trial_leaves_all_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("m");
        fs::create_dir(&place).unwrap();
        fs::write(place.join("x"), "x").unwrap();
        Replacement::beside(&place).unwrap().try_out(&place).unwrap();
        assert_eq!(fs::read(place.join("x")).unwrap(), b"x");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
