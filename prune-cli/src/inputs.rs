//! What is read for a selection: weights, scores in their place, and masks in force.

use std::path::Path;

use prune_core::ElementType;
use safetensors::Dtype;

use crate::bits;
use crate::buffer::Buffer;
use crate::clipped::clipped;
use crate::drive::in_order;
use crate::error::Error;
use crate::known::Known;
use crate::model::Model;
use crate::runs::{Runs, plain};
use crate::watch::Watch;

/// A model with the scores and masks that go with it.
#[derive(Debug)]
pub(crate) struct Inputs<'m> {
    pub(crate) model: &'m Model,
    pub(crate) known: &'m Known,
    scores: Option<Scores>,
    alive: Option<Alive>,
}

#[derive(Debug)]
struct Scores {
    model: Model,
    /// The tensor of scores of each tensor of the model.
    of: Vec<Option<usize>>,
}

/// Masks by tensor of the model.
#[derive(Debug)]
struct Alive {
    masks: Model,
    /// The tensor of the mask and how many elements it keeps.
    of: Vec<Option<(usize, usize)>>,
}

impl<'m> Inputs<'m> {
    pub(crate) fn new(model: &'m Model, known: &'m Known) -> Self {
        Inputs { model, known, scores: None, alive: None }
    }

    /// Ranks by the scores in a file, which must have the shapes of the model's tensors.
    pub(crate) fn with_scores(self, path: &Path, scores: Model) -> Result<Self, Error> {
        let of = companions(self.model, &scores, path)?;
        for tensor in of.iter().flatten().map(|&tensor| scores.tensor(tensor)) {
            if tensor.element_type().is_none() {
                let name = clipped(&tensor.name);
                let why = format!("the scores of `{name}` are of type {}; write f32, f64, f16 or bf16", tensor.dtype);
                return Err(Error::Companion { path: path.to_owned(), why });
            }
        }
        Ok(Inputs { scores: Some(Scores { model: scores, of }), ..self })
    }

    /// Puts the masks in a file in force: BOOL tensors of the shapes of the model's tensors. Reads them once to count.
    pub(crate) fn with_masks(self, path: &Path, masks: Model, watch: &Watch) -> Result<Self, Error> {
        let of = companions(self.model, &masks, path)?;
        let refuse = |why: String| Error::Companion { path: path.to_owned(), why };
        let mut parts = Vec::new();
        for (tensor, mask) in of.iter().enumerate().filter_map(|(tensor, mask)| mask.map(|mask| (tensor, mask))) {
            let about = masks.tensor(mask);
            if about.dtype != Dtype::BOOL {
                let name = clipped(&about.name);
                return Err(refuse(format!("the mask of `{name}` is of type {}; masks are BOOL", about.dtype)));
            }
            let masked = self.model.tensor(tensor);
            if masked.element_type().is_none() {
                let name = clipped(&about.name);
                let why = format!("`{name}` is of type {}, which is not pruned, but has a mask", masked.dtype);
                return Err(refuse(format!("{why}; take it out of the file")));
            }
            parts.extend(plain(about.elements).map(|part| (tensor, mask, part.runs)));
        }
        watch.progress.begin("counting masks", masks.bytes());
        let counted = in_order(&parts, watch, |&(tensor, mask, runs), scratch| {
            let kept = read_bits(&masks, mask, runs, &mut scratch.masks, &mut scratch.alive)?;
            watch.progress.advance(runs.elements() as u64);
            Ok((tensor, kept))
        })?;
        watch.progress.end();
        let mut kept = vec![0; self.model.len()];
        counted.into_iter().for_each(|(tensor, count)| kept[tensor] += count);
        let of = of.into_iter().zip(kept).map(|(mask, kept)| mask.map(|mask| (mask, kept))).collect();
        Ok(Inputs { alive: Some(Alive { masks, of }), ..self })
    }

    /// Whether given scores rank, and not the weights' magnitude.
    pub(crate) fn has_scores(&self) -> bool {
        self.scores.is_some()
    }

    /// Refuses a layer that has no scores where scores are given.
    pub(crate) fn check_scored(&self, tensor: usize) -> Result<(), Error> {
        match &self.scores {
            Some(scores) if scores.of[tensor].is_none() => {
                let name = clipped(&self.model.tensor(tensor).name);
                let path = scores.model.paths().next().map(Path::to_owned).unwrap_or_default();
                let why = format!("there are no scores for layer `{name}`; add them, or leave it out with --exclude");
                Err(Error::Companion { path, why })
            }
            _ => Ok(()),
        }
    }

