//! Outputs that appear whole or not at all.
//!
//! Everything is written under a temporary name in the folder of its place, synced, and moved there in one step: a file by
//! a rename, the files of a folder by exchanging the folders. Who is killed before leaves the old output and a temporary
//! name that the next command in the same folder clears.

mod flush;
mod folder;
mod litter;
mod temporary;

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) use flush::while_writing;
pub(crate) use folder::Folder;
pub(crate) use litter::clear;
pub(crate) use temporary::Temporary;

use crate::error::Error;
use crate::model::{Kind, Model};

/// Where an output goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The file or folder; none for the model itself, in place.
    pub path: Option<PathBuf>,
    /// Whether an existing output is replaced.
    pub force: bool,
}

/// The folder that a path lies in.
pub(crate) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Whether two paths lead to one file or folder.
pub(crate) fn is_same(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let id = |path: &Path| fs::metadata(path).map(|about| (about.dev(), about.ino()));
        matches!((id(a), id(b)), (Ok(a), Ok(b)) if a == b)
    }
    #[cfg(not(unix))]
    {
        matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
    }
}

impl Destination {
    /// The path of the output, once everything that speaks against it has been looked at. `sources` are files that are
    /// read beside the model.
    pub(crate) fn check(&self, model: &Model, sources: &[&Path]) -> Result<PathBuf, Error> {
        let own = match model.kind() {
            Kind::File => model.shards()[0].path.clone(),
            Kind::Folder(folder) | Kind::Index { folder, .. } => folder.clone(),
        };
        let Some(path) = &self.path else { return Ok(own) };
        let folder = !matches!(model.kind(), Kind::File);
        check_new(path, self.force, folder)?;
        let read = model.paths().chain(sources.iter().copied()).chain([own.as_path()]);
        if read.into_iter().any(|source| is_same(path, source)) {
            return Err(Error::SameFile { path: path.clone() });
        }
        Ok(path.clone())
    }
}

/// Refuses an output that would replace something unasked, or that cannot be there.
pub(crate) fn check_new(path: &Path, force: bool, folder: bool) -> Result<(), Error> {
    let kind = |why: &str| Err(Error::NotAModel { path: path.to_owned(), why: why.to_owned() });
    match fs::symlink_metadata(path) {
        Err(_) if path.file_name().is_none() => kind("does not name an output"),
        Err(_) => Ok(()),
        Ok(_) if folder && !path.is_dir() => kind("is not a folder; a model of several files is written to a folder"),
        Ok(_) if !folder && path.is_dir() => kind("is a folder; name the file to write"),
        Ok(_) if force || (folder && is_empty(path)) => Ok(()),
        Ok(_) => Err(Error::Exists { path: path.to_owned() }),
    }
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Writes something as JSON, whole or not at all.
///
/// # Errors
///
/// [`Error::Exists`] without `force`, [`Error::Write`].
pub fn write_json(path: &Path, value: &impl serde::Serialize, force: bool) -> Result<(), Error> {
    let failed = |error: serde_json::Error| Error::Write { path: path.to_owned(), source: error.into() };
    let mut text = serde_json::to_vec_pretty(value).map_err(failed)?;
    text.push(b'\n');
    let file = Temporary::create(path, None)?;
    file.write(&text, 0)?;
    file.place(force)
}

/// Refuses a file that [`write_json`] would refuse, before any work.
///
/// # Errors
///
/// [`Error::Exists`] without `force`, [`Error::NotAModel`] for a folder.
pub fn check_file(path: &Path, force: bool) -> Result<(), Error> {
    check_new(path, force, false)
}

/// Makes the entries of a folder last.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::write(folder))?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
