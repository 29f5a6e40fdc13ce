//! Outputs that appear whole or not at all.
//!
//! Everything is written under a temporary name in the folder of its place, synced, and moved there by a rename. A kill
//! before that leaves the old output, and a temporary file that the next command in the same folder clears. A folder
//! that is replaced is moved aside, not removed: see `replacement`. Everything that could rule an output out is checked
//! before any work.

mod check;
mod companions;
mod flush;
mod folder;
pub(crate) mod header;
mod identity;
mod litter;
mod outputs;
mod replacement;
mod rights;
mod temporary;

use std::path::{Path, PathBuf};

pub(crate) use check::{check_new, not_inside, not_read};
pub(crate) use companions::Companions;
pub(crate) use flush::while_writing;
pub(crate) use folder::Folder;
pub(crate) use identity::{is_same, is_within};
pub(crate) use litter::clear;
pub use litter::leftovers;
pub(crate) use outputs::Outputs;
pub(crate) use rights::Rights;
pub(crate) use temporary::Temporary;

use crate::error::{Error, show};
use crate::read::model::Model;

/// The place of an output.
///
/// # Examples
///
/// ```
/// use prune_files::Destination;
///
/// assert!(Destination::new("sparse.safetensors").with_force(true).force);
/// assert_eq!(Destination::in_place().path, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The file or folder; `None` for the model itself, in place.
    pub path: Option<PathBuf>,
    /// True if an existing output is replaced. A folder is moved aside, and the report gives its new name.
    pub force: bool,
}

/// The folder that holds a path.
pub(crate) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

impl Destination {
    /// A file or folder that does not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Destination { path: Some(path.into()), force: false }
    }

    /// The model itself.
    pub fn in_place() -> Self {
        Destination { path: None, force: false }
    }

    /// This destination; if `force` is true, an existing output is replaced.
    pub fn with_force(self, force: bool) -> Self {
        Destination { force, ..self }
    }

    /// The path of the output, after all checks. `beside` lists the other files that are read, each with a word for its
    /// contents. `in_place` is true if the command has an option of that name.
    pub(crate) fn check(&self, model: &Model, beside: &[(&str, &Model)], in_place: bool) -> Result<PathBuf, Error> {
        match &self.path {
            None => check::in_place(model),
            Some(path) => check::elsewhere(path, self.force, model, beside, in_place),
        }
    }

    /// The output in the form for messages.
    pub(crate) fn shown(&self, model: &Model) -> String {
        show(self.path.as_deref().unwrap_or(model.place()))
    }
}
