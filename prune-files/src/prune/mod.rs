//! Prunes a checkpoint: carries out events one after the other, and the last one writes the output.

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
use crate::layers::inputs::{ModelInputs, SideFile};
use crate::layers::known::CheckpointFacts;
use crate::masks::decide::{Counts, Sink, carry_out};
use crate::masks::ranks::Ranks;
use crate::masks::sink::{Dense, MaskFile};
use crate::masks::work::{LayerWork, Work};
use crate::output::{self, Destination, Outputs, Temporary, parent};
use crate::read::model::Model;
use crate::report::{EventReport, PruneReport};
use crate::watch::Watch;

use mask_output::MaskOutput;
use reports::{event_report, report};

/// A task of pruning: the model, the events, and the files beside it.
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
    /// The events, one after the other, each under the masks of those before. Messages name the key of an event if it
    /// is from a strategy. Without events, masks are applied as they are.
    pub events: Vec<(Option<Key>, Event)>,
    /// The layers that are left out, whatever the events say.
    pub filter: Filter,
    /// A file of scores that rank in place of magnitudes.
    pub scores: Option<PathBuf>,
    /// A file of gradients.
    pub gradients: Option<PathBuf>,
    /// A file of the norms of inputs.
    pub inputs: Option<PathBuf>,
    /// A file of masks that are in force before the first event.
    pub masks: Option<PathBuf>,
}

impl Job {
    /// Events on a model, with no layer left out.
    pub fn new(model: impl Into<PathBuf>, events: Vec<(Option<Key>, Event)>) -> Self {
        let (scores, gradients, inputs, masks) = (None, None, None, None);
        Job { model: model.into(), events, filter: Filter::default(), scores, gradients, inputs, masks }
    }

    /// This job with these layers left out.
    pub fn with_filter(self, filter: Filter) -> Self {
        Job { filter, ..self }
    }

    /// This job with scores that rank in place of magnitudes, higher first: tensors with the names and shapes of the
    /// layers.
    pub fn with_scores(self, path: impl Into<PathBuf>) -> Self {
        Job { scores: Some(path.into()), ..self }
    }

    /// This job with gradients, for `saliency` and `snip`: tensors with the names and shapes of the layers.
    pub fn with_gradients(self, path: impl Into<PathBuf>) -> Self {
        Job { gradients: Some(path.into()), ..self }
    }

    /// This job with the L2 norms of the inputs of each weight, for `wanda`: tensors with the layers' names, in the
    /// layers' shapes without the axis of outputs.
    pub fn with_inputs(self, path: impl Into<PathBuf>) -> Self {
        Job { inputs: Some(path.into()), ..self }
    }

    /// This job with masks in force before the first event: tensors of 0 and 1 with the names and shapes of the layers.
    pub fn with_masks(self, path: impl Into<PathBuf>) -> Self {
        Job { masks: Some(path.into()), ..self }
    }

    /// Opens all files that are read beside the model. Refuses a file that no event looks at.
    fn open_beside(&self) -> Result<Vec<(SideFile, &Path, Model)>, Error> {
        let Job { scores, gradients, inputs, masks, .. } = self;
        let files = [
            (SideFile::Scores, scores),
            (SideFile::Gradients, gradients),
            (SideFile::Norms, inputs),
            (SideFile::Masks, masks),
        ];
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

    /// True if an event looks at such a file. Masks are in force whatever the events are.
    fn looks_at(&self, what: SideFile) -> bool {
        // Scores replace magnitudes.
        let stands_in = |score: Score| what == SideFile::Scores && score == Score::magnitude();
        let mut scores = self.events.iter().map(|(_, event)| event.score());
        what == SideFile::Masks || scores.any(|score| score.needs().map(SideFile::of) == Some(what) || stands_in(score))
    }
}

/// The format of pruned weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Dense, with zeros: the header is copied unchanged.
    #[default]
    Dense,
    /// A bit per element, and the values that are not zero: the `sparse-bitmask` layout of compressed-tensors.
    Bitmask,
}

