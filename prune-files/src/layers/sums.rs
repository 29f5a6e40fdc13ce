//! Counts over whole tensors, summed over their parts.

use crate::error::Error;
use crate::layers::inputs::ModelInputs;
use crate::parts::buffer::layer;
use crate::parts::drive::{PartScratch, in_order};
use crate::parts::runs::{Runs, plain};
use crate::read::model::Model;
use crate::watch::Watch;

/// For each of these tensors the sum of `count` over its parts. `what` names the work for the progress display.
pub(crate) fn sums(
    model: &Model,
    tensors: &[usize],
    what: &str,
    watch: &Watch,
    count: impl Fn(usize, Runs, &mut PartScratch) -> Result<usize, Error> + Sync,
) -> Result<Vec<usize>, Error> {
    let parts = |(place, &tensor)| plain(model.tensor(tensor).elements).map(move |part| (place, tensor, part.runs));
    let work: Vec<(usize, usize, Runs)> = tensors.iter().enumerate().flat_map(parts).collect();
    watch.progress.begin(what, tensors.iter().map(|&tensor| model.tensor(tensor).elements as u64).sum());
    let counted = in_order(&work, watch, |&(place, tensor, runs), scratch| {
        watch.progress.advance(runs.elements() as u64);
        Ok((place, count(tensor, runs, scratch)?))
    })?;
    watch.progress.end();
    let mut sums = vec![0; tensors.len()];
    counted.into_iter().for_each(|(place, count)| sums[place] += count);
    Ok(sums)
}

/// The number of non-zero elements of each of these tensors. Elements outside the model's own masks count as zero.
/// `None` for types that are not numbers here.
pub(crate) fn non_zeros(
    inputs: &ModelInputs<'_>,
    tensors: &[usize],
    watch: &Watch,
) -> Result<Vec<Option<usize>>, Error> {
    let element = |tensor: usize| inputs.model.tensor(tensor).element_type();
    let counts = sums(inputs.model, tensors, "counting", watch, |tensor, runs, scratch| {
        let Some(element) = element(tensor) else { return Ok(0) };
        let bytes = inputs.read_in_force(tensor, runs, scratch)?;
        Ok(layer(element, scratch.weights.bytes(bytes), &[runs.elements()])?.non_zero_len()?)
    })?;
    Ok(tensors.iter().zip(counts).map(|(&tensor, count)| element(tensor).map(|_| count)).collect())
}
