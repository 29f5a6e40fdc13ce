//! What commands leave behind that were killed.

use std::fs::{self, File};
use std::path::Path;

/// What temporary names begin with.
pub(super) const PREFIX: &str = ".prune-";

/// What they end with.
pub(super) const SUFFIX: &str = ".tmp";

/// Removes temporary files and folders of commands that no longer run: those hold a lock on theirs. What cannot be removed
/// stays; it is in nobody's way.
pub(crate) fn clear(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        let Ok(kind) = entry.file_type() else { continue };
        if !ours || !(kind.is_file() || kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        let Ok(open) = File::open(&path) else { continue };
        if open.try_lock().is_ok() {
            let _ = if kind.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}
