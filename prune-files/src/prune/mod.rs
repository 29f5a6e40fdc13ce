//! Pruning a checkpoint: events one after the other, the last of them into the output.

mod events;
mod from_zeros;
mod mask_output;
pub(crate) mod preview;
mod report_file;
mod reports;

use std::path::{Path, PathBuf};

use prune_core::Score;
use prune_schedule::{Event, EventPlan, Filter, Key, PruneError};

pub(crate) use events::needs_no_training;
pub use events::{events_of, with_axis};
pub use from_zeros::write_zero_masks;
pub use report_file::ReportFile;

use crate::error::Error;
use crate::layers::filter;
use crate::layers::inputs::{Beside, Inputs};
use crate::layers::known::Known;
use crate::masks::decide::{Counts, Sink, carry_out};
use crate::masks::ranks::Ranks;
use crate::masks::sink::{Dense, MaskFile};
use crate::masks::work::{LayerWork, Work};
use crate::output::{self, Destination, Outputs, Temporary, parent};
use crate::read::model::Model;
use crate::report::{EventReport, Report};
use crate::watch::Watch;

use mask_output::MaskOutput;
use reports::{event_report, report};

/// What is pruned, and how.
///
/// # Examples
///
/// ```
/// use prune_core::Density;
/// use prune_files::Job;
/// use prune_schedule::{Event, Scope};
///
/// let event = Event::unstructured(Scope::Global(Density::new(0.5)?))?;
/// let job = Job::new("model.safetensors", vec![(None, event)]).with_masks("masks.safetensors");
/// assert_eq!(job.masks.as_deref(), Some("masks.safetensors".as_ref()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Job {
    /// A `.safetensors` file, a folder, or an index with its shards.
    pub model: PathBuf,
    /// What is done, one after the other, each under the masks of those before. The key of its strategy, if it is from one,
    /// is what messages name. Without any, masks are applied as they are.
    pub events: Vec<(Option<Key>, Event)>,
    /// Which layers are left out, whatever the events say.
    pub filter: Filter,
    /// A file of scores that rank in the place of magnitudes.
    pub scores: Option<PathBuf>,
    /// A file of gradients.
    pub gradients: Option<PathBuf>,
    /// A file of the norms of inputs.
    pub inputs: Option<PathBuf>,
    /// A file of masks that are in force before the first event.
    pub masks: Option<PathBuf>,
}

impl Job {
    /// Events on a model, of whose layers none is left out.
    pub fn new(model: impl Into<PathBuf>, events: Vec<(Option<Key>, Event)>) -> Self {
        let (scores, gradients, inputs, masks) = (None, None, None, None);
        Job { model: model.into(), events, filter: Filter::default(), scores, gradients, inputs, masks }
    }

    /// With these layers left out.
    pub fn with_filter(self, filter: Filter) -> Self {
        Job { filter, ..self }
    }

    /// With scores that rank in the place of magnitudes, higher first: tensors of the names and shapes of the layers.
    pub fn with_scores(self, path: impl Into<PathBuf>) -> Self {
        Job { scores: Some(path.into()), ..self }
    }

    /// With gradients, for `saliency` and `snip`: tensors of the names and shapes of the layers.
    pub fn with_gradients(self, path: impl Into<PathBuf>) -> Self {
        Job { gradients: Some(path.into()), ..self }
    }

    /// With the L2 norms of what each weight multiplies, for `wanda`: tensors of the layers' names, shaped as the layers
    /// without the axis of their outputs.
    pub fn with_inputs(self, path: impl Into<PathBuf>) -> Self {
        Job { inputs: Some(path.into()), ..self }
    }

    /// With masks in force before the first event: tensors of 0 and 1 of the names and shapes of the layers.
    pub fn with_masks(self, path: impl Into<PathBuf>) -> Self {
        Job { masks: Some(path.into()), ..self }
    }

    /// Opens all that is read beside the model. Refuses what no event looks at.
    fn open_beside(&self) -> Result<Vec<(Beside, &Path, Model)>, Error> {
        let Job { scores, gradients, inputs, masks, .. } = self;
        let files =
            [(Beside::Scores, scores), (Beside::Gradients, gradients), (Beside::Norms, inputs), (Beside::Masks, masks)];
        let given = files.into_iter().filter_map(|(what, path)| Some((what, path.as_deref()?)));
        given
            .map(|(what, path)| {
                if !self.looks_at(what) {
                    return Err(Error::request(format!("no event looks at {}; leave it out", what.setting())));
                }
                Ok((what, path, Model::open(path)?))
            })
            .collect()
    }

    /// True if an event looks at this; masks are in force whatever the events are.
    fn looks_at(&self, what: Beside) -> bool {
        // Scores stand in for magnitudes.
        let stands_in = |score: Score| what == Beside::Scores && score == Score::magnitude();
        let mut scores = self.events.iter().map(|(_, event)| event.score());
        what == Beside::Masks || scores.any(|score| score.needs().map(Beside::of) == Some(what) || stands_in(score))
    }
}

