//! Outputs that appear whole or not at all.
//!
//! Everything is written under a temporary name in the folder of its place, synced, and moved there in one step: a file by
//! a rename, the files of a folder by exchanging the folders. Who is killed before leaves the old output and a temporary
//! name that the next command in the same folder clears.

mod flush;
mod folder;
mod identity;
mod litter;
mod modes;
mod temporary;

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) use flush::while_writing;
pub(crate) use folder::Folder;
pub(crate) use identity::{is_same, is_within};
pub(crate) use litter::clear;
pub(crate) use temporary::Temporary;

use crate::error::{Error, show};
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

impl Destination {
    /// The path of the output, once everything that speaks against it has been looked at. `beside` are models of scores and
    /// masks that are read, and `in_place` says whether there is an option of that name.
    pub(crate) fn check(&self, model: &Model, beside: &[&Model], in_place: bool) -> Result<PathBuf, Error> {
        let folder = !matches!(model.kind(), Kind::File);
        let path = match &self.path {
            None => {
                let own = model.place();
                fs::canonicalize(own).map_err(Error::write(own))?
            }
            Some(path) => {
                check_new(path, self.force, folder)?;
                not_read(path, model, beside, in_place)?;
                if folder && path.exists() { fs::canonicalize(path).map_err(Error::write(path))? } else { path.clone() }
            }
        };
        if folder && path.exists() {
            can_replace(&path, model, self.path.is_none())?;
        }
        Ok(path)
    }

    /// The output as messages name it.
    pub(crate) fn shown(&self, model: &Model) -> String {
        show(self.path.as_deref().unwrap_or(model.place()))
    }
}

/// Refuses an output that is something which is read.
pub(crate) fn not_read(path: &Path, model: &Model, beside: &[&Model], in_place: bool) -> Result<(), Error> {
    let refuse = |what, in_place| Err(Error::SameFile { path: path.to_owned(), what, in_place });
    if model.all_paths().any(|read| is_same(path, &read)) || is_same(path, model.place()) {
        return refuse("the model itself", in_place);
    }
    if beside.iter().flat_map(|model| model.all_paths()).any(|read| is_same(path, &read)) {
        return refuse("a file of scores or masks, which is read", false);
    }
    Ok(())
}

/// Refuses to replace a folder that something still needs as it is.
fn can_replace(path: &Path, model: &Model, in_place: bool) -> Result<(), Error> {
    let refuse = |why: String| Err(Error::NotAModel { path: path.to_owned(), why });
    if std::env::current_dir().is_ok_and(|current| is_within(&current, path)) {
        return refuse("would be replaced, but is the current folder or holds it; run this from outside".to_owned());
    }
    if in_place {
        return Ok(());
    }
    if model.all_paths().any(|read| is_within(&read, path)) {
        return refuse("holds the model that is read; write elsewhere".to_owned());
    }
    let mut other = Vec::new();
    for entry in fs::read_dir(path).map_err(Error::read(path))? {
        let name = entry.map_err(Error::read(path))?.file_name().to_string_lossy().into_owned();
        let weights = name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json");
        let new = model.all_paths().any(|path| path.file_name().is_some_and(|new| new == name.as_str()));
        if weights && !name.starts_with('.') && !new {
            other.push(name);
        }
    }
    other.sort_unstable();
    if other.is_empty() {
        return Ok(());
    }
    let names = crate::report::listed(&other);
    refuse(format!("holds files of another model, which would be mixed with this one: {names}; write to a new folder"))
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

/// Makes the entries of a folder last.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::write(folder))?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
