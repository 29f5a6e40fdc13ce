//! The output folder: all files of a run or none, and never half a file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::RunError;
use crate::files::{self, WriteError, write_whole};

/// A folder that was found writable before training.
///
/// If it is dropped before [`write`](Self::write) succeeded, it removes the folders that it made, so a run that fails
/// leaves nothing. Until then no other run can open it, on systems with locks for folders.
#[derive(Debug)]
pub struct OutFolder {
    path: PathBuf,
    /// Holds the lock. A killed process releases it too.
    _lock: Option<fs::File>,
    /// Folders made here, the innermost first.
    made: Vec<PathBuf>,
}

impl OutFolder {
    /// Makes the folder if it is absent. Checks that files can be made in it and that `names` are free for files.
    /// Removes half-written files of a killed run.
    ///
    /// # Errors
    ///
    /// [`RunError::Out`], [`RunError::OutTaken`], [`RunError::OutBusy`].
    pub fn open(path: &Path, names: &[&str]) -> Result<Self, RunError> {
        // An empty path is the working folder, under a name that can be joined and shown.
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let mut folder = Self { path: path.to_owned(), _lock: None, made: Vec::new() };
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(RunError::OutTaken { path: path.to_owned(), found: "a file, not a folder" });
            }
            Ok(_) => {}
            Err(_) => folder.make()?,
        }
        folder.lock()?;
        for name in names {
            let file = folder.path.join(name);
            if file.is_dir() {
                return Err(RunError::OutTaken { path: file, found: "a folder, where a file is to be written" });
            }
        }
        files::try_out(path).map_err(|source| RunError::Out { path: path.to_owned(), source })?;
        Ok(folder)
    }

    /// Makes the folder and its absent parents, and remembers which were absent.
    fn make(&mut self) -> Result<(), RunError> {
        let absent: Vec<PathBuf> = self
            .path
            .ancestors()
            .filter(|path| !path.as_os_str().is_empty())
            .take_while(|path| !path.exists())
            .map(Path::to_owned)
            .collect();
        for path in absent.into_iter().rev() {
            match fs::create_dir(&path) {
                Ok(()) => self.made.insert(0, path),
                // It exists by now, like `a/..` once `a` is made.
                Err(_) if path.is_dir() => {}
                Err(_) if path.is_symlink() => return Err(RunError::OutTaken { path, found: "a link to nowhere" }),
                Err(source) => return Err(RunError::Out { path, source }),
            }
        }
        Ok(())
    }

    /// Keeps other runs out, and then removes the files that a killed run has left. A file system without locks is no
    /// reason to stop, but there these files cannot be told from the files of an active run.
    fn lock(&mut self) -> Result<(), RunError> {
        if cfg!(not(unix)) {
            return Ok(());
        }
        let Ok(folder) = fs::File::open(&self.path) else { return Ok(()) };
        match folder.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(RunError::OutBusy { path: self.path.clone() }),
            Err(fs::TryLockError::Error(_)) => return Ok(()),
        }
        self._lock = Some(folder);
        files::clear(&self.path);
        Ok(())
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes files of these names. All are written under temporary names and synced first, and renamed only then. So
    /// a full disk leaves each place as it was: no file, or the whole old one.
    ///
    /// # Errors
    ///
    /// [`RunError::Out`], naming the file.
    pub fn write<N: AsRef<str>>(&mut self, files: &[(N, Vec<u8>)]) -> Result<(), RunError> {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_ref(), bytes.as_slice())).collect();
        write_whole(&self.path, &files).map_err(|WriteError { path, source }| RunError::Out { path, source })?;
        self.made.clear();
        Ok(())
    }

    /// Removes a file that an earlier run has left, if there is one.
    ///
    /// # Errors
    ///
    /// [`RunError::Out`].
    pub fn remove(&self, name: &str) -> Result<(), RunError> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(RunError::Out { path, source }),
            _ => Ok(()),
        }
    }
}

