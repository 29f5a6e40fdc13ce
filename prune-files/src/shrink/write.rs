//! Puts the outputs of a shrink in their places, all or none.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use prune_onnx::{DataFile, Edits, Model};

use super::report::ShrinkReport;
use super::{KeptFile, ShrinkBy, ShrinkJob, ShrinkOutputs, onnx};
use crate::disk;
use crate::error::{Error, show};
use crate::output::{self, Temporary, is_same, parent};
use crate::read::model::Witness;
use crate::text::term::Term;
use crate::watch::Watch;

/// The checked places of the outputs.
pub(super) struct Places<'j> {
    job: &'j ShrinkJob,
    to: &'j ShrinkOutputs,
    /// The names of external data in the model, and their paths.
    external: Vec<(String, PathBuf)>,
    /// The state of the external data before it was read.
    read: Witness,
    /// The file beside the output for external data.
    data: PathBuf,
}

impl<'j> Places<'j> {
    /// Refuses outputs that replace inputs, each other, or something unasked.
    pub(super) fn check(job: &'j ShrinkJob, model: &Model, to: &'j ShrinkOutputs) -> Result<Self, Error> {
        let folder = parent(&job.model);
        let external: Vec<(String, PathBuf)> =
            model.external_files().into_iter().map(|name| (name.clone(), folder.join(name))).collect();
        let mut name = to.model.file_name().map(OsString::from).unwrap_or_default();
        name.push(".data");
        let data = to.model.with_file_name(name);
        let read = Witness::of_files(external.iter().map(|(_, path)| path.clone()))?;
        let places = Places { job, to, external, read, data };
        output::check_new(&to.model, to.force, false)?;
        places.not_read(&to.model)?;
        if !places.external.is_empty() {
            if places.data.symlink_metadata().is_ok() {
                let data = show(&places.data);
                let why = "a model and its data cannot be replaced in one step: remove it, or name another output";
                return Err(Error::request(format!("{data} exists, and {why}")));
            }
            output::check_new(&places.data, false, false)?;
        }
        if let Some(kept) = &to.kept {
            output::check_new(kept, to.force, false)?;
            places.not_read(kept)?;
            let same = |other: &Path| is_same(kept, other).map_err(Error::write(kept));
            if same(&to.model)? || same(&places.data)? {
                let why = format!("{} {} is the output itself; name another file", Term::Kept, show(kept));
                return Err(Error::request(why));
            }
        }
        Ok(places)
    }

    fn not_read(&self, path: &Path) -> Result<(), Error> {
        let same = |read: &Path| is_same(path, read).map_err(Error::write(path));
        let refuse =
            |what: &str| Err(Error::SameFile { path: path.to_owned(), what: what.to_owned(), in_place: false });
        if same(&self.job.model)? {
            return refuse("the model itself");
        }
        for (_, read) in &self.external {
            if same(read)? {
                return refuse("a file of the model's data, which is read");
            }
        }
        match &self.job.by {
            ShrinkBy::Masks(masks) if same(masks)? => refuse("the file of masks, which is read"),
            _ => Ok(()),
        }
    }

