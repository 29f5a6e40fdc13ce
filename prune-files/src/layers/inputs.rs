//! The inputs of a selection: weights, the evidence beside them, and masks in force.

use std::path::{Path, PathBuf};

use prune_core::{ElementType, Mask, Need};

use crate::error::Error;
use crate::layers::known::CheckpointFacts;
use crate::layers::mask_values::{TYPES, holds_masks, read_bits};
use crate::layers::sums::sums;
use crate::parts::bits;
use crate::parts::buffer::{Buffer, numbers, values, zero_outside};
use crate::parts::drive::PartScratch;
use crate::parts::runs::Runs;
use crate::read::header::TensorInfo;
use crate::read::model::Model;
use crate::text::clipped::{clipped, did_you_mean};
use crate::text::term::Term;
use crate::watch::Watch;

/// A model with its evidence and masks.
#[derive(Debug)]
pub(crate) struct ModelInputs<'m> {
    pub(crate) model: &'m Model,
    pub(crate) known: &'m CheckpointFacts,
    /// Files beside the model, indexed by [`SideFile`].
    beside: [Option<Companion>; 4],
    /// The number of elements of each tensor that the masks in force keep, once counted.
    kept: Vec<Option<usize>>,
}

/// The contents of a file beside the model: tensors with the names of the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SideFile {
    Scores,
    Gradients,
    /// The norms of inputs, whose shapes differ from the layers'.
    Norms,
    Masks,
}

impl SideFile {
    /// The file that holds the evidence for a score.
    pub(crate) fn of(need: Need) -> Self {
        match need {
            Need::Gradient | Need::MeanGradient => SideFile::Gradients,
            Need::InputNorms => SideFile::Norms,
            _ => SideFile::Scores,
        }
    }

    /// The setting that names the file.
    pub(crate) fn setting(self) -> Term {
        match self {
            SideFile::Scores => Term::Scores,
            SideFile::Gradients => Term::Gradients,
            SideFile::Norms => Term::Inputs,
            SideFile::Masks => Term::Masks,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            SideFile::Scores => "scores",
            SideFile::Gradients => "gradients",
            SideFile::Norms => "input norms",
            SideFile::Masks => "masks",
        }
    }
}

/// A file beside the model.
#[derive(Debug)]
struct Companion {
    path: PathBuf,
    model: Model,
    /// The place in the file of the tensor that goes with each tensor of the model.
    of: Vec<Option<usize>>,
}

impl<'m> ModelInputs<'m> {
    pub(crate) fn new(model: &'m Model, known: &'m CheckpointFacts) -> Self {
        ModelInputs { model, known, beside: [const { None }; 4], kept: vec![None; model.len()] }
    }

    /// Adds a file beside the model, which replaces an earlier one of its kind. Each of its tensors must fit the tensor
    /// of its name. Masks are in force once they are [counted](ModelInputs::counted).
    pub(crate) fn with(mut self, what: SideFile, path: &Path, beside: Model) -> Result<Self, Error> {
        let refuse = |why: String| Error::Companion { path: path.to_owned(), why };
        let mut of = vec![None; self.model.len()];
        for (place, about) in beside.tensors().enumerate() {
            let tensor = self.named(&about.name).map_err(refuse)?;
            of[tensor] = Some(place);
            let shape = &self.model.tensor(tensor).shape;
            if what != SideFile::Norms && *shape != about.shape {
                let name = clipped(&about.name);
                return Err(refuse(format!("`{name}` has shape {:?}, but {shape:?} in the model", about.shape)));
            }
        }
        for (tensor, place) in of.iter().enumerate().filter_map(|(tensor, place)| Some((tensor, (*place)?))) {
            self.fits(what, tensor, beside.tensor(place)).map_err(refuse)?;
        }
        self.beside[what as usize] = Some(Companion { path: path.to_owned(), model: beside, of });
        Ok(self)
    }

    /// The tensor of the model for a name in a file beside it, or the reason why there is none.
    fn named(&self, name: &str) -> Result<usize, String> {
        self.model.find(name).ok_or_else(|| {
            let near = did_you_mean(name, self.model.tensors().map(|tensor| tensor.name.as_str()));
            format!("the model has no layer `{}`{near}", clipped(name))
        })
    }

    /// Refuses, with the reason, a tensor that does not go with the model's tensor.
    fn fits(&self, what: SideFile, tensor: usize, beside: &TensorInfo) -> Result<(), String> {
        let (name, dtype, masked) = (clipped(&beside.name), beside.dtype, self.model.tensor(tensor));
        if what != SideFile::Masks {
            let why = || format!("the {} of `{name}` are of type {dtype}; write f32, f64, f16 or bf16", what.word());
            return beside.element_type().map(|_| ()).ok_or_else(why);
        }
        if !holds_masks(dtype) {
            return Err(format!("the mask of `{name}` is of type {dtype}; masks are {TYPES}"));
        }
        if let Some(weight) = self.known.masked_by(tensor) {
            let weight = clipped(&self.model.tensor(weight).name);
            return Err(format!("`{name}` is itself the mask of `{weight}`; name the new mask so"));
        }
        if masked.element_type().is_none() {
            let why = format!("`{name}` is of type {}, which is not pruned, but has a mask", masked.dtype);
            return Err(format!("{why}; take it out of the file"));
        }
        Ok(())
    }

    /// The file of a kind, if there is one.
    fn file(&self, what: SideFile) -> Option<&Companion> {
        self.beside[what as usize].as_ref()
    }