/// Writes a model with zeros where the masks of the events keep nothing.
///
/// The output has the model's files with their headers. Every byte outside pruned tensors is unchanged. It appears
/// whole or not at all. The other files of a model's folder are copied along, except weights in other formats and
/// second copies of the same weights: these are left behind, and the report names them. An old folder in its place is
/// moved aside.
///
/// # Errors
///
/// Any [`Error`]; the output is unchanged then, except for [`Error::InPlace`] and [`Error::SetAside`], which say so.
///
/// # Complexity
///
/// Linear. A density takes one read for the cut (see [`SourceCut`](prune_core::SourceCut)) and one that writes; N:M
/// takes one. Memory is a few MiB a thread and at most 64 MiB for a ranking, whatever the model's size. Every event
/// before the last needs a byte an element on the disk beside the output.
pub fn apply(job: &Job, to: &Destination, format: Format, watch: &Watch) -> Result<PruneReport, Error> {
    let model = Model::open(&job.model)?;
    crate::bitmask::refuse_packed(&model)?;
    let known = CheckpointFacts::of(&model)?;
    let beside = job.open_beside()?;
    let also: Vec<(&str, &Model)> = beside.iter().map(|(what, _, model)| (what.word(), model)).collect();
    let path = to.check(&model, &also, true)?;
    output::clear(&parent(&path));
    // An output that cannot be written is found before anything is ranked.
    let outputs = Outputs::create(&model, &also, &path, to, watch)?;
    let files = outputs.files(&model)?;
    let prepared = prepare(job, &model, &known, beside, &path, watch)?;
    let PreparedJob { inputs, last, events, .. } = &prepared;
    let mut events = events.clone();
    let work = EventWork::ready(inputs, last.as_ref(), watch)?;
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
            // A mask beside its weight is written anew, so it must be unchanged too.
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

/// Writes the masks of the events, and those in force before them, as one safetensors file of BOOL tensors under the
/// layers' names.
///
/// # Errors
///
/// As [`apply`].
pub fn write_masks(job: &Job, path: &Path, force: bool, watch: &Watch) -> Result<PruneReport, Error> {
    let model = Model::open(&job.model)?;
    crate::bitmask::refuse_packed(&model)?;
    let known = CheckpointFacts::of(&model)?;
    let beside = job.open_beside()?;
    let also: Vec<(&str, &Model)> = beside.iter().map(|(what, _, model)| (what.word(), model)).collect();
    let (output, file) = MaskOutput::create(path, force, &model, &also)?;
    let prepared = prepare(job, &model, &known, beside, path, watch)?;
    let PreparedJob { inputs, last, events, .. } = &prepared;
    let mut events = events.clone();
    let work = EventWork::ready(inputs, last.as_ref(), watch)?;
    let (file, counts) = masks_of(&work, file, watch)?;
    events.push(event_report(inputs, &work.work, &counts, last.as_ref(), events.is_empty()));
    output.place(file, report(job, inputs, &work.work, &counts, events), watch)
}

/// An event to be carried out: its key in its strategy, and its plan.
pub(crate) struct PlannedEvent {
    pub(crate) key: Option<Key>,
    pub(crate) plan: EventPlan,
}

impl PlannedEvent {
    /// Adds this event to an error of the core.
    fn refused(&self, error: Error) -> Error {
        match error {
            Error::Core(source) => {
                Error::refused(self.key, &PruneError::Event { at: self.plan.at, source: Box::new(source) })
            }
            error => error,
        }
    }
}

/// The work of an event, and the values that rank its layers.
struct EventWork<'a> {
    event: Option<&'a PlannedEvent>,
    ranks: Ranks<'a>,
    work: Work,
}