    /// Writes all files and puts them in place, the model last.
    pub(super) fn write(
        &self,
        model: &Model,
        edits: &Edits,
        kept: Option<&KeptFile>,
        report: &mut ShrinkReport,
        watch: &Watch,
    ) -> Result<(), Error> {
        output::clear(&parent(&self.to.model));
        let mut outside = 0;
        for (_, path) in &self.external {
            outside += disk::stat(path).map_err(Error::read(path))?.len();
        }
        report.bytes_before = model.bytes().len() as u64 + outside;
        let file = Temporary::create(&self.to.model, None)?;
        let mut to_model = Sequential { file: &file, at: 0 };
        let mut beside = Vec::new();
        if edits.is_empty() {
            self.copy_external(&mut beside)?;
            to_model.write_all(model.bytes()).map_err(|error| self.failed(error))?;
            report.bytes_after = report.bytes_before;
        } else if self.external.is_empty() {
            let sizes = model.write(edits, &mut to_model, None).map_err(|source| self.refused(source))?;
            report.bytes_after = sizes.model;
        } else {
            let data = Temporary::create(&self.data, None)?;
            let name = self.data.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let mut to_data = Sequential { file: &data, at: 0 };
            let target = DataFile { name: &name, to: &mut to_data };
            let sizes = model.write(edits, &mut to_model, Some(target)).map_err(|source| self.refused(source))?;
            report.bytes_after = sizes.model + sizes.data;
            beside.push((data, self.data.clone()));
        }
        self.read.check()?;
        watch.check()?;
        let kept = match (kept, &self.to.kept) {
            (Some(kept), Some(path)) => {
                let file = Temporary::create(path, None)?;
                file.write(&kept.text()?, 0)?;
                Some((file, path.clone()))
            }
            _ => None,
        };
        self.place(file, beside, kept)?;
        report.output = show(&self.to.model);
        report.kept_file = self.to.kept.as_deref().map(show);
        if report.bytes_after > report.bytes_before {
            report
                .warnings
                .push("the output is larger than the model: shared constants were copied, or biases added".to_owned());
        }
        Ok(())
    }

    /// Puts the files in their places, the model last. If one fails, the files placed before it are removed again, and
    /// a file of indices that was replaced is restored.
    fn place(
        &self,
        model: Temporary,
        data: Vec<(Temporary, PathBuf)>,
        kept: Option<(Temporary, PathBuf)>,
    ) -> Result<(), Error> {
        let old = match &kept {
            Some((_, path)) if self.to.force => disk::if_there(disk::read(path)).map_err(Error::read(path))?,
            _ => None,
        };
        let mut placed = Vec::new();
        let data = data.into_iter().map(|file| (file, false));
        let beside = data.chain(kept.map(|file| (file, self.to.force)));
        let all = || {
            for ((file, path), force) in beside {
                match file.place(force) {
                    // The file is there, but its model is not.
                    Err(Error::InPlace { source, .. }) => {
                        placed.push(path);
                        return Err(*source);
                    }
                    done => done?,
                }
                placed.push(path);
            }
            model.place(self.to.force)
        };
        let done = all();
        if done.as_ref().is_err_and(|error| !matches!(error, Error::InPlace { .. })) {
            for path in placed {
                // Data files are new, and nothing refers to them.
                let _ = match &old {
                    Some(old) if Some(&path) == self.to.kept.as_ref() => restore(&path, old),
                    _ => disk::remove_file(&path).map_err(Error::write(&path)),
                };
            }
        }
        done
    }

    /// Copies external data under its own names, unless the output refers to the same files.
    fn copy_external(&self, into: &mut Vec<(Temporary, PathBuf)>) -> Result<(), Error> {
        let folder = parent(&self.to.model);
        for (name, path) in &self.external {
            let to = folder.join(name);
            if is_same(&to, path).map_err(Error::write(&to))? {
                continue;
            }
            let inner = parent(&to);
            if disk::stat_if_there(&inner).map_err(Error::write(&to))?.is_none() {
                let why = format!("has to hold the model's data, {}; make the folder", show(&to));
                return Err(Error::NotAModel { path: inner, why });
            }
            output::check_new(&to, false, false)?;
            let file = Temporary::create(&to, None)?;
            let mut from = disk::open(path).map_err(Error::read(path))?;
            io::copy(&mut from, &mut Sequential { file: &file, at: 0 }).map_err(Error::write(&to))?;
            into.push((file, to));
        }
        Ok(())
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Write { path: self.to.model.clone(), source }
    }

    fn refused(&self, source: prune_onnx::Error) -> Error {
        match source {
            prune_onnx::Error::Write { source } => self.failed(source),
            source => onnx(&self.job.model, source),
        }
    }
}

/// Restores the old bytes of a file.
fn restore(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let file = Temporary::create(path, None)?;
    file.write(bytes, 0)?;
    file.place(true)
}

/// A file that is written from its start.
struct Sequential<'t> {
    file: &'t Temporary,
    at: u64,
}

impl Write for Sequential<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes, self.at).map_err(|error| match error {
            Error::Write { source, .. } => source,
            other => io::Error::other(other.to_string()),
        })?;
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
