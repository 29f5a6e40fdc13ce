//! The files of an output: a single file, or all files of a folder.

use std::path::{Path, PathBuf};

use super::{Companions, Destination, Folder, Rights, Temporary};
use crate::error::Error;
use crate::read::model::{Model, ModelKind, Shard, Witness};
use crate::watch::Watch;

/// An output that is not in its place yet.
pub(crate) struct Outputs {
    place: OutputPlace,
    /// True if the model itself is replaced.
    in_place: bool,
    /// The files that were read. They must be unchanged at the end.
    read: Vec<Witness>,
    /// Notes on the files beside the weights.
    notes: Vec<String>,
}

enum OutputPlace {
    /// A file.
    File(PathBuf),
    /// A folder of files.
    Folder(Folder),
}

impl Outputs {
    /// An output for `path`, of the same kind as the model. The companions are copied into a folder right away.
    /// `beside` lists the other files that are read, each with a word for its contents.
    pub(crate) fn create(
        model: &Model,
        beside: &[(&str, &Model)],
        path: &Path,
        to: &Destination,
        watch: &Watch,
    ) -> Result<Self, Error> {
        let in_place = to.path.is_none();
        let read = [model].into_iter().chain(beside.iter().map(|(_, model)| *model)).map(Model::witness).collect();
        let (place, notes) = match model.kind() {
            ModelKind::File => (OutputPlace::File(path.to_owned()), Vec::new()),
            ModelKind::Folder(folder) | ModelKind::Index { folder, .. } => {
                let companions = Companions::of(model, path)?;
                let mut new = Folder::create(path, folder, in_place, watch)?;
                companions.copy_into(&mut new, in_place, watch)?;
                (OutputPlace::Folder(new), companions.notes())
            }
        };
        Ok(Outputs { place, in_place, read, notes })
    }

    /// New files for those of the model, in its order.
    pub(crate) fn files(&self, model: &Model) -> Result<Vec<Temporary>, Error> {
        let create = |shard: &Shard| {
            let about = shard.file.stat().map_err(Error::read(&shard.path))?;
            let like = Some(Rights::of(&about, self.in_place));
            match &self.place {
                OutputPlace::File(path) => Temporary::create(path, like),
                OutputPlace::Folder(folder) => Temporary::create_in(folder, &shard.name, like),
            }
        };
        model.shards().iter().map(create).collect()
    }

    /// Writes a small file beside the others. A model of a single file has none.
    pub(crate) fn beside(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        match &self.place {
            OutputPlace::File(_) => Ok(()),
            OutputPlace::Folder(folder) => {
                let file = Temporary::create_in(folder, name, None)?;
                file.write(bytes, 0)?;
                file.place(true)
            }
        }
    }

    /// Puts everything in its place once it is complete, and returns notes for the user.
    ///
    /// An error leaves the place as it was, except for errors that say otherwise.
    pub(crate) fn place(self, files: Vec<Temporary>, to: &Destination, watch: &Watch) -> Result<Vec<String>, Error> {
        let replace = to.force || to.path.is_none();
        watch.progress.begin("syncing", 0);
        files.iter().try_for_each(Temporary::sync)?;
        self.read.iter().try_for_each(Witness::check)?;
        // This is the last moment to stop: the rest takes no time.
        watch.check()?;
        watch.progress.end();
        let mut notes = self.notes;
        match self.place {
            OutputPlace::File(_) => files.into_iter().try_for_each(|file| file.place(replace))?,
            OutputPlace::Folder(folder) => {
                files.into_iter().try_for_each(|file| file.place(true))?;
                notes.extend(folder.place(watch)?);
            }
        }
        Ok(notes)
    }
}
