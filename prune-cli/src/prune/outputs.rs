//! The files of an output: one, or those of a folder together.

use std::fs::{self, File};
use std::io;
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
    /// An output for `path`, of the same kind as the model. What describes the model is in it from the beginning, except
    /// where it is written in place: all that lies there stays.
    pub(crate) fn create(model: &Model, path: &Path, in_place: bool) -> Result<Self, Error> {
        match model.kind() {
            Kind::File => Ok(Outputs::File(path.to_owned())),
            Kind::Folder(folder) | Kind::Index { folder, .. } => {
                let new = Folder::create(path, folder)?;
                if !in_place {
                    describe(model, folder, &new)?;
                }
                Ok(Outputs::Folder(new))
            }
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

    /// Puts everything in its place, once it is whole; what the user should know of that.
    pub(crate) fn place(self, files: Vec<Temporary>, to: &Destination, watch: &Watch) -> Result<Vec<String>, Error> {
        let replace = to.force || to.path.is_none();
        watch.progress.begin("syncing", 0);
        files.iter().try_for_each(Temporary::sync)?;
        // The last moment to stop: what follows takes none.
        watch.check()?;
        for file in files {
            file.place(replace)?;
        }
        let told = match self {
            Outputs::File(_) => Vec::new(),
            Outputs::Folder(folder) => folder.place()?,
        };
        watch.progress.end();
        Ok(told)
    }
}

/// Copies what describes a model into the folder of an output. Links that lead nowhere describe nothing.
fn describe(model: &Model, from: &Path, folder: &Folder) -> Result<(), Error> {
    for entry in fs::read_dir(from).map_err(Error::read(from))? {
        let path = entry.map_err(Error::read(from))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        // Of another index the shards are not here.
        let other = name.ends_with(".safetensors.index.json") && !model.all_paths().any(|own| own.ends_with(name));
        if name.starts_with('.') || other || !DESCRIBES.contains(&ending) {
            continue;
        }
        let about = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            about => about.map_err(Error::read(&path))?,
        };
        if !about.is_file() || about.len() > LONGEST {
            continue;
        }
        let file = Temporary::create(&folder.temporary_path().join(name), Some(&about.permissions()))?;
        let mut source = File::open(&path).map_err(Error::read(&path))?;
        io::copy(&mut source, &mut file.file()).map_err(Error::write(&path))?;
        file.place(true)?;
    }
    Ok(())
}
