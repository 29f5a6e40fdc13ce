//! The layers of a model as a source of chunks, which the core ranks without having them in memory.

use std::cell::RefCell;
use std::sync::Mutex;

use prune_core::{ChunkSource, ErrorKind, Selector, SourceCut, SourceLayer, Values};

use crate::error::Error;
use crate::layers::inputs::ModelInputs;
use crate::masks::ranks::Ranks;
use crate::parts::buffer::values;
use crate::parts::drive::PartScratch;
use crate::parts::runs::{Runs, place};
use crate::text::clipped::clipped;
use crate::watch::Watch;

/// Layers that are ranked together.
pub(crate) struct LayerSource<'a> {
    ranks: &'a Ranks<'a>,
    tensors: &'a [usize],
    watch: &'a Watch,
    /// The first error. The core would only pass on its words.
    failed: Mutex<Option<Error>>,
}

thread_local! {
    static SCRATCH: RefCell<PartScratch> = RefCell::default();
}

/// The cut that keeps the best `kept` elements of these tensors together.
pub(crate) fn cut(ranks: &Ranks<'_>, tensors: &[usize], kept: usize, watch: &Watch) -> Result<SourceCut, Error> {
    let source = LayerSource { ranks, tensors, watch, failed: Mutex::default() };
    Selector::default().with_rank_by(ranks.by()).cut_source(&source, kept).map_err(|error| {
        let failed = source.failed.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        failed.unwrap_or_else(|| with_index(ranks.inputs, error))
    })
}

/// Names a NaN by its index in the layer's shape.
fn with_index(inputs: &ModelInputs<'_>, error: prune_core::Error) -> Error {
    match error {
        prune_core::Error { layer, kind: ErrorKind::Nan { index }, .. } => {
            let layer = layer.unwrap_or_default();
            let shape = inputs.model.find(&layer).map(|tensor| inputs.model.tensor(tensor).shape.clone());
            nan(layer, index.first().copied().unwrap_or(0), &shape.unwrap_or_default())
        }
        error => error.into(),
    }
}

/// The error for a NaN at a linear index of a layer.
pub(crate) fn nan(layer: String, linear: usize, shape: &[usize]) -> Error {
    ErrorKind::Nan { index: place(linear, shape) }.in_layer(&clipped(&layer)).into()
}

impl LayerSource<'_> {
    fn keep(&self, error: Error) -> String {
        let words = error.to_string();
        self.failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(error);
        words
    }
}

impl ChunkSource for LayerSource<'_> {
    fn layers(&self) -> Vec<SourceLayer> {
        let layer = |&tensor: &usize| {
            let tensor = self.ranks.inputs.model.tensor(tensor);
            SourceLayer { name: tensor.name.clone(), len: tensor.elements }
        };
        self.tensors.iter().map(layer).collect()
    }

    fn read(&self, layer: usize, start: usize, len: usize, visit: &mut dyn FnMut(Values<'_>)) -> Result<(), String> {
        self.watch.check().map_err(|error| self.keep(error))?;
        let tensor = self.tensors[layer];
        SCRATCH.with_borrow_mut(|scratch| {
            let bytes = self.ranks.read(tensor, Runs::one(start, len), scratch).map_err(|error| self.keep(error))?;
            visit(values(self.ranks.element(tensor), scratch.scores.bytes(bytes)));
            self.watch.progress.advance(bytes as u64);
            Ok(())
        })
    }

    fn alive_len(&self, layer: usize) -> Option<usize> {
        self.ranks.inputs.alive_len(self.tensors[layer])
    }

    fn alive(&self, layer: usize, start: usize, len: usize, bits: &mut [u64]) -> Result<(), String> {
        SCRATCH.with_borrow_mut(|PartScratch { masks, alive, .. }| {
            let read = self.ranks.inputs.read_alive(self.tensors[layer], Runs::one(start, len), masks, alive);
            if read.map_err(|error| self.keep(error))? {
                bits.copy_from_slice(alive);
            } else {
                bits.fill(u64::MAX);
            }
            Ok(())
        })
    }
}
