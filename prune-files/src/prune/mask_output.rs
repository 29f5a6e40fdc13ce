//! A file of masks, which appears whole or not at all.

use std::path::Path;

use crate::error::{Error, show};
use crate::output::{self, Temporary, parent};
use crate::read::model::{Model, Witness};
use crate::report::PruneReport;
use crate::watch::Watch;

/// The checked place of a file of masks.
pub(super) struct MaskOutput<'p> {
    path: &'p Path,
    force: bool,
    /// The files that are read. They must be unchanged at the end.
    read: Vec<Witness>,
}

impl<'p> MaskOutput<'p> {
    /// A new file for masks of `model`. The other files that are read are listed, each with a word for its contents.
    pub(super) fn create(
        path: &'p Path,
        force: bool,
        model: &Model,
        beside: &[(&str, &Model)],
    ) -> Result<(Self, Temporary), Error> {
        output::check_new(path, force, false)?;
        output::not_read(path, model, beside, false)?;
        output::not_inside(path, model)?;
        let read = [model].into_iter().chain(beside.iter().map(|(_, model)| *model)).map(Model::witness).collect();
        output::clear(&parent(path));
        Ok((MaskOutput { path, force, read }, Temporary::create(path, None)?))
    }

    /// Puts the complete file in its place, and returns the report.
    pub(super) fn place(self, file: Temporary, report: PruneReport, watch: &Watch) -> Result<PruneReport, Error> {
        let report = PruneReport { format: "masks", output: show(self.path), bytes_after: file.len()?, ..report };
        file.sync()?;
        self.read.iter().try_for_each(Witness::check)?;
        watch.check()?;
        file.place(self.force)?;
        Ok(report)
    }
}