    /// Counts the elements that the masks in force keep: masks in a file, and masks that the model itself has beside
    /// its weights. Reads each mask once.
    pub(crate) fn counted(mut self, watch: &Watch) -> Result<Self, Error> {
        let masked: Vec<usize> = (0..self.model.len()).filter(|&tensor| self.is_masked(tensor)).collect();
        for mask in masked.iter().filter_map(|&tensor| self.known.mask_of(tensor)) {
            let own = self.model.tensor(mask);
            if !holds_masks(own.dtype) {
                let path = self.model.path_of(mask).to_owned();
                let why = format!("the mask `{}` is of type {}; masks are {TYPES}", clipped(&own.name), own.dtype);
                return Err(Error::Companion { path, why });
            }
        }
        let kept = sums(self.model, &masked, "counting masks", watch, |tensor, runs, scratch| {
            self.read_alive(tensor, runs, &mut scratch.masks, &mut scratch.alive)?;
            Ok(bits::count(&scratch.alive, runs.elements()))
        })?;
        self.kept = vec![None; self.model.len()];
        masked.into_iter().zip(kept).for_each(|(tensor, kept)| self.kept[tensor] = Some(kept));
        Ok(self)
    }

    /// True if a mask of the tensor is in force.
    fn is_masked(&self, tensor: usize) -> bool {
        self.has_new_mask(tensor) || self.known.mask_of(tensor).is_some()
    }

    /// True if a mask is in force that the model itself does not have.
    pub(crate) fn has_new_mask(&self, tensor: usize) -> bool {
        self.file(SideFile::Masks).is_some_and(|masks| masks.of[tensor].is_some())
    }

    /// The place in its file of the tensor that goes with a layer. Refuses a layer without one.
    pub(crate) fn companion(&self, what: SideFile, score: &str, tensor: usize) -> Result<usize, Error> {
        let needed = || Error::request(format!("the score `{score}` needs {}", what.setting()));
        let file = self.file(what).ok_or_else(needed)?;
        file.of[tensor].ok_or_else(|| {
            let (what, name) = (what.word(), clipped(&self.model.tensor(tensor).name));
            let leave = Term::Exclude;
            let why = format!("there are no {what} for layer `{name}`; add them, or leave it out with {leave}");
            Error::Companion { path: file.path.clone(), why }
        })
    }

    /// The type of the tensor at a place of a file beside the model; `None` without such a file.
    pub(crate) fn companion_type(&self, what: SideFile, place: usize) -> Option<ElementType> {
        self.file(what)?.model.tensor(place).element_type()
    }

    /// Reads some elements of such a tensor and returns the number of bytes.
    pub(crate) fn read_companion(
        &self,
        what: SideFile,
        place: usize,
        runs: Runs,
        into: &mut Buffer,
    ) -> Result<usize, Error> {
        self.file(what).map_or(Ok(0), |file| file.model.read_runs(place, runs, into))
    }

    /// The norms of a layer's inputs, with their shape.
    pub(crate) fn input_norms(&self, score: &str, tensor: usize) -> Result<(Vec<usize>, Vec<f64>), Error> {
        let place = self.companion(SideFile::Norms, score, tensor)?;
        let shape = self.file(SideFile::Norms).map_or_else(Vec::new, |file| file.model.tensor(place).shape.clone());
        let element = self.companion_type(SideFile::Norms, place).unwrap_or(ElementType::F32);
        let mut read = vec![0.0; shape.iter().product()];
        let mut buffer = Buffer::default();
        let bytes = self.read_companion(SideFile::Norms, place, Runs::one(0, read.len()), &mut buffer)?;
        numbers(values(element, buffer.bytes(bytes)), |i, norm| read[i] = norm);
        Ok((shape, read))
    }

    /// The number of elements that the mask in force of a tensor keeps, if there is a mask.
    pub(crate) fn alive_len(&self, tensor: usize) -> Option<usize> {
        self.kept[tensor]
    }

    /// Reads some weights of a tensor and returns the number of bytes.
    pub(crate) fn read_weights(&self, tensor: usize, runs: Runs, into: &mut Buffer) -> Result<usize, Error> {
        self.model.read_runs(tensor, runs, into)
    }

    /// Reads some weights of a tensor as they are in force: zero outside the mask that the model itself has for them.
    /// Returns the number of bytes.
    pub(crate) fn read_in_force(&self, tensor: usize, runs: Runs, scratch: &mut PartScratch) -> Result<usize, Error> {
        let PartScratch { weights, masks, alive, .. } = scratch;
        let bytes = self.read_weights(tensor, runs, weights)?;
        if let (Some(own), Some(element)) = (self.known.mask_of(tensor), self.model.tensor(tensor).element_type()) {
            read_bits(self.model, own, runs, masks, alive)?;
            let mask = Mask::from_words(&[runs.elements()], alive.clone())?;
            zero_outside(element, weights.bytes_mut(bytes), &mask)?;
        }
        Ok(bytes)
    }

    /// Reads the mask in force of some elements into `bits`, replacing their contents. Returns false if there is no
    /// mask.
    pub(crate) fn read_alive(
        &self,
        tensor: usize,
        runs: Runs,
        bytes: &mut Buffer,
        bits: &mut Vec<u64>,
    ) -> Result<bool, Error> {
        let own = self.known.mask_of(tensor);
        let given = self.file(SideFile::Masks).and_then(|file| Some((&file.model, file.of[tensor]?)));
        if let Some((masks, mask)) = given {
            read_bits(masks, mask, runs, bytes, bits)?;
        }
        if let Some(own) = own {
            let before = given.is_some().then(|| bits.clone());
            read_bits(self.model, own, runs, bytes, bits)?;
            bits.iter_mut().zip(before.iter().flatten()).for_each(|(own, given)| *own &= given);
        }
        Ok(own.is_some() || given.is_some())
    }
}
