//! Owner and permissions of new files and folders.

use std::fs::{Metadata, Permissions};
use std::io;
use std::path::Path;

use crate::disk;

/// The permissions, and for an output in place also the owner, that a new file or folder takes from another one.
#[derive(Debug, Clone)]
pub(crate) struct Rights {
    permissions: Permissions,
    /// The user and the group.
    #[cfg(unix)]
    owner: Option<(u32, u32)>,
}

impl Rights {
    /// The permissions of a file or folder, and its owner if the new one takes its place.
    pub(crate) fn of(about: &Metadata, in_place: bool) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            Rights { permissions: about.permissions(), owner: in_place.then(|| (about.uid(), about.gid())) }
        }
        #[cfg(not(unix))]
        {
            let _ = in_place;
            Rights { permissions: about.permissions() }
        }
    }

    /// Gives the rights to the file or folder at a path. If the user may not change the owner, the user stays the
    /// owner: only root gives files away.
    pub(crate) fn give(&self, path: &Path) -> io::Result<()> {
        #[cfg(unix)]
        if let Some((user, group)) = self.owner {
            use std::os::unix::fs::MetadataExt as _;
            let about = disk::stat(path)?;
            if (about.uid(), about.gid()) != (user, group) && !allowed(disk::set_owner(path, Some(user), Some(group)))?
            {
                allowed(disk::set_owner(path, None, Some(group)))?;
            }
        }
        disk::set_permissions(path, self.permissions.clone())
    }
}

/// False if the user may not give a file away. Other failures are errors.
#[cfg(unix)]
fn allowed(given: io::Result<()>) -> io::Result<bool> {
    match given {
        Ok(()) => Ok(true),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error()) => Ok(false),
        Err(error) => Err(error),
    }
}

/// These permissions, plus those of the owner to read, write and enter.
pub(super) fn writable(permissions: &Permissions) -> Permissions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        Permissions::from_mode(permissions.mode() | 0o700)
    }
    #[cfg(not(unix))]
    permissions.clone()
}
