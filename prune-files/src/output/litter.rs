//! Temporary files left behind by killed commands, and those that this command cannot remove.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::Builder;

use super::rights::writable;
use crate::disk;

/// The beginning of temporary names.
const PREFIX: &str = ".prune-cli-";

/// The end of temporary names.
const SUFFIX: &str = ".tmp";

/// The number of letters and digits in between.
const RANDOM: usize = 16;

/// Names that no other program uses.
pub(super) fn names<'n>() -> Builder<'n, 'n> {
    let mut names = Builder::new();
    names.prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM);
    names
}

/// True if a name is such a temporary name.
pub(super) fn is_ours(name: &OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
    random.is_some_and(|random| random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Removes temporary files and folders of commands that no longer run. A running command holds a lock on its own. Such
/// a folder holds only copies that were not complete. A file that cannot be removed stays, and does no harm.
pub(crate) fn clear(folder: &Path) {
    for name in disk::names(folder).unwrap_or_default().into_iter().filter(|name| is_ours(name)) {
        let path = folder.join(name);
        let Ok(kind) = disk::lstat(&path).map(|about| about.file_type()) else { continue };
        if !(kind.is_file() || kind.is_dir()) {
            continue;
        }
        let Ok(open) = disk::open(&path) else { continue };
        if open.try_lock().is_ok() {
            let _ = remove(&path);
        }
    }
}

/// Removes every temporary file from this command's own folder, such as files that could not be removed before.
pub(super) fn clear_all(folder: &Path) -> io::Result<()> {
    disk::names(folder)?.iter().filter(|name| is_ours(name)).try_for_each(|name| remove(&folder.join(name)))
}

/// Removes a file, or a folder with all its contents. A missing path counts as removed.
fn remove(path: &Path) -> io::Result<()> {
    let Some(about) = disk::lstat_if_there(path)? else { return Ok(()) };
    let removed =
        if about.is_dir() { open_up(path).and_then(|()| disk::remove_tree(path)) } else { disk::remove_file(path) };
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Lets the owner of a folder, and of all folders in it, remove their contents.
fn open_up(folder: &Path) -> io::Result<()> {
    let before = disk::lstat(folder)?.permissions();
    let open = writable(&before);
    if open != before {
        disk::set_permissions(folder, open)?;
    }
    for name in disk::names(folder)? {
        let path = folder.join(name);
        if disk::lstat(&path)?.is_dir() {
            open_up(&path)?;
        }
    }
    Ok(())
}

/// Files and folders that could not be removed.
static LEFT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes a temporary file or folder; if that fails, it is added to [`leftovers`].
pub(super) fn discard(path: &Path) {
    if remove(path).is_err() {
        LEFT.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(path.to_owned());
    }
}

/// Temporary files and folders that this process could not remove. They do no harm, and the next command that writes to
/// the same folder tries again.
pub fn leftovers() -> Vec<PathBuf> {
    let mut left = LEFT.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
    left.retain(|path| !matches!(disk::lstat_if_there(path), Ok(None)));
    left
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::fs;

    use super::*;

    fn left(at: &Path) -> Vec<String> {
        disk::names(at).unwrap().into_iter().map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn only_litter_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let litter = ["0123456789abcdef", "ABCDEFGHIJKLMNOP", "0000000000000000", "0000000000000001"]
            .map(|random| at.join(format!(".prune-cli-{random}.tmp")));
        fs::write(&litter[0], "x").unwrap();
        for folder in &litter[1..] {
            fs::create_dir_all(folder.join("deep")).unwrap();
            fs::write(folder.join("deep/weights"), "x").unwrap();
        }
        // Also a folder that nobody may write to.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            for inner in ["deep", ""] {
                fs::set_permissions(litter[1].join(inner), fs::Permissions::from_mode(0o555)).unwrap();
            }
        }
        // Another command is writing this one.
        let lock = fs::File::open(&litter[2]).unwrap();
        lock.lock().unwrap();
        let mut theirs = vec![litter[2].file_name().unwrap().to_str().unwrap().to_owned()];
        for name in [".prune-notes.tmp", ".prune-cli-.tmp", ".prune-cli-0123456789abcde_.tmp", ".prune-cli-0.tmp"] {
            fs::write(at.join(name), "x").unwrap();
            theirs.push(name.to_owned());
        }
        fs::create_dir(at.join(".prune-backup.tmp")).unwrap();
        theirs.push(".prune-backup.tmp".to_owned());
        theirs.sort();
        clear(at);
        assert_eq!(left(at), theirs);
        drop(lock);
        clear(at);
        assert_eq!(left(at).len(), theirs.len() - 1);
    }

    #[test]
    fn what_is_made_is_known_as_litter() {
        let folder = tempfile::tempdir().unwrap();
        let file = names().tempfile_in(folder.path()).unwrap();
        assert!(is_ours(file.path().file_name().unwrap()));
    }
}
