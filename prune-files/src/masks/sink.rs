//! The targets of masks: a copy of the weights, or a file of masks.

use prune_core::Mask;
use safetensors::Dtype;

use crate::error::Error;
use crate::layers::inputs::ModelInputs;
use crate::layers::mask_values;
use crate::masks::decide::Sink;
use crate::output::Temporary;
use crate::output::header::{TensorToWrite, begin, header};
use crate::parts::bits;
use crate::parts::buffer::{Buffer, zero_outside};
use crate::parts::drive::in_order;
use crate::parts::runs::Runs;
use crate::read::model::Model;
use crate::watch::Watch;

/// Bytes that are copied at a time.
const COPIED: u64 = 4 << 20;

/// Copies of a model's files with zeros where the masks keep nothing.
pub(crate) struct Dense<'a> {
    pub(crate) inputs: &'a ModelInputs<'a>,
    /// One file for each file of the model.
    pub(crate) files: Vec<Temporary>,
}

impl Dense<'_> {
    /// Copies every byte outside the tensors of `masked` and the masks beside them: headers and other tensors.
    pub(crate) fn carry_over(&self, masked: &[usize], watch: &Watch) -> Result<(), Error> {
        let model = self.inputs.model;
        let mut masked_of = vec![false; model.len()];
        for &tensor in masked {
            masked_of[tensor] = true;
            self.inputs.known.mask_of(tensor).into_iter().for_each(|mask| masked_of[mask] = true);
        }
        let mut stretches = Vec::new();
        for (shard, file) in model.shards().iter().zip(&self.files) {
            file.set_len(shard.len)?;
        }
        let mut open = vec![0; model.shards().len()];
        let mut close = |shard: usize, until: u64, next: u64| {
            let from = core::mem::replace(&mut open[shard], next);
            stretches.extend((from..until).step_by(COPIED as usize).map(|at| (shard, at, COPIED.min(until - at))));
        };
        for tensor in (0..model.len()).filter(|&tensor| masked_of[tensor]) {
            let about = model.tensor(tensor);
            close(model.shard_of(tensor), about.start, about.start + about.bytes);
        }
        for (shard, about) in model.shards().iter().enumerate() {
            close(shard, about.len, about.len);
        }
        in_order(&stretches, watch, |&(shard, at, len), scratch| {
            let bytes = scratch.weights.bytes_mut(len as usize);
            model.shards()[shard].read(bytes, at)?;
            watch.progress.advance(len);
            self.files[shard].write(bytes, at)
        })?;
        Ok(())
    }

    /// Writes elements of a tensor to their places.
    fn write(&self, tensor: usize, runs: Runs, bytes: &[u8]) -> Result<(), Error> {
        let about = self.inputs.model.tensor(tensor);
        let file = &self.files[self.inputs.model.shard_of(tensor)];
        runs.bytes(about.dtype.bitsize() / 8).try_for_each(|(part, at)| file.write(&bytes[part], about.start + at))
    }
}

impl Sink for Dense<'_> {
    fn put(&self, tensor: usize, runs: Runs, mask: &Mask, weights: &mut [u8], spare: &mut Buffer) -> Result<(), Error> {
        let model = self.inputs.model;
        let about = model.tensor(tensor);
        // Other types have been refused.
        let Some(element) = about.element_type() else { return Ok(()) };
        zero_outside(element, weights, mask)?;
        self.write(tensor, runs, weights)?;
        if let Some(own) = self.inputs.known.mask_of(tensor) {
            let len = mask_values::write(mask, model.tensor(own).dtype, spare);
            self.write(own, runs, spare.bytes(len))?;
        }
        Ok(())
    }
}

/// A safetensors file of BOOL tensors under the layers' names.
pub(crate) struct MaskFile {
    pub(crate) file: Temporary,
    /// The start of the mask of each tensor of the model.
    starts: Vec<u64>,
}

impl MaskFile {
    /// A file for the masks of these tensors.
    pub(crate) fn create(file: Temporary, model: &Model, tensors: &[usize]) -> Result<Self, Error> {
        let mut order = tensors.to_vec();
        order.sort_unstable();
        let entry = |&tensor: &usize| {
            let about = model.tensor(tensor);
            TensorToWrite { dtype: Dtype::BOOL, bytes: about.elements as u64, ..TensorToWrite::like(about) }
        };
        let entries: Vec<TensorToWrite> = order.iter().map(entry).collect();
        let mut starts = vec![0; model.len()];
        let begun = begin(&file, &header(&entries, &Default::default()), &entries)?;
        order.iter().zip(begun).for_each(|(&tensor, start)| starts[tensor] = start);
        Ok(MaskFile { file, starts })
    }
}

impl Sink for MaskFile {
    fn put(&self, tensor: usize, runs: Runs, mask: &Mask, _: &mut [u8], spare: &mut Buffer) -> Result<(), Error> {
        let bytes = spare.bytes_mut(runs.elements());
        bits::unpack(mask.words(), 0, bytes);
        runs.bytes(1).try_for_each(|(part, at)| self.file.write(&bytes[part], self.starts[tensor] + at))
    }
}
