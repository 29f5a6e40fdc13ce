//! Folders that cannot be moved, because of where they are mounted.

use std::fs::Metadata;
use std::io;
use std::path::Path;

use super::{id, pass, stat};

/// True if another file system, or another part of one, is mounted at a folder.
pub(crate) fn is_mount_point(folder: &Path, about: &Metadata) -> io::Result<bool> {
    if is_mount_root(folder)? == Some(true) {
        return Ok(true);
    }
    let above = stat(&folder.join(".."))?;
    // The root is its own parent.
    Ok(id(about).is_some() && (id(about) == id(&above) || id(about).map(|id| id.0) != id(&above).map(|id| id.0)))
}

/// The system's own answer, which also knows mounts within one device; `None` if the system has no answer.
#[cfg(target_os = "linux")]
fn is_mount_root(folder: &Path) -> io::Result<Option<bool>> {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    pass("statx", folder)?;
    match statx(CWD, folder, AtFlags::empty(), StatxFlags::empty()) {
        Ok(about) if about.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) => {
            Ok(Some(about.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)))
        }
        // Old systems and some sandboxes lack the call.
        Ok(_) | Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM | rustix::io::Errno::OPNOTSUPP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn is_mount_root(folder: &Path) -> io::Result<Option<bool>> {
    pass("statx", folder).map(|()| None)
}

/// True if a folder is on an overlay file system, which may refuse to move a folder of its lower layers.
#[cfg(target_os = "linux")]
pub(crate) fn is_overlay(folder: &Path) -> io::Result<bool> {
    /// `OVERLAYFS_SUPER_MAGIC` of the kernel's `magic.h`.
    const OVERLAY: u64 = 0x794c_7630;
    pass("statfs", folder)?;
    Ok(rustix::fs::statfs(folder)?.f_type as u64 & 0xffff_ffff == OVERLAY)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_overlay(folder: &Path) -> io::Result<bool> {
    pass("statfs", folder).map(|()| false)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn mount_points_are_known() {
        let folder = tempfile::tempdir().unwrap();
        for (path, mounted) in [(Path::new("/"), true), (Path::new("/proc"), true), (folder.path(), false)] {
            assert_eq!(is_mount_point(path, &stat(path).unwrap()).unwrap(), mounted, "{path:?}");
        }
        assert!(!is_overlay(Path::new("/proc")).unwrap());
    }
}
