//! Counting what is not zero.

use crate::error::Error;
use crate::layers::inputs::Inputs;
use crate::parts::buffer::layer;
use crate::parts::drive::in_order;
use crate::parts::runs::plain;
use crate::watch::Watch;

/// How many elements of some tensors are not zero; `None` for types that are not looked into.
pub(crate) fn non_zeros(inputs: &Inputs<'_>, tensors: &[usize], watch: &Watch) -> Result<Vec<Option<usize>>, Error> {
    let mut work = Vec::new();
    let mut counts = vec![None; tensors.len()];
    for (place, &tensor) in tensors.iter().enumerate() {
        let about = inputs.model.tensor(tensor);
        if let Some(element) = about.element_type() {
            counts[place] = Some(0);
            work.extend(plain(about.elements).map(|part| (place, tensor, element, part.runs)));
        }
    }
    watch.progress.begin("counting", tensors.iter().map(|&tensor| inputs.model.tensor(tensor).bytes).sum());
    let counted = in_order(&work, watch, |&(place, tensor, element, runs), scratch| {
        let bytes = inputs.read_in_force(tensor, runs, scratch)?;
        watch.progress.advance(bytes as u64);
        let part = layer(element, scratch.weights.bytes(bytes), &[runs.elements()])?;
        Ok((place, part.non_zero_len()?))
    })?;
    watch.progress.end();
    for (place, count) in counted {
        counts[place] = counts[place].map(|sum| sum + count);
    }
    Ok(counts)
}
