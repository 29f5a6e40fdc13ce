//! Files that appear whole or not at all: the one way in which the workspace's experiments write.
//!
//! Checkpoints of any size, written by position and with the rights of another file, are the business of `prune-files`.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`: {source}", path.display())]
pub struct WriteError {
    /// The file, or the folder.
    pub path: PathBuf,
    /// The cause.
    pub source: io::Error,
}

/// The names of files until they are whole.
const PREFIX: &str = ".prune-";
const SUFFIX: &str = ".tmp";

/// Writes files of these names into `folder`. All are written under temporary names and synced first, and renamed only
/// then. So a full disk leaves each place as it was: no file, or the whole old one.
///
/// # Errors
///
/// The file that cannot be written, and the cause.
///
/// # Examples
/// ```
/// use prune_mnist::files::write_whole;
///
/// let folder = tempfile::tempdir()?;
/// write_whole(folder.path(), &[("a", b"1"), ("b", b"22")])?;
/// assert_eq!(std::fs::read(folder.path().join("b"))?, b"22");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_whole(folder: &Path, files: &[(&str, &[u8])]) -> Result<(), WriteError> {
    let mut written: Vec<(PathBuf, NamedTempFile)> = Vec::with_capacity(files.len());
    for (name, bytes) in files {
        let path = folder.join(name);
        let whole = temporary(folder).and_then(|mut file| {
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            Ok(file)
        });
        match whole {
            Ok(file) => written.push((path, file)),
            Err(source) => return Err(WriteError { path, source }),
        }
    }
    for (path, file) in written {
        file.persist(&path).map_err(|error| WriteError { path, source: error.error })?;
    }
    sync(folder).map_err(|source| WriteError { path: folder.to_owned(), source })
}

/// Checks that files can be made in `folder`.
pub(crate) fn try_out(folder: &Path) -> io::Result<()> {
    temporary(folder).and_then(|mut file| file.write_all(&[0]).and_then(|()| file.close()))
}

/// Removes the temporary files of a program that was killed. No other may be writing into `folder`.
pub(crate) fn clear(folder: &Path) {
    let left = fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| {
        let name = entry.file_name();
        let is_ours = |name: &str| name.starts_with(PREFIX) && name.ends_with(SUFFIX);
        name.to_str().is_some_and(is_ours) && entry.file_type().is_ok_and(|kind| kind.is_file())
    });
    // If a file cannot be removed, it only takes up room.
    left.for_each(|entry| drop(fs::remove_file(entry.path())));
}

/// A file in `folder` that removes itself unless it is renamed, with the rights of any new file.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Makes the renames survive a loss of power, if folders can be synced.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// The names of all that lies in a folder, sorted.
    pub(crate) fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_replaced_and_those_that_cannot_be_are_named() {
        let root = tempfile::tempdir().unwrap();
        write_whole(root.path(), &[("x", &[1]), ("y", &[2])]).unwrap();
        write_whole(root.path(), &[("x", &[3])]).unwrap();
        assert_eq!(fs::read(root.path().join("x")).unwrap(), [3]);
        let absent = write_whole(&root.path().join("absent"), &[("x", &[4])]).unwrap_err();
        assert_eq!(absent.path, root.path().join("absent/x"));
        // A rename cannot replace a folder that is not empty.
        fs::create_dir(root.path().join("taken")).unwrap();
        fs::write(root.path().join("taken/inside"), []).unwrap();
        let taken = write_whole(root.path(), &[("taken", &[5]), ("x", &[6])]).unwrap_err();
        assert_eq!(taken.path, root.path().join("taken"));
        assert_eq!(fs::read(root.path().join("x")).unwrap(), [3]);
        assert_eq!(names(root.path()), ["taken", "x", "y"]);
    }

    #[test]
    fn only_what_killed_programs_left_is_cleared() {
        let root = tempfile::tempdir().unwrap();
        for name in [".prune-Ab3.tmp", ".prune-notes", "mine.tmp"] {
            fs::write(root.path().join(name), "half").unwrap();
        }
        fs::create_dir(root.path().join(".prune-folder.tmp")).unwrap();
        clear(root.path());
        assert_eq!(names(root.path()), [".prune-folder.tmp", ".prune-notes", "mine.tmp"]);
    }

    #[cfg(unix)]
    #[test]
    fn files_have_the_rights_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        write_whole(root.path(), &[("x", &[1])]).unwrap();
        fs::write(root.path().join("usual"), [1]).unwrap();
        let mode = |name: &str| fs::metadata(root.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode("x"), mode("usual"));
    }
}
