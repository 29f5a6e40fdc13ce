//! Compares paths by the place that they lead to.

use std::io;
use std::path::{Path, PathBuf};

use super::parent;
use crate::disk::{self, id, if_there};

/// True if two paths lead to one file or folder, or would once it exists.
pub(crate) fn is_same(a: &Path, b: &Path) -> io::Result<bool> {
    let [id_a, id_b] = [disk::stat_if_there(a)?, disk::stat_if_there(b)?].map(|about| about.as_ref().and_then(id));
    if id_a.is_some() && id_b.is_some() {
        return Ok(id_a == id_b);
    }
    let (a, b) = (resolved(a)?, resolved(b)?);
    Ok(a.is_some() && a == b)
}

/// True if a path lies in a folder, or is the folder itself. A path that does not exist yet lies where its parent does.
pub(crate) fn is_within(path: &Path, folder: &Path) -> io::Result<bool> {
    let (path, folder) = (resolved(path)?, if_there(disk::canonical(folder))?);
    Ok(matches!((path, folder), (Some(path), Some(folder)) if path.starts_with(&folder)))
}

/// A path without links. If it does not exist, its parent is resolved; `None` if that does not exist either.
fn resolved(path: &Path) -> io::Result<Option<PathBuf>> {
    if let Some(there) = if_there(disk::canonical(path))? {
        return Ok(Some(there));
    }
    let Some(name) = path.file_name() else { return Ok(None) };
    Ok(if_there(disk::canonical(&parent(path)))?.map(|parent| parent.join(name)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::fs;

    use super::*;

    #[test]
    fn one_place_has_many_paths() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::create_dir(at.join("a")).unwrap();
        fs::write(at.join("a/x"), "x").unwrap();
        fs::write(at.join("a/y"), "x").unwrap();
        assert!(is_same(&at.join("a/x"), &at.join("a/../a/x")).unwrap());
        assert!(!is_same(&at.join("a/x"), &at.join("a/y")).unwrap());
        // Neither of them exists yet.
        assert!(is_same(&at.join("a/z"), &at.join("a/../a/./z")).unwrap());
        assert!(!is_same(&at.join("a/z"), &at.join("z")).unwrap());
        assert!(!is_same(&at.join("a/z"), &at.join("a/x")).unwrap());
        assert!(!is_same(&at.join("nowhere/z"), &at.join("nowhere/z/")).unwrap());
        assert!(is_within(&at.join("a/z"), &at.join("a")).unwrap() && is_within(&at.join("a"), &at.join("a")).unwrap());
        assert!(!is_within(&at.join("ab"), &at.join("a")).unwrap() && !is_within(at, &at.join("a")).unwrap());
        #[cfg(unix)]
        {
            fs::hard_link(at.join("a/x"), at.join("hard")).unwrap();
            std::os::unix::fs::symlink("a", at.join("link")).unwrap();
            assert!(is_same(&at.join("hard"), &at.join("link/x")).unwrap());
            assert!(is_same(&at.join("link/z"), &at.join("a/z")).unwrap());
            assert!(is_within(&at.join("link/z"), &at.join("a")).unwrap());
        }
    }
}
