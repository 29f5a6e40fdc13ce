//! The files of an output: one, or those of a folder together.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::model::{Kind, Model};
use crate::output::{Destination, Folder, Temporary};
use crate::watch::Watch;

/// What of a model's folder is worth carrying to a new one: what describes it, and no weights in other formats.
const DESCRIBES: [&str; 5] = ["json", "txt", "model", "jinja", "md"];

/// The longest of such files that is carried over.
const LONGEST: u64 = 256 << 20;

/// An output that is not in its place yet.
pub(crate) enum Outputs {
    /// A file.
    File(PathBuf),
    /// A folder of files.
    Folder(Folder),
}

impl Outputs {
    /// An output for `path`, of the same kind as the model.
    pub(crate) fn create(model: &Model, path: &Path) -> Result<Self, Error> {
        match model.kind() {
            Kind::File => Ok(Outputs::File(path.to_owned())),
            Kind::Folder(folder) | Kind::Index { folder, .. } => Ok(Outputs::Folder(Folder::create(path, folder)?)),
        }
    }

    /// New files for the model's, in its order.
    pub(crate) fn files(&self, model: &Model) -> Result<Vec<Temporary>, Error> {
        let create = |shard: &crate::model::Shard| {
            let like = shard.file.metadata().map_err(Error::read(&shard.path))?.permissions();
            match self {
                Outputs::File(path) => Temporary::create(path, Some(&like)),
                Outputs::Folder(folder) => Temporary::create(&folder.temporary_path().join(&shard.name), Some(&like)),
            }
        };
        model.shards().iter().map(create).collect()
    }

    /// Writes a small file beside the others. A model of one file has none.
    pub(crate) fn beside(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        match self {
            Outputs::File(_) => Ok(()),
            Outputs::Folder(folder) => {
                let file = Temporary::create(&folder.temporary_path().join(name), None)?;
                file.write(bytes, 0)?;
                file.place(true)
            }
        }
    }

    /// Puts everything in its place, once it is whole.
    pub(crate) fn place(
        self,
        model: &Model,
        files: Vec<Temporary>,
        to: &Destination,
        watch: &Watch,
    ) -> Result<(), Error> {
        let replace = to.force || to.path.is_none();
        watch.progress.begin("syncing", 0);
        files.iter().try_for_each(Temporary::sync)?;
        // The last moment to stop: what follows takes none.
        watch.check()?;
        for file in files {
            file.place(replace)?;
        }
        if let Outputs::Folder(folder) = self {
            describe(model, &folder)?;
            watch.check()?;
            folder.place()?;
        }
        watch.progress.end();
        Ok(())
    }
}

/// Copies what describes a model into the folder of an output, where the output has not its own.
fn describe(model: &Model, folder: &Folder) -> Result<(), Error> {
    let (Kind::Folder(from) | Kind::Index { folder: from, .. }) = model.kind() else { return Ok(()) };
    for entry in fs::read_dir(from).map_err(Error::read(from))? {
        let path = entry.map_err(Error::read(from))?.path();
        let name = path.file_name().unwrap_or_default();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let hidden = name.to_str().is_none_or(|name| name.starts_with('.'));
        let to = folder.temporary_path().join(name);
        let about = fs::metadata(&path).map_err(Error::read(&path))?;
        if hidden || !DESCRIBES.contains(&ending) || !about.is_file() || about.len() > LONGEST || to.exists() {
            continue;
        }
        let file = Temporary::create(&to, Some(&about.permissions()))?;
        file.write(&fs::read(&path).map_err(Error::read(&path))?, 0)?;
        file.place(true)?;
    }
    Ok(())
}