/// How pruned weights are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// As they were, with zeros: the header is copied as it is.
    #[default]
    Dense,
    /// As a bit an element and the values that are not zero: the `sparse-bitmask` layout of compressed-tensors.
    Bitmask,
}

/// Writes a model with zeros where the masks of the events keep nothing.
///
/// The output has the model's files with its headers; every byte that is not of a pruned tensor is as it was. It appears
/// whole or not at all. What else lies in a model's folder goes along, but for weights of other formats, which the report
/// names; a folder that was there is moved aside.
///
/// # Errors
///
/// Any [`Error`]; no output has changed then, but for [`Error::InPlace`] and [`Error::SetAside`], which say so.
///
/// # Complexity
///
/// Linear. A density is ranked in one reading for the cut (see [`SourceCut`](prune_core::SourceCut)) and one that writes,
/// N:M in one. Memory is some MiB a thread and at most 64 MiB for a ranking, whatever the model's size; every event before
/// the last needs a byte an element beside the output.
pub fn apply(job: &Job, to: &Destination, format: Format, watch: &Watch) -> Result<Report, Error> {
    let model = Model::open(&job.model)?;
    crate::bitmask::refuse_packed(&model)?;
    let known = Known::of(&model)?;
    let beside = job.open_beside()?;
    let also: Vec<(&str, &Model)> = beside.iter().map(|(what, _, model)| (what.word(), model)).collect();
    let path = to.check(&model, &also, true)?;
    output::clear(&parent(&path));
    // What cannot be written is found before anything is ranked.
    let outputs = Outputs::create(&model, &also, &path, to, watch)?;
    let files = outputs.files(&model)?;
    let prepared = prepare(job, &model, &known, beside, &path, watch)?;
    let Prepared { inputs, last, events, .. } = &prepared;
    let mut events = events.clone();
    let work = Happening::ready(inputs, last.as_ref(), watch)?;
    let dense = Dense { inputs, files };
    watch.progress.begin("writing", model.bytes());
    let tensors: Vec<usize> = work.work.layers.iter().map(|layer| layer.tensor).collect();
    let counts = output::while_writing(&dense.files, || {
        dense.carry_over(&tensors, watch)?;
        work.carry_out(&dense, watch)
    })?;
    watch.progress.end();
    events.push(event_report(inputs, &work.work, &counts, last.as_ref(), events.is_empty()));
    let files = dense.files;
    let mut report = report(job, inputs, &work.work, &counts, events);
    report.output = to.shown(&model);
    match format {
        Format::Dense => {
            watch.check()?;
            report.bytes_after = model.bytes();
            // A mask beside its weight is written anew, so that must be as it was, too.
            let same_mask = |layer: &LayerWork, kept: usize| {
                let alone = job.events.len() <= 1 && job.masks.is_none();
                known.mask_of(layer.tensor).is_none() || (alone && inputs.alive_len(layer.tensor) == Some(kept))
            };
            let mut met = work.work.layers.iter().zip(&counts);
            report.byte_identical = met.all(|(layer, met)| met.outside.bits == 0 && same_mask(layer, met.kept));
            report.warnings = outputs.place(files, to, watch)?;
        }
        Format::Bitmask => crate::bitmask::pack_into(outputs, &model, files, &tensors, to, &mut report, watch)?,
    }
    Ok(report)
}

/// Writes the masks of the events, and those in force before them, as one safetensors file of BOOL tensors under the layers'
/// names.
///
/// # Errors
///
/// As [`apply`].
pub fn write_masks(job: &Job, path: &Path, force: bool, watch: &Watch) -> Result<Report, Error> {
    let model = Model::open(&job.model)?;
    crate::bitmask::refuse_packed(&model)?;
    let known = Known::of(&model)?;
    let beside = job.open_beside()?;
    let also: Vec<(&str, &Model)> = beside.iter().map(|(what, _, model)| (what.word(), model)).collect();
    let (output, file) = MaskOutput::create(path, force, &model, &also)?;
    let prepared = prepare(job, &model, &known, beside, path, watch)?;
    let Prepared { inputs, last, events, .. } = &prepared;
    let mut events = events.clone();
    let work = Happening::ready(inputs, last.as_ref(), watch)?;
    let (file, counts) = masks_of(&work, file, watch)?;
    events.push(event_report(inputs, &work.work, &counts, last.as_ref(), events.is_empty()));
    output.place(file, report(job, inputs, &work.work, &counts, events), watch)
}

/// An event as it is carried out: its key in its strategy, and its plan.
pub(crate) struct Planned {
    pub(crate) key: Option<Key>,
    pub(crate) plan: EventPlan,
}

impl Planned {
    /// An error of the core as one of this event.
    fn refused(&self, error: Error) -> Error {
        match error {
            Error::Core(source) => {
                Error::refused(self.key, &PruneError::Event { at: self.plan.at, source: Box::new(source) })
            }
            error => error,
        }
    }
}