impl Drop for OutFolder {
    fn drop(&mut self) {
        // A folder that is no longer empty stays.
        self.made.iter().take_while(|path| fs::remove_dir(path).is_ok()).for_each(drop);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::files::tests::names;

    #[test]
    fn files_are_whole_and_old_ones_replaced() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        let mut folder = OutFolder::open(&path, &["x", "y"]).unwrap();
        assert!(names(&path).is_empty());
        folder.write(&[("x", vec![1, 2]), ("y", vec![3])]).unwrap();
        drop(folder);
        OutFolder::open(&path, &["x"]).unwrap().write(&[("x", vec![9])]).unwrap();
        assert_eq!(names(&path), ["x", "y"]);
        assert_eq!((fs::read(path.join("x")).unwrap(), fs::read(path.join("y")).unwrap()), (vec![9], vec![3]));
    }

    #[test]
    fn a_run_that_fails_leaves_no_folder() {
        let root = tempfile::tempdir().unwrap();
        drop(OutFolder::open(&root.path().join("a/b"), &[]).unwrap());
        assert!(names(root.path()).is_empty());
        // The old content stays.
        fs::create_dir(root.path().join("kept")).unwrap();
        drop(OutFolder::open(&root.path().join("kept"), &[]).unwrap());
        assert_eq!(names(root.path()), ["kept"]);
    }

    #[test]
    fn taken_places_are_named() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "").unwrap();
        fs::create_dir(root.path().join("x")).unwrap();
        let message = |path: &Path| OutFolder::open(path, &["x"]).unwrap_err().to_string();
        assert!(message(&root.path().join("file")).contains("is a file, not a folder"));
        assert!(message(root.path()).contains("is a folder, where a file is to be written"));
        let below = root.path().join("file").join("out");
        assert!(message(&below).contains("file/out`: "), "{}", message(&below));
        assert_eq!(names(root.path()), ["file", "x"]);
    }

    #[test]
    fn paths_that_go_up_again_are_followed() {
        let root = tempfile::tempdir().unwrap();
        let mut folder = OutFolder::open(&root.path().join("a/../b/./c"), &["x"]).unwrap();
        folder.write(&[("x", vec![1])]).unwrap();
        drop(folder);
        assert_eq!(fs::read(root.path().join("b/c/x")).unwrap(), [1]);
        drop(OutFolder::open(&root.path().join("d/../e"), &[]).unwrap());
        // The missing parent is made too, as with `mkdir -p`; a run that fails removes both.
        assert_eq!(names(root.path()), ["a", "b"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nowhere_is_named() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(root.path().join("absent"), root.path().join("link")).unwrap();
        for path in [root.path().join("link"), root.path().join("link/below")] {
            let message = OutFolder::open(&path, &[]).unwrap_err().to_string();
            assert!(message.contains("link` is a link to nowhere; move it away"), "{message}");
        }
        assert_eq!(names(root.path()), ["link"]);
    }

    #[cfg(unix)]
    #[test]
    fn one_run_at_a_time_and_what_a_killed_one_left_is_removed() {
        let root = tempfile::tempdir().unwrap();
        for name in [".prune-Ab3.tmp", ".prune-notes", "mine.tmp"] {
            fs::write(root.path().join(name), "half").unwrap();
        }
        fs::create_dir(root.path().join(".prune-folder.tmp")).unwrap();
        let first = OutFolder::open(root.path(), &[]).unwrap();
        assert_eq!(names(root.path()), [".prune-folder.tmp", ".prune-notes", "mine.tmp"]);
        let message = OutFolder::open(root.path(), &[]).unwrap_err().to_string();
        assert!(message.contains("another run is writing into"), "{message}");
        drop(first);
        OutFolder::open(root.path(), &[]).unwrap();
    }

    #[test]
    fn a_write_that_fails_changes_nothing() {
        let root = tempfile::tempdir().unwrap();
        let mut folder = OutFolder::open(root.path(), &["x"]).unwrap();
        folder.write(&[("x", vec![1])]).unwrap();
        // The second file cannot be made, so the first must not be replaced either.
        folder.path = root.path().join("gone");
        assert!(folder.write(&[("x", vec![2])]).is_err());
        assert_eq!(fs::read(root.path().join("x")).unwrap(), [1]);
        assert_eq!(names(root.path()), ["x"]);
    }
}
