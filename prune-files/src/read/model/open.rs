//! Finds the files of a model, and fits them together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Model, ModelKind, Shard, index};
use crate::disk::{self, Handle, Stamp};
use crate::error::{Error, IndexProblem};
use crate::other_format;
use crate::read::foreign::may_hold_weights;
use crate::read::header::Header;
use crate::text::clipped::clipped;

/// The file name of the index of a sharded model.
const INDEX: &str = "model.safetensors.index.json";

impl Model {
    /// Opens a `.safetensors` file, an index with its shards, or a folder that has one of either.
    ///
    /// # Errors
    ///
    /// [`Error::Read`], [`Error::NotAModel`], [`Error::Header`], [`Error::Index`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let about = disk::stat(path).map_err(Error::read(path))?;
        if about.is_dir() {
            return Self::open_folder(path);
        }
        if path.extension().is_some_and(|extension| extension == "json") {
            return Self::open_index(path);
        }
        let shard = open_shard(path, path)?;
        Self::of(ModelKind::File, vec![shard])
    }

    /// Opens a file under its temporary name, which messages do not show.
    pub(crate) fn open_new(temporary: &Path, shown: &Path) -> Result<Self, Error> {
        Self::of(ModelKind::File, vec![open_shard(temporary, shown)?])
    }

    fn open_folder(folder: &Path) -> Result<Self, Error> {
        let names = file_names(folder)?;
        let ending = |ending: &str| names.iter().filter(|name| name.ends_with(ending)).collect::<Vec<_>>();
        let indexes = ending(".safetensors.index.json");
        let files = ending(".safetensors");
        match (&indexes[..], &files[..]) {
            _ if indexes.iter().any(|name| *name == INDEX) => Self::open_index(&folder.join(INDEX)),
            ([only], _) => Self::open_index(&folder.join(only)),
            ([], [only]) => {
                let path = folder.join(only);
                let shard = open_shard(&path, &path)?;
                Self::of(ModelKind::Folder(folder.to_owned()), vec![shard])
            }
            ([], []) => Err(not_a_model(folder, &format!("holds no .safetensors file{}", instead(folder, &names)))),
            _ => Err(not_a_model(folder, "holds several .safetensors files and no one index; name the file meant")),
        }
    }

    fn open_index(path: &Path) -> Result<Self, Error> {
        let refuse = |problem| Error::Index { path: path.to_owned(), problem };
        let about = disk::stat(path).map_err(Error::read(path))?;
        if !about.is_file() {
            return Err(not_a_model(path, "is not a file"));
        }
        if about.len() > index::LONGEST {
            return Err(refuse(IndexProblem::TooLong { bytes: about.len(), most: index::LONGEST }));
        }
        let map = index::parse(&disk::read(path).map_err(Error::read(path))?).map_err(refuse)?;
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(not_a_model(path, "has a name that is no text"));
        };
        let names: BTreeSet<&String> = map.values().collect();
        if let Some(problem) = missing(&folder, &names)? {
            return Err(refuse(problem));
        }
        let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
        let shards = paths.iter().map(|path| open_shard(path, path)).collect::<Result<Vec<_>, _>>()?;
        for shard in &shards {
            let stray = shard.header.tensors.iter().find(|tensor| map.get(&tensor.name) != Some(&shard.name));
            if let Some(tensor) = stray {
                let (tensor, shard) = (tensor.name.clone(), shard.name.clone());
                return Err(refuse(IndexProblem::Unlisted { tensor, shard }));
            }
        }
        let model = Self::of(ModelKind::Index { folder, index: name.to_owned(), stamp: Stamp::of(&about) }, shards)?;
        match map.into_iter().find(|(tensor, _)| model.find(tensor).is_none()) {
            Some((tensor, shard)) => Err(refuse(IndexProblem::Missing { tensor, shard })),
            None => Ok(model),
        }
    }

    /// A model of files whose tensors have distinct names.
    fn of(kind: ModelKind, shards: Vec<Shard>) -> Result<Self, Error> {
        let mut tensors = Vec::new();
        let mut by_name = BTreeMap::new();
        for (place, shard) in shards.iter().enumerate() {
            for (i, tensor) in shard.header.tensors.iter().enumerate() {
                by_name.insert(tensor.name.clone(), tensors.len());
                tensors.push((place, i));
            }
        }
        Ok(Model { kind, shards, tensors, by_name })
    }
}

/// The error for shards that an index names and that are missing beside it, if there are any.
fn missing(folder: &Path, names: &BTreeSet<&String>) -> Result<Option<IndexProblem>, Error> {
    let mut missing = Vec::new();
    for name in names {
        let path = folder.join(name);
        if disk::stat_if_there(&path).map_err(Error::read(&path))?.is_none() {
            missing.push((*name).clone());
        }
    }
    Ok((!missing.is_empty()).then_some(IndexProblem::NotThere { shards: missing, of: names.len() }))
}

/// Opens the file at `at`; `path` is its path for messages and outputs.
fn open_shard(at: &Path, path: &Path) -> Result<Shard, Error> {
    // The kind of file is checked first, since opening a pipe waits for a writer.
    if !disk::stat(at).map_err(Error::read(path))?.is_file() {
        return Err(not_a_model(path, "is not a file"));
    }
    let file = Handle::open(at).map_err(Error::read(path))?;
    let about = file.stat().map_err(Error::read(path))?;
    let header = Arc::new(Header::read(&file, path, about.len())?);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Shard { path: path.to_owned(), name, file, len: about.len(), header, stamp: Stamp::of(&about) })
}

/// The hint for a folder without safetensors: its first file of weights in another format.
fn instead(folder: &Path, names: &[String]) -> String {
    let told = names.iter().filter(|name| may_hold_weights(name)).find_map(|name| {
        let format = other_format::of_file(&folder.join(name)).ok().flatten()?;
        Some(format!(" but `{}`, which is {}; {}", clipped(name), format.what, format.instead))
    });
    told.unwrap_or_default()
}

/// The names in a folder, in order. A name that is not valid text is skipped, since no model has it.
fn file_names(folder: &Path) -> Result<Vec<String>, Error> {
    let names = disk::names(folder).map_err(Error::read(folder))?;
    Ok(names.into_iter().filter_map(|name| name.into_string().ok()).filter(|name| !name.starts_with('.')).collect())
}

fn not_a_model(path: &Path, why: &str) -> Error {
    let why = format!("{why}; a model is a .safetensors file, a folder with one, or {INDEX} beside its shards");
    Error::NotAModel { path: path.to_owned(), why }
}
