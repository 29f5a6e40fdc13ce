//! The report as a file.

use std::path::Path;

use super::Job;
use crate::error::{Error, show};
use crate::output::{self, Temporary};
use crate::read::model::Model;

/// A report that is not in its place yet. It is made before any work, so that an unwritable place is found early. It is
/// removed if this is dropped before [`ReportFile::place`].
#[derive(Debug)]
pub struct ReportFile {
    file: Temporary,
    path: std::path::PathBuf,
    force: bool,
}

impl ReportFile {
    /// A file for the report of a job. `output` is the path of the job's output, or `None` for the model itself; `also`
    /// lists other files that the job comes from, such as that of its strategy.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] without `force`; [`Error::Write`]. Even with `force`, [`Error::Request`] if the report would
    /// replace the output, lie in a folder that is replaced, or replace a file that is read.
    pub fn create(path: &Path, force: bool, job: &Job, output: Option<&Path>, also: &[&Path]) -> Result<Self, Error> {
        output::check_new(path, force, false)?;
        let refuse = |what: &str| Err(Error::request(format!("the report {} {what}; name another file", show(path))));
        let model = Model::open(&job.model)?;
        let beside = job.open_beside()?;
        let same = |other: &Path| output::is_same(path, other).map_err(Error::write(path));
        let beside = beside.iter().map(|(what, _, model)| (what.word(), model));
        for (what, model) in [("the model", &model)].into_iter().chain(beside) {
            for read in model.all_paths() {
                if same(&read)? {
                    return refuse(&format!("is a file of {what}, which is read"));
                }
            }
        }
        for read in also {
            if same(read)? {
                return refuse("is the strategy");
            }
        }
        let output = output.unwrap_or(model.place());
        if same(output)? {
            return refuse("is the output itself");
        }
        if output::is_within(path, output).map_err(Error::write(path))? {
            return refuse("would lie in the folder that is replaced");
        }
        Ok(ReportFile { file: Temporary::create(path, None)?, path: path.to_owned(), force })
    }

    /// Writes the report as JSON and puts it in its place.
    ///
    /// # Errors
    ///
    /// [`Error::InPlace`], since the reported output is already in its place. It holds [`Error::Exists`] if a file has
    /// appeared there since and there is no `force`, or [`Error::Write`].
    pub fn place(self, output: &Path, report: &impl serde::Serialize) -> Result<(), Error> {
        let in_place = |source| Error::InPlace { output: output.to_owned(), source: Box::new(source) };
        self.write(report).map_err(in_place)
    }

    fn write(self, report: &impl serde::Serialize) -> Result<(), Error> {
        let failed = |error: serde_json::Error| Error::Write { path: self.path.clone(), source: error.into() };
        let mut text = serde_json::to_vec_pretty(report).map_err(failed)?;
        text.push(b'\n');
        self.file.write(&text, 0)?;
        self.file.place(self.force)
    }
}