impl<'a> EventWork<'a> {
    /// Ranks the layers of an event, if there is one. Masks in force stay where the event makes none.
    fn ready(inputs: &'a ModelInputs<'a>, event: Option<&'a PlannedEvent>, watch: &Watch) -> Result<Self, Error> {
        let (ranks, mut work) = match event {
            Some(event @ PlannedEvent { key, plan }) => {
                let ranks = Ranks::of_plan(inputs, plan, *key, watch)?;
                let work = Work::of_plan(&ranks, plan, *key, watch).map_err(|error| event.refused(error))?;
                (ranks, work)
            }
            None => (Ranks::of_weights(inputs), Work::default()),
        };
        work.add_in_force(inputs);
        Ok(EventWork { event, ranks, work })
    }

    /// Makes all masks and returns the counts of each layer.
    fn carry_out(&self, sink: &impl Sink, watch: &Watch) -> Result<Vec<Counts>, Error> {
        let counts = carry_out(&self.ranks, &self.work, sink, watch);
        counts.map_err(|error| match self.event {
            Some(event) => event.refused(error),
            None => error,
        })
    }
}

/// The state before the last event's masks are made.
struct PreparedJob<'m> {
    inputs: ModelInputs<'m>,
    /// The reports of the events before the last.
    events: Vec<EventReport>,
    last: Option<PlannedEvent>,
    /// The file of masks of the event before. It is removed when it is no longer needed.
    _scratch: Option<Temporary>,
}

/// Carries out every event but the last, and plans the last. The masks in between are in a file beside `path`.
fn prepare<'m>(
    job: &Job,
    model: &'m Model,
    known: &'m CheckpointFacts,
    beside: Vec<(SideFile, &Path, Model)>,
    path: &Path,
    watch: &Watch,
) -> Result<PreparedJob<'m>, Error> {
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
    let mut inputs = ModelInputs::new(model, known);
    for (what, path, beside) in beside {
        inputs = inputs.with(what, path, beside)?;
    }
    inputs = inputs.counted(watch)?;
    let mut reports = Vec::new();
    let mut scratch = None;
    for (step, (key, event)) in events.iter().enumerate() {
        let plan = filter::plan(model, known, *key, event, &job.filter, |tensor| inputs.alive_len(tensor))?;
        let planned = PlannedEvent { key: *key, plan };
        if step + 1 == events.len() {
            return Ok(PreparedJob { inputs, events: reports, last: Some(planned), _scratch: scratch });
        }
        let work = EventWork::ready(&inputs, Some(&planned), watch)?;
        let (file, counts) = masks_of(&work, Temporary::create(path, None)?, watch)?;
        reports.push(event_report(&inputs, &work.work, &counts, Some(&planned), step == 0));
        drop(work);
        let made = Model::open_new(file.temporary_path(), path)?;
        inputs = inputs.with(SideFile::Masks, path, made)?.counted(watch)?;
        scratch = Some(file);
    }
    Ok(PreparedJob { inputs, events: reports, last: None, _scratch: scratch })
}

/// The event, ranked by given scores in place of magnitudes if there are scores.
fn ranked_by_scores(job: &Job, event: &Event) -> Result<Event, Error> {
    if job.scores.is_none() || event.score() != Score::magnitude() {
        return Ok(event.clone());
    }
    event.clone().with_score(Score::given()).map_err(|source| Error::Strategy { source })
}

/// Writes the masks of an event to a file that is not in its place yet.
fn masks_of(happening: &EventWork<'_>, file: Temporary, watch: &Watch) -> Result<(Temporary, Vec<Counts>), Error> {
    let EventWork { ranks, work, .. } = happening;
    let tensors: Vec<usize> = work.layers.iter().map(|layer| layer.tensor).collect();
    let sink = MaskFile::create(file, ranks.inputs.model, &tensors)?;
    let bytes = tensors.iter().map(|&tensor| ranks.inputs.model.tensor(tensor).bytes).sum();
    watch.progress.begin("making masks", bytes);
    let counts = happening.carry_out(&sink, watch)?;
    watch.progress.end();
    Ok((sink.file, counts))
}
