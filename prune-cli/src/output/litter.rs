//! What commands leave behind that were killed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tempfile::Builder;

use super::identity::{Stamp, id, stamp};
use super::modes::open_up;

/// What temporary names begin with.
const PREFIX: &str = ".prune-cli-";

/// What they end with.
const SUFFIX: &str = ".tmp";

/// How many letters and digits lie between.
const RANDOM: usize = 16;

/// A file in a folder with a temporary name that says: all that is in here is written or linked by this command.
pub(super) const NEW: &str = ".prune-cli-new";

/// A file in a folder with a temporary name that says: this was replaced, and by what. See [`Replaced`].
pub(super) const OLD: &str = ".prune-cli-old";

/// What may go of a folder that was replaced.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Replaced {
    /// The name of the folder in its place, beside it.
    pub(super) by: String,
    /// Files that have something new in their place, or a copy of them.
    pub(super) files: BTreeSet<Stamp>,
}

/// Names that nobody else gives.
pub(super) fn names<'n>() -> Builder<'n, 'n> {
    let mut names = Builder::new();
    names.prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM);
    names
}

/// Whether a name is one of those.
pub(super) fn is_ours(name: &OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
    random.is_some_and(|random| random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Removes temporary files and folders of commands that no longer run: those hold a lock on theirs. Of folders, only those
/// that say whose they are. What cannot be removed stays; it is in nobody's way.
pub(crate) fn clear(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if !is_ours(&entry.file_name()) || !(kind.is_file() || kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        let Ok(open) = File::open(&path) else { continue };
        if open.try_lock().is_ok() {
            let _ = if kind.is_dir() { clear_folder(&path, folder) } else { fs::remove_file(&path) };
        }
    }
}

fn clear_folder(path: &Path, beside: &Path) -> io::Result<()> {
    if is_file(&path.join(NEW)) {
        return fs::remove_dir_all(path);
    }
    if is_file(&path.join(OLD)) {
        let replaced: Replaced = serde_json::from_slice(&fs::read(path.join(OLD))?)?;
        return retire(path, &beside.join(&replaced.by), &replaced).map(|_| ());
    }
    // Made and not marked yet; this fails where there is anything in it.
    fs::remove_dir(path)
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.is_file())
}

/// Removes of a folder that was replaced what the folder in its place has too, and the folder where nothing else is in it;
/// whether it is gone. What stays is nobody's litter any more.
pub(super) fn retire(old: &Path, new: &Path, replaced: &Replaced) -> io::Result<bool> {
    let gone = remove_known(old, new, replaced)?;
    let mark = old.join(OLD);
    if gone || is_file(&mark) {
        match fs::remove_file(&mark) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    if gone {
        fs::remove_dir(old)?;
    }
    Ok(gone)
}

/// Whether nothing is left but the mark.
fn remove_known(old: &Path, new: &Path, replaced: &Replaced) -> io::Result<bool> {
    let before = open_up(old)?;
    clear(old);
    let mut gone = true;
    for entry in fs::read_dir(old)? {
        let entry = entry?;
        if entry.file_name() == OLD {
            continue;
        }
        let (path, other) = (entry.path(), new.join(entry.file_name()));
        let about = fs::symlink_metadata(&path)?;
        if about.is_dir() {
            let empty = remove_known(&path, &other, replaced)?;
            if empty {
                fs::remove_dir(&path)?;
            }
            gone &= empty;
            continue;
        }
        let known = stamp(&about).is_some_and(|stamp| replaced.files.contains(&stamp));
        let linked = fs::symlink_metadata(&other).is_ok_and(|other| id(&other).is_some() && id(&other) == id(&about));
        let same_link = about.is_symlink() && fs::read_link(&path)? == fs::read_link(&other).unwrap_or_default();
        if known || linked || same_link {
            fs::remove_file(&path)?;
        } else {
            gone = false;
        }
    }
    if !gone {
        fs::set_permissions(old, before)?;
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn left(at: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(at).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn only_litter_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let litter = ["0123456789abcdef", "ABCDEFGHIJKLMNOP", "0000000000000000", "0000000000000001"]
            .map(|random| format!(".prune-cli-{random}.tmp"));
        fs::write(at.join(&litter[0]), "x").unwrap();
        for folder in &litter[1..] {
            fs::create_dir(at.join(folder)).unwrap();
        }
        fs::write(at.join(&litter[1]).join(NEW), "").unwrap();
        fs::write(at.join(&litter[1]).join("weights"), "x").unwrap();
        // Named as litter, but says nothing of itself and is not empty.
        fs::write(at.join(&litter[2]).join("mine"), "x").unwrap();
        let mut theirs = vec![litter[2].clone()];
        for name in [".prune-notes.tmp", ".prune-cli-.tmp", ".prune-cli-0123456789abcde_.tmp", ".prune-cli-0.tmp"] {
            fs::write(at.join(name), "x").unwrap();
            theirs.push(name.to_owned());
        }
        fs::create_dir(at.join(".prune-backup.tmp")).unwrap();
        fs::write(at.join(".prune-backup.tmp").join(NEW), "").unwrap();
        theirs.push(".prune-backup.tmp".to_owned());
        theirs.sort();
        clear(at);
        assert_eq!(left(at), theirs);
    }

    #[test]
    fn what_is_made_is_known_as_litter() {
        let folder = tempfile::tempdir().unwrap();
        let file = names().tempfile_in(folder.path()).unwrap();
        assert!(is_ours(file.path().file_name().unwrap()));
    }

    /// Of a folder that was replaced, a command that was killed then or one that comes later takes no more than is known.
    #[cfg(unix)]
    #[test]
    fn a_replaced_folder_loses_only_what_is_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let old = at.join(".prune-cli-0123456789abcdef.tmp");
        let new = at.join("m");
        for folder in [&old, &new] {
            fs::create_dir_all(folder.join("deep")).unwrap();
            std::os::unix::fs::symlink("weights", folder.join("link")).unwrap();
        }
        fs::write(old.join("weights"), "old").unwrap();
        fs::write(new.join("weights"), "new").unwrap();
        fs::write(old.join("deep/notes"), "x").unwrap();
        fs::hard_link(old.join("deep/notes"), new.join("deep/notes")).unwrap();
        let replaced = Replaced {
            by: "m".to_owned(),
            files: [stamp(&fs::symlink_metadata(old.join("weights")).unwrap()).unwrap()].into(),
        };
        fs::write(old.join(OLD), serde_json::to_vec(&replaced).unwrap()).unwrap();
        // Came while the folder was being replaced.
        fs::write(old.join("deep/late"), "mine").unwrap();
        clear(at);
        assert_eq!((left(&old), left(&old.join("deep"))), (vec!["deep".to_owned()], vec!["late".to_owned()]));
        assert_eq!(fs::read(new.join("deep/notes")).unwrap(), b"x");
        // Nobody's litter now.
        clear(at);
        assert_eq!(left(&old), ["deep"]);

        fs::remove_file(old.join("deep/late")).unwrap();
        fs::write(old.join(OLD), serde_json::to_vec(&replaced).unwrap()).unwrap();
        clear(at);
        assert_eq!(left(at), ["m"]);
    }
}