    /// How many elements of a tensor its mask in force keeps, if it has one.
    pub(crate) fn alive_len(&self, tensor: usize) -> Option<usize> {
        self.alive.as_ref().and_then(|alive| alive.of[tensor]).map(|(_, kept)| kept)
    }

    /// The type of what ranks a tensor.
    pub(crate) fn score_type(&self, tensor: usize) -> ElementType {
        let about = match &self.scores {
            Some(scores) => scores.of[tensor].map_or(self.model.tensor(tensor), |of| scores.model.tensor(of)),
            None => self.model.tensor(tensor),
        };
        // Others are refused before anything is read.
        about.element_type().unwrap_or(ElementType::F32)
    }

    /// Reads what ranks some elements of a tensor; how many bytes that were.
    pub(crate) fn read_scores(&self, tensor: usize, runs: Runs, into: &mut Buffer) -> Result<usize, Error> {
        match &self.scores {
            Some(scores) => match scores.of[tensor] {
                Some(of) => read(&scores.model, of, runs, into),
                None => read(self.model, tensor, runs, into),
            },
            None => read(self.model, tensor, runs, into),
        }
    }

    /// Reads some weights of a tensor; how many bytes that were.
    pub(crate) fn read_weights(&self, tensor: usize, runs: Runs, into: &mut Buffer) -> Result<usize, Error> {
        read(self.model, tensor, runs, into)
    }

    /// Reads the mask in force of some elements into `bits`, which are replaced; false where there is none.
    pub(crate) fn read_alive(
        &self,
        tensor: usize,
        runs: Runs,
        bytes: &mut Buffer,
        bits: &mut Vec<u64>,
    ) -> Result<bool, Error> {
        let Some(alive) = &self.alive else { return Ok(false) };
        let Some((mask, _)) = alive.of[tensor] else { return Ok(false) };
        read_bits(&alive.masks, mask, runs, bytes, bits)?;
        Ok(true)
    }
}

/// Reads bits of a BOOL tensor; how many are set.
pub(crate) fn read_bits(
    masks: &Model,
    mask: usize,
    runs: Runs,
    bytes: &mut Buffer,
    bits: &mut Vec<u64>,
) -> Result<usize, Error> {
    let len = read(masks, mask, runs, bytes)?;
    bits.clear();
    bits.resize(len.div_ceil(64), 0);
    if !bits::pack(bytes.bytes(len), bits, 0) {
        let name = clipped(&masks.tensor(mask).name);
        let why = format!("the mask of `{name}` has bytes other than 0 and 1, which are no BOOL");
        return Err(Error::Companion { path: masks.shards()[masks.shard_of(mask)].path.clone(), why });
    }
    Ok(bits::count(bits, len))
}

/// Reads elements of a tensor whose elements are whole bytes; how many bytes that were.
fn read(model: &Model, tensor: usize, runs: Runs, into: &mut Buffer) -> Result<usize, Error> {
    let size = model.tensor(tensor).dtype.bitsize() / 8;
    let bytes = into.bytes_mut(runs.elements() * size);
    let mut done = 0;
    for (first, len) in runs.iter() {
        model.read(tensor, first as u64 * size as u64, &mut bytes[done..done + len * size])?;
        done += len * size;
    }
    Ok(done)
}

/// The tensor of `other` for each tensor of the model, by name. Every one must have its tensor in the model.
fn companions(model: &Model, other: &Model, path: &Path) -> Result<Vec<Option<usize>>, Error> {
    let refuse = |why: String| Err(Error::Companion { path: path.to_owned(), why });
    let mut of = vec![None; model.len()];
    for (place, tensor) in other.tensors().enumerate() {
        let name = clipped(&tensor.name);
        let Some(found) = model.find(&tensor.name) else {
            let near = prune_core::nearest(&tensor.name, model.tensors().map(|tensor| tensor.name.as_str()));
            let near = near.map(|near| format!("; did you mean `{}`?", clipped(near))).unwrap_or_default();
            return refuse(format!("the model has no layer `{name}`{near}"));
        };
        let shape = &model.tensor(found).shape;
        if *shape != tensor.shape {
            return refuse(format!("`{name}` has shape {:?}, but {shape:?} in the model", tensor.shape));
        }
        of[found] = Some(place);
    }
    Ok(of)
}
