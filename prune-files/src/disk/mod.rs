//! All file-system calls for reading a model and writing an output.
//!
//! Each call goes through here with its path, for two reasons: a test can make any single call fail (`seam`), and
//! [`stat_if_there`] is the one place that tells a failed call from a missing file.

mod at;
mod handle;
mod mount;
#[cfg(test)]
pub(crate) mod seam;
mod stamp;

use std::ffi::OsString;
use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

pub(crate) use handle::Handle;
pub(crate) use mount::{is_mount_point, is_overlay};
pub(crate) use stamp::{Stamp, id};

/// Lets tests make a call fail.
#[inline]
fn pass(call: &'static str, path: &Path) -> io::Result<()> {
    #[cfg(test)]
    seam::pass(call, path)?;
    let _ = (call, path);
    Ok(())
}

/// The metadata of the target of a path.
pub(crate) fn stat(path: &Path) -> io::Result<Metadata> {
    pass("stat", path)?;
    fs::metadata(path)
}

/// The metadata of a path; of a link, the link's own.
pub(crate) fn lstat(path: &Path) -> io::Result<Metadata> {
    pass("lstat", path)?;
    fs::symlink_metadata(path)
}

/// The metadata of the target of a path; `None` if the system says that nothing is there. Other failures are errors.
pub(crate) fn stat_if_there(path: &Path) -> io::Result<Option<Metadata>> {
    if_there(stat(path))
}

/// As [`stat_if_there`], but for the link itself.
pub(crate) fn lstat_if_there(path: &Path) -> io::Result<Option<Metadata>> {
    if_there(lstat(path))
}

/// The same answer, with `None` if the system says that nothing is there.
pub(crate) fn if_there<T>(answer: io::Result<T>) -> io::Result<Option<T>> {
    match answer {
        Ok(there) => Ok(Some(there)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A path without links.
pub(crate) fn canonical(path: &Path) -> io::Result<PathBuf> {
    pass("canonical", path)?;
    fs::canonicalize(path)
}

/// The target of a link.
pub(crate) fn read_link(path: &Path) -> io::Result<PathBuf> {
    pass("read link", path)?;
    fs::read_link(path)
}

/// The names in a folder, in order.
pub(crate) fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    pass("read folder", folder)?;
    let mut names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

/// Opens a file or folder for reading.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    pass("open", path)?;
    File::open(path)
}

/// Opens an existing file for reading and writing.
fn open_to_write(path: &Path) -> io::Result<File> {
    pass("open", path)?;
    File::options().read(true).write(true).open(path)
}

/// All bytes of a file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    pass("read", path)?;
    fs::read(path)
}

/// Makes a new file or folder by `make`, which chooses the name in `folder`.
pub(crate) fn create<T>(folder: &Path, make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    pass("create", folder)?;
    make()
}

pub(crate) fn create_dir(path: &Path) -> io::Result<()> {
    pass("create folder", path)?;
    fs::create_dir(path)
}

/// Moves a file or folder. A file of that name is replaced.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    pass("rename", to)?;
    fs::rename(from, to)
}

/// Moves a file to a name that is free.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    pass("rename", to)?;
    let from = tempfile::TempPath::try_from_path(from)?;
    from.persist_noclobber(to).map_err(|failed| {
        // The owner of the temporary file removes it.
        let _ = failed.path.keep();
        failed.error
    })
}

pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    pass("remove", path)?;
    fs::remove_file(path)
}

/// Removes a folder with all its contents.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    pass("remove", path)?;
    fs::remove_dir_all(path)
}

pub(crate) fn set_permissions(path: &Path, permissions: Permissions) -> io::Result<()> {
    pass("permissions", path)?;
    fs::set_permissions(path, permissions)
}

/// Gives a file or folder an owner and a group.
#[cfg(unix)]
pub(crate) fn set_owner(path: &Path, user: Option<u32>, group: Option<u32>) -> io::Result<()> {
    pass("owner", path)?;
    std::os::unix::fs::chown(path, user, group)
}

/// Copies the next bytes of a file to the end of another one. Returns their number, which is 0 only at the end of the
/// file.
pub(crate) fn copy(from: &File, mut to: &File, path: &Path, most: u64) -> io::Result<u64> {
    pass("copy", path)?;
    io::copy(&mut from.take(most), &mut to)
}

/// Fills `bytes` from the position `at` on.
pub(crate) fn read_at(file: &File, path: &Path, bytes: &mut [u8], at: u64) -> io::Result<()> {
    pass("read", path)?;
    at::read_exact_at(file, bytes, at)
}

/// Writes all of `bytes` from the position `at` on.
pub(crate) fn write_at(file: &File, path: &Path, bytes: &[u8], at: u64) -> io::Result<()> {
    pass("write", path)?;
    at::write_all_at(file, bytes, at)
}

pub(crate) fn stat_open(file: &File, path: &Path) -> io::Result<Metadata> {
    pass("stat", path)?;
    file.metadata()
}

pub(crate) fn set_len(file: &File, path: &Path, len: u64) -> io::Result<()> {
    pass("length", path)?;
    file.set_len(len)
}

/// Syncs what was written to a file, including the system's metadata about it.
pub(crate) fn sync_all(file: &File, path: &Path) -> io::Result<()> {
    pass("sync", path)?;
    file.sync_all()
}

/// Syncs the bytes that were written so far.
pub(crate) fn sync_data(file: &File, path: &Path) -> io::Result<()> {
    pass("sync", path)?;
    file.sync_data()
}

/// Syncs the entries of a folder.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    sync_all(&open(folder)?, folder)?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
