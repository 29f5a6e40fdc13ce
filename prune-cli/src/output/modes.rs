//! Folders that nobody may write to, while they are written to.

use std::fs::{self, Permissions};
use std::io;
use std::path::Path;

/// Lets the owner of a folder read and write in it; what was allowed before.
pub(super) fn open_up(folder: &Path) -> io::Result<Permissions> {
    let before = fs::metadata(folder)?.permissions();
    let open = writable(&before);
    if open != before {
        fs::set_permissions(folder, open)?;
    }
    Ok(before)
}

/// These permissions and those of the owner to read, write and enter.
pub(super) fn writable(permissions: &Permissions) -> Permissions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        Permissions::from_mode(permissions.mode() | 0o700)
    }
    #[cfg(not(unix))]
    permissions.clone()
}