/// The work of an event, and what ranks for it.
struct Happening<'a> {
    event: Option<&'a Planned>,
    ranks: Ranks<'a>,
    work: Work,
}

impl<'a> Happening<'a> {
    /// Ranks the layers of an event, if there is one. Masks in force stay so where it makes none.
    fn ready(inputs: &'a Inputs<'a>, event: Option<&'a Planned>, watch: &Watch) -> Result<Self, Error> {
        let (ranks, mut work) = match event {
            Some(event @ Planned { key, plan }) => {
                let ranks = Ranks::of_plan(inputs, plan, *key, watch)?;
                let work = Work::of_plan(&ranks, plan, *key, watch).map_err(|error| event.refused(error))?;
                (ranks, work)
            }
            None => (Ranks::of_weights(inputs), Work::default()),
        };
        work.add_in_force(inputs);
        Ok(Happening { event, ranks, work })
    }

    /// Makes all masks; what was met in each of the layers.
    fn carry_out(&self, sink: &impl Sink, watch: &Watch) -> Result<Vec<Counts>, Error> {
        let counts = carry_out(&self.ranks, &self.work, sink, watch);
        counts.map_err(|error| match self.event {
            Some(event) => event.refused(error),
            None => error,
        })
    }
}

/// Everything before the last event's masks are made.
struct Prepared<'m> {
    inputs: Inputs<'m>,
    /// What the events before the last did.
    events: Vec<EventReport>,
    last: Option<Planned>,
    /// The masks of the event before, which go when they are no longer needed.
    _scratch: Option<Temporary>,
}

/// Carries out every event but the last, and plans that. Masks in between lie in a file beside `path`.
fn prepare<'m>(
    job: &Job,
    model: &'m Model,
    known: &'m Known,
    beside: Vec<(Beside, &Path, Model)>,
    path: &Path,
    watch: &Watch,
) -> Result<Prepared<'m>, Error> {
    filter::check(&job.filter, model, known)?;
    let events: Vec<(Option<Key>, Event)> = job
        .events
        .iter()
        .map(|(key, event)| Ok((*key, ranked_by_scores(job, event)?)))
        .collect::<Result<_, Error>>()?;
    // All events are tested against the model before anything is read.
    for (key, event) in &events {
        needs_no_training(&key.map_or_else(String::new, |key| format!("{}: ", key.named())), event)?;
        filter::plan(model, known, *key, event, &job.filter, |_| None)?;
    }
    if events.is_empty() && job.masks.is_none() {
        return Err(Error::request("nothing is to be done; give a method, a strategy with an event, or masks"));
    }
    let mut inputs = Inputs::new(model, known);
    for (what, path, beside) in beside {
        inputs = inputs.with(what, path, beside)?;
    }
    inputs = inputs.counted(watch)?;
    let mut reports = Vec::new();
    let mut scratch = None;
    for (step, (key, event)) in events.iter().enumerate() {
        let plan = filter::plan(model, known, *key, event, &job.filter, |tensor| inputs.alive_len(tensor))?;
        let planned = Planned { key: *key, plan };
        if step + 1 == events.len() {
            return Ok(Prepared { inputs, events: reports, last: Some(planned), _scratch: scratch });
        }
        let work = Happening::ready(&inputs, Some(&planned), watch)?;
        let (file, counts) = masks_of(&work, Temporary::create(path, None)?, watch)?;
        reports.push(event_report(&inputs, &work.work, &counts, Some(&planned), step == 0));
        drop(work);
        let made = Model::open_new(file.temporary_path(), path)?;
        inputs = inputs.with(Beside::Masks, path, made)?.counted(watch)?;
        scratch = Some(file);
    }
    Ok(Prepared { inputs, events: reports, last: None, _scratch: scratch })
}

/// The event, ranked by given scores in the place of magnitudes where there are some.
fn ranked_by_scores(job: &Job, event: &Event) -> Result<Event, Error> {
    if job.scores.is_none() || event.score() != Score::magnitude() {
        return Ok(event.clone());
    }
    event.clone().with_score(Score::given()).map_err(|source| Error::Strategy { source })
}

/// The masks of an event in a file that is not in its place yet.
fn masks_of(happening: &Happening<'_>, file: Temporary, watch: &Watch) -> Result<(Temporary, Vec<Counts>), Error> {
    let Happening { ranks, work, .. } = happening;
    let tensors: Vec<usize> = work.layers.iter().map(|layer| layer.tensor).collect();
    let sink = MaskFile::create(file, ranks.inputs.model, &tensors)?;
    let bytes = tensors.iter().map(|&tensor| ranks.inputs.model.tensor(tensor).bytes).sum();
    watch.progress.begin("making masks", bytes);
    let counts = happening.carry_out(&sink, watch)?;
    watch.progress.end();
    Ok((sink.file, counts))
}
