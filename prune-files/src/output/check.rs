//! Checks an output before any work.

use std::fs::FileType;
use std::path::{Path, PathBuf};

use super::{is_same, is_within};
use crate::disk::{self, if_there};
use crate::error::{Error, show};
use crate::read::model::{Model, ModelKind};
use crate::text::term::Term;

fn refuse<T>(path: &Path, why: impl Into<String>) -> Result<T, Error> {
    Err(Error::NotAModel { path: path.to_owned(), why: why.into() })
}

/// The path of a model that is replaced in place.
pub(super) fn in_place(model: &Model) -> Result<PathBuf, Error> {
    // Through a link, other models would change too: in a shared store many links lead to one file.
    for path in model.all_paths().chain([model.place().to_owned()]) {
        // The path has no separator at its end, since that would follow the link.
        let path = path.components().as_path().to_owned();
        if disk::lstat(&path).map_err(Error::read(&path))?.is_symlink() {
            let to = disk::read_link(&path).map_err(Error::read(&path))?;
            let why = format!(
                "is a link to {}, which others may share, so it is not written in place; write elsewhere with {}, or put a \
                 copy in the place of the link first",
                show(&to),
                Term::Output
            );
            return refuse(&path, why);
        }
    }
    let own = disk::canonical(model.place()).map_err(Error::write(model.place()))?;
    if !matches!(model.kind(), ModelKind::File) {
        can_move(&own)?;
    }
    Ok(own)
}

/// The path of an output that is not the model itself.
pub(super) fn elsewhere(
    path: &Path,
    force: bool,
    model: &Model,
    beside: &[(&str, &Model)],
    in_place: bool,
) -> Result<PathBuf, Error> {
    let folder = !matches!(model.kind(), ModelKind::File);
    check_new(path, force, folder)?;
    not_read(path, model, beside, in_place)?;
    if !folder {
        return Ok(path.to_owned());
    }
    not_inside(path, model)?;
    if disk::stat_if_there(path).map_err(Error::write(path))?.is_none() {
        return Ok(path.components().as_path().to_owned());
    }
    let path = disk::canonical(path).map_err(Error::write(path))?;
    can_move(&path)?;
    for read in model.all_paths() {
        if is_within(&read, &path).map_err(Error::write(&path))? {
            return refuse(&path, "holds the model that is read; write elsewhere");
        }
    }
    Ok(path)
}

/// Refuses an output that is one of the files that are read.
pub(crate) fn not_read(path: &Path, model: &Model, beside: &[(&str, &Model)], in_place: bool) -> Result<(), Error> {
    let refuse = |what: String, in_place| Err(Error::SameFile { path: path.to_owned(), what, in_place });
    let same = |read: &Path| is_same(path, read).map_err(Error::write(path));
    for read in model.all_paths().chain([model.place().to_owned()]) {
        if same(&read)? {
            return refuse("the model itself".to_owned(), in_place);
        }
    }
    for (what, beside) in beside {
        for read in beside.all_paths() {
            if same(&read)? {
                return refuse(format!("a file of {what}, which is read"), false);
            }
        }
    }
    Ok(())
}

/// Refuses an output inside the folder of a model. It would be copied along with the next output, or turn the folder
/// into one with several models.
pub(crate) fn not_inside(path: &Path, model: &Model) -> Result<(), Error> {
    let (ModelKind::Folder(folder) | ModelKind::Index { folder, .. }) = model.kind() else { return Ok(()) };
    if is_within(path, folder).map_err(Error::write(path))? {
        return refuse(
            path,
            format!("lies in the folder of the model, {}, which is read; write elsewhere", show(folder)),
        );
    }
    Ok(())
}

/// Refuses an output that would replace something unasked, or that cannot be written there.
pub(crate) fn check_new(path: &Path, force: bool, folder: bool) -> Result<(), Error> {
    let failed = || Error::write(path);
    // The path has no separator at its end, since that would follow a link.
    let plain = path.components().as_path();
    let Some(about) = disk::lstat_if_there(plain).map_err(failed())? else {
        if plain.file_name().is_none() {
            return refuse(path, "does not name an output");
        }
        if !folder && path.as_os_str().to_string_lossy().ends_with(std::path::is_separator) {
            return refuse(
                path,
                "names a folder, but a model of one file is written to a file; name the file to write",
            );
        }
        return Ok(());
    };
    if about.is_symlink() {
        let there = disk::stat_if_there(plain).map_err(failed())?;
        if let Some(what) = there.and_then(|about| special(about.file_type())) {
            return refuse(path, format!("is {what}, and only files are written; name a new file"));
        }
        let to = disk::read_link(plain).map_err(failed())?;
        return refuse(path, format!("is a link to {}; remove the link, or name another output", show(&to)));
    }
    if let Some(what) = special(about.file_type()) {
        return refuse(path, format!("is {what}, and only files are written; name a new file"));
    }
    match (folder, about.is_dir()) {
        (true, false) => refuse(path, "is not a folder; a model of several files is written to a folder"),
        (false, true) => refuse(path, "is a folder; name the file to write"),
        _ if force => Ok(()),
        (true, true) if disk::names(plain).map_err(failed())?.is_empty() => Ok(()),
        _ => Err(Error::Exists { path: path.to_owned() }),
    }
}

/// The kind of a path that is neither a file nor a folder.
fn special(kind: FileType) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_block_device() || kind.is_char_device() {
            return Some("a device");
        }
        if kind.is_fifo() {
            return Some("a pipe");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
    }
    (!(kind.is_file() || kind.is_dir() || kind.is_symlink())).then_some("neither a file nor a folder")
}

/// Refuses to replace a folder that cannot be moved, or that is the working folder of this process.
fn can_move(path: &Path) -> Result<(), Error> {
    let failed = || Error::write(path);
    let here = if_there(std::env::current_dir()).map_err(failed())?;
    if let Some(here) = here
        && is_within(&here, path).map_err(failed())?
    {
        return refuse(path, "would be replaced, but is the current folder or holds it; run this from outside");
    }
    let about = disk::stat(path).map_err(failed())?;
    if disk::is_mount_point(path, &about).map_err(failed())? {
        return refuse(path, "is a mount point, which cannot be replaced; write to a new folder in it");
    }
    Ok(())
}
