//! What tells one file or folder from all others.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::parent;

/// Device and number of a file or folder, where the system has them.
#[cfg(unix)]
pub(super) fn id(about: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((about.dev(), about.ino()))
}

/// Device and number of a file or folder, where the system has them.
#[cfg(not(unix))]
pub(super) fn id(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// A file as it was at a moment: device, number, length, and when it was written last, in nanoseconds.
pub(super) type Stamp = [u64; 4];

/// The stamp of a file, where the system has what it is made of.
pub(super) fn stamp(about: &Metadata) -> Option<Stamp> {
    let (device, number) = id(about)?;
    let written = about.modified().ok()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    Some([device, number, about.len(), written])
}

/// Whether two paths lead to one file or folder, or would once there is one.
pub(crate) fn is_same(a: &Path, b: &Path) -> bool {
    let known = |path: &Path| fs::metadata(path).ok().as_ref().and_then(id);
    match (known(a), known(b)) {
        (Some(a), Some(b)) => a == b,
        _ => matches!((resolved(a), resolved(b)), (Some(a), Some(b)) if a == b),
    }
}

/// Whether a path lies in a folder, or is the folder itself. What is not there yet lies where its parent does.
pub(crate) fn is_within(path: &Path, folder: &Path) -> bool {
    matches!((resolved(path), fs::canonicalize(folder)), (Some(path), Ok(folder)) if path.starts_with(&folder))
}

/// A path without links. Of what is not there, the parent is followed.
fn resolved(path: &Path) -> Option<PathBuf> {
    let of_parent = || Some(fs::canonicalize(parent(path)).ok()?.join(path.file_name()?));
    fs::canonicalize(path).ok().or_else(of_parent)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn one_place_has_many_paths() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::create_dir(at.join("a")).unwrap();
        fs::write(at.join("a/x"), "x").unwrap();
        fs::write(at.join("a/y"), "x").unwrap();
        assert!(is_same(&at.join("a/x"), &at.join("a/../a/x")));
        assert!(!is_same(&at.join("a/x"), &at.join("a/y")));
        // Neither is there yet.
        assert!(is_same(&at.join("a/z"), &at.join("a/../a/./z")));
        assert!(!is_same(&at.join("a/z"), &at.join("z")));
        assert!(!is_same(&at.join("a/z"), &at.join("a/x")));
        assert!(!is_same(&at.join("nowhere/z"), &at.join("nowhere/z/")));
        assert!(is_within(&at.join("a/z"), &at.join("a")) && is_within(&at.join("a"), &at.join("a")));
        assert!(!is_within(&at.join("ab"), &at.join("a")) && !is_within(at, &at.join("a")));
        #[cfg(unix)]
        {
            fs::hard_link(at.join("a/x"), at.join("hard")).unwrap();
            std::os::unix::fs::symlink("a", at.join("link")).unwrap();
            assert!(is_same(&at.join("hard"), &at.join("link/x")));
            assert!(is_same(&at.join("link/z"), &at.join("a/z")));
            assert!(is_within(&at.join("link/z"), &at.join("a")));
        }
    }
}
