//! Pruning a checkpoint: events one after the other, the last of them into the output.

mod events;
mod from_zeros;
pub(crate) mod outputs;
mod report_file;
mod told;

use std::path::{Path, PathBuf};

use prune_schedule::{Epochs, Event, Filter};

pub use events::{USUAL_AXIS, events_of, with_axis};
pub use from_zeros::write_zero_masks;
pub use report_file::ReportFile;

use crate::decide::carry_out;
use crate::error::{Error, show};
use crate::filter::{self, Candidate, candidates};
use crate::inputs::Inputs;
use crate::known::Known;
use crate::model::{Model, Witness};
use crate::output::{self, Destination, Temporary, parent};
use crate::plan::{Plan, PlanLayer};
use crate::report::{EventReport, Report};
use crate::sink::{Dense, MaskFile};
use crate::watch::Watch;

use outputs::Outputs;
use told::{event_report, told};

/// What is pruned, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// A `.safetensors` file, a folder, or an index with its shards.
    pub model: PathBuf,
    /// What is done, one after the other, each under the masks of those before. The key of its strategy, if it is from one,
    /// is what messages name. Without any, masks are applied as they are.
    pub events: Vec<(Option<Epochs>, Event)>,
    /// Which layers are left out, whatever the events say.
    pub filter: Filter,
    /// A file of scores that rank in the place of magnitudes, higher first: tensors of the names and shapes of the layers.
    pub scores: Option<PathBuf>,
    /// A file of masks that are in force before the first event: tensors of 0 and 1 of the names and shapes of the layers.
    pub masks: Option<PathBuf>,
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
    let beside = Beside::open(job)?;
    let path = to.check(&model, &beside.models(), true)?;
    output::clear(&parent(&path));
    // What cannot be written is found before anything is ranked.
    let outputs = Outputs::create(&model, &beside.models(), &path, to, watch)?;
    let files = outputs.files(&model)?;
    let prepared = prepare(job, &model, &known, beside, &path, watch)?;
    let Prepared { inputs, plan, events, last, .. } = &prepared;
    let mut events = events.clone();
    let dense = Dense { inputs, files };
    watch.progress.begin("writing", model.bytes());
    let tensors: Vec<usize> = plan.layers.iter().map(|layer| layer.tensor).collect();
    let counts = output::while_writing(&dense.files, || {
        dense.carry_over(&tensors, watch)?;
        carry_out(inputs, plan, &dense, watch)
    })?;
    watch.progress.end();
    events.push(event_report(inputs, plan, &counts, *last));
    let files = dense.files;
    let mut report = told(job, inputs, plan, &counts, events);
    report.output = to.shown(&model);
    match format {
        Format::Dense => {
            watch.check()?;
            report.bytes_after = model.bytes();
            // A mask beside its weight is written anew, so that must be as it was, too.
            let same_mask = |layer: &PlanLayer, kept: usize| {
                let alone = job.events.len() <= 1 && job.masks.is_none();
                known.mask_of(layer.tensor).is_none() || (alone && inputs.alive_len(layer.tensor) == Some(kept))
            };
            let mut met = plan.layers.iter().zip(&counts);
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
    output::check_new(path, force, false)?;
    let beside = Beside::open(job)?;
    output::not_read(path, &model, &beside.models(), false)?;
    output::not_inside(path, &model)?;
    let read: Vec<Witness> = [&model].into_iter().chain(beside.models()).map(Model::witness).collect();
    output::clear(&parent(path));
    let file = Temporary::create(path, None)?;
    let prepared = prepare(job, &model, &known, beside, path, watch)?;
    let Prepared { inputs, plan, events, last, .. } = &prepared;
    let mut events = events.clone();
    let (file, counts) = masks_of(inputs, plan, file, watch)?;
    events.push(event_report(inputs, plan, &counts, *last));
    let mut report = told(job, inputs, plan, &counts, events);
    report.format = "masks";
    report.output = show(path);
    report.bytes_after = file.len()?;
    file.sync()?;
    read.iter().try_for_each(Witness::check)?;
    watch.check()?;
    file.place(force)?;
    Ok(report)
}

/// What is read beside the model.
struct Beside {
    scores: Option<Model>,
    masks: Option<Model>,
}

impl Beside {
    fn open(job: &Job) -> Result<Self, Error> {
        let open = |path: &Option<PathBuf>| path.as_ref().map(Model::open).transpose();
        Ok(Beside { scores: open(&job.scores)?, masks: open(&job.masks)? })
    }

    fn models(&self) -> Vec<&Model> {
        self.scores.iter().chain(&self.masks).collect()
    }
}

/// Everything before the last event's masks are made.
struct Prepared<'m, 'j> {
    inputs: Inputs<'m>,
    plan: Plan,
    /// What the events before the last did.
    events: Vec<EventReport>,
    last: Option<(Option<Epochs>, &'j Event)>,
    /// The masks of the event before, which go when they are no longer needed.
    _scratch: Option<Temporary>,
}

/// Carries out every event but the last, and plans that. Masks in between lie in a file beside `path`.
fn prepare<'m, 'j>(
    job: &'j Job,
    model: &'m Model,
    known: &'m Known,
    beside: Beside,
    path: &Path,
    watch: &Watch,
) -> Result<Prepared<'m, 'j>, Error> {
    filter::check(&job.filter, model, known)?;
    // All events are tested against the model before anything is read.
    let mut selected: Vec<Vec<Candidate>> = Vec::new();
    for (epochs, event) in &job.events {
        selected.push(candidates(model, known, &when(*epochs), event, &job.filter)?);
    }
    let mut inputs = Inputs::new(model, known);
    if let (Some(path), Some(scores)) = (&job.scores, beside.scores) {
        inputs = inputs.with_scores(path, scores)?;
    }
    if let (Some(path), Some(masks)) = (&job.masks, beside.masks) {
        inputs = inputs.with_masks(path, masks)?;
    } else if selected.is_empty() {
        return Err(Error::request("nothing is to be done; give a method, a strategy with an event, or masks"));
    }
    inputs = inputs.counted(watch)?;
    let mut events = Vec::new();
    let mut scratch = None;
    for (step, ((epochs, event), candidates)) in job.events.iter().zip(selected).enumerate() {
        let mut plan = Plan::of_event(&inputs, &when(*epochs), event, candidates, watch)?;
        plan.add_in_force(&inputs);
        if step + 1 == job.events.len() {
            return Ok(Prepared { inputs, plan, events, last: Some((*epochs, event)), _scratch: scratch });
        }
        let (file, counts) = masks_of(&inputs, &plan, Temporary::create(path, None)?, watch)?;
        events.push(event_report(&inputs, &plan, &counts, Some((*epochs, event))));
        let made = Model::open_new(file.temporary_path(), path)?;
        inputs = inputs.with_masks(path, made)?.counted(watch)?;
        scratch = Some(file);
    }
    let mut plan = Plan::default();
    plan.add_in_force(&inputs);
    Ok(Prepared { inputs, plan, events, last: None, _scratch: scratch })
}

/// The masks of a plan in a file that is not in its place yet.
fn masks_of(
    inputs: &Inputs<'_>,
    plan: &Plan,
    file: Temporary,
    watch: &Watch,
) -> Result<(Temporary, Vec<crate::decide::Counts>), Error> {
    let tensors: Vec<usize> = plan.layers.iter().map(|layer| layer.tensor).collect();
    let sink = MaskFile::create(file, inputs.model, &tensors)?;
    let bytes = tensors.iter().map(|&tensor| inputs.model.tensor(tensor).bytes).sum();
    watch.progress.begin("making masks", bytes);
    let counts = carry_out(inputs, plan, &sink, watch)?;
    watch.progress.end();
    Ok((sink.file, counts))
}

/// What messages about an event begin with.
fn when(epochs: Option<Epochs>) -> String {
    epochs.map_or_else(String::new, |epochs| format!("epoch {epochs}: "))
}
