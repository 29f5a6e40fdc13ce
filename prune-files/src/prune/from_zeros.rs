//! The masks of a checkpoint that is already sparse, read off its zeros.

use std::path::Path;

use prune_core::{OpenLayer, ZeroShare};

use crate::error::{Error, show};
use crate::layers::filter;
use crate::layers::inputs::ModelInputs;
use crate::layers::known::{CheckpointFacts, DenseTensor};
use crate::layers::sums::{non_zeros, sums};
use crate::masks::decide::{Counts, Sink as _};
use crate::masks::sink::MaskFile;
use crate::masks::work::{LayerWork, MaskRule, Work};
use crate::output::Temporary;
use crate::parts::buffer::layer;
use crate::parts::drive::PartScratch;
use crate::read::model::Model;
use crate::report::{EventReport, PruneReport};
use crate::text::clipped::listed;
use crate::watch::Watch;

use super::Job;
use super::mask_output::MaskOutput;
use super::reports::{event_report, report as report_of};

/// Writes masks that keep every element that is not zero, of either sign, so that further training keeps a sparse
/// checkpoint sparse. The output is one safetensors file of BOOL tensors under the layers' names. A weight that the
/// job's filter leaves gets a mask if 5% to 99.9% of it is zero ([`ZeroShare`]). A weight that is entirely or almost
/// entirely zero gets no mask, but a warning.
///
/// # Errors
///
/// As [`write_masks`](super::write_masks); [`Error::Request`] if the job has events, scores or masks, or if no weight
/// is sparse.
///
/// # Complexity
///
/// Linear: one read of the weights, and one more of those that get a mask.
pub fn write_zero_masks(job: &Job, path: &Path, force: bool, watch: &Watch) -> Result<PruneReport, Error> {
    let Job { model, events, filter, scores, gradients, inputs, masks } = job;
    if !events.is_empty() || [scores, gradients, inputs, masks].into_iter().any(Option::is_some) {
        let why =
            "masks of zeros are read off the weights alone; leave events, scores, gradients, inputs and masks out";
        return Err(Error::request(why));
    }
    let model = Model::open(model)?;
    crate::bitmask::refuse_packed(&model)?;
    let known = CheckpointFacts::of(&model)?;
    filter::check(filter, &model, &known)?;
    let (output, file) = MaskOutput::create(path, force, &model, &[])?;
    let inputs = ModelInputs::new(&model, &known);
    let weight = |tensor: &usize| known.leaves(filter, &model, *tensor).is_none();
    let (weights, masked): (Vec<usize>, Vec<usize>) =
        (0..model.len()).filter(weight).partition(|&tensor| known.mask_of(tensor).is_none());
    let counts = non_zeros(&inputs, &weights, watch)?;
    let (mut sparse, mut few, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for (&tensor, non_zero) in weights.iter().zip(counts) {
        let (about, non_zero) = (model.tensor(tensor), non_zero.unwrap_or_default());
        match ZeroShare::of(non_zero, about.elements) {
            ZeroShare::Few => few.push(tensor),
            ZeroShare::Sparse => sparse.push((tensor, non_zero)),
            ZeroShare::NearlyAll => {
                open.push(OpenLayer { layer: about.name.clone(), elements: about.elements, non_zero });
            }
        }
    }
    if sparse.is_empty() {
        let why = format!(
            "{} has no weight of which 5% to 99.9% are zero, so there is no mask to read off",
            show(&job.model)
        );
        let open: Vec<String> = open.into_iter().map(|open| open.layer).collect();
        let more = if open.is_empty() { String::new() } else { format!("; zero as a whole: {}", listed(&open)) };
        return Err(Error::request(why + &more));
    }
    let sink = write(&inputs, &sparse.iter().map(|&(tensor, _)| tensor).collect::<Vec<_>>(), file, watch)?;
    let layers = sparse.iter().map(|&(tensor, _)| LayerWork { tensor, plan: None, how: MaskRule::InForce }).collect();
    let work = Work { layers, ..Work::default() };
    let counts = sparse.iter().map(|&(_, kept)| Counts { kept, non_zero: kept, ..Counts::default() });
    let counts: Vec<Counts> = counts.collect();
    let warnings = open.iter().map(ToString::to_string).collect();
    let made = event_report(&inputs, &work, &counts, None, true);
    let event = EventReport { method: "zeros".to_owned(), unchanged: false, warnings, ..made };
    let mut report = report_of(job, &inputs, &work, &counts, vec![event]);
    report.left_dense = known.left_dense(filter, &model, |tensor| weight(&tensor));
    for (tensors, why) in [(few, "fewer than 5% zeros"), (masked, "its mask lies beside it")] {
        report.left_dense.extend(tensors.into_iter().map(|tensor| DenseTensor {
            layer: model.tensor(tensor).name.clone(),
            why: why.to_owned(),
            entry: known.role(tensor).entry.clone(),
        }));
    }
    report.ranked_by = "zeros".to_owned();
    output.place(sink.file, report, watch)
}

/// Reads these tensors and writes the masks of their non-zero elements.
fn write(inputs: &ModelInputs<'_>, tensors: &[usize], file: Temporary, watch: &Watch) -> Result<MaskFile, Error> {
    let sink = MaskFile::create(file, inputs.model, tensors)?;
    sums(inputs.model, tensors, "making masks", watch, |tensor, runs, scratch| {
        // Weights are of prunable types.
        let Some(element) = inputs.model.tensor(tensor).element_type() else { return Ok(0) };
        let PartScratch { weights, masks, .. } = scratch;
        let bytes = inputs.read_weights(tensor, runs, weights)?;
        let mask = layer(element, weights.bytes(bytes), &[runs.elements()])?.non_zero_mask()?;
        sink.put(tensor, runs, &mask, weights.bytes_mut(bytes), masks)?;
        Ok(mask.kept_len())
    })?;
    Ok(sink)
}
