//! What is read for a selection: weights, evidence beside them, and masks in force.

use std::path::{Path, PathBuf};

use prune_core::{ElementType, Mask};

use crate::error::Error;
use crate::layers::known::Known;
use crate::layers::mask_values::{TYPES, holds_masks, read_bits};
use crate::parts::bits;
use crate::parts::buffer::{Buffer, numbers, values, zero_outside};
use crate::parts::drive::{Scratch, in_order};
use crate::parts::runs::{Runs, plain};
use crate::read::model::Model;
use crate::text::clipped::clipped;
use crate::watch::Watch;

/// A model with the evidence and the masks that go with it.
#[derive(Debug)]
pub(crate) struct Inputs<'m> {
    pub(crate) model: &'m Model,
    pub(crate) known: &'m Known,
    /// By [`Beside`].
    companions: [Option<Companion>; 2],
    /// The norms of inputs, and where they are from.
    norms: Option<(PathBuf, Model)>,
    masks: Option<Masks>,
    /// How many elements of each tensor the masks in force keep, once they are counted.
    kept: Vec<Option<usize>>,
}

/// What a file beside the model holds for its layers, in tensors of their names and shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    Scores,
    Gradients,
}

impl Beside {
    /// The option that hands it over.
    fn flag(self) -> &'static str {
        match self {
            Beside::Scores => "--scores",
            Beside::Gradients => "--gradients",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Beside::Scores => "scores",
            Beside::Gradients => "gradients",
        }
    }
}

#[derive(Debug)]
struct Companion {
    model: Model,
    /// The companion of each tensor of the model.
    of: Vec<Option<usize>>,
}

/// Masks in a file.
#[derive(Debug)]
struct Masks {
    model: Model,
    /// The mask of each tensor of the model.
    of: Vec<Option<usize>>,
}

impl<'m> Inputs<'m> {
    pub(crate) fn new(model: &'m Model, known: &'m Known) -> Self {
        Inputs { model, known, companions: [None, None], norms: None, masks: None, kept: vec![None; model.len()] }
    }

    /// With a file beside it, whose tensors must have the shapes of the model's.
    pub(crate) fn with(mut self, what: Beside, path: &Path, beside: Model) -> Result<Self, Error> {
        let of = companions(self.model, &beside, path)?;
        of.iter().flatten().try_for_each(|&tensor| floating(&beside, tensor, what.word(), path))?;
        self.companions[what as usize] = Some(Companion { model: beside, of });
        Ok(self)
    }

    /// With the norms of inputs in a file, under the layers' names.
    pub(crate) fn with_norms(self, path: &Path, norms: Model) -> Result<Self, Error> {
        for (tensor, about) in norms.tensors().enumerate() {
            known_name(self.model, &about.name, path)?;
            floating(&norms, tensor, "input norms", path)?;
        }
        Ok(Inputs { norms: Some((path.to_owned(), norms)), ..self })
    }

    /// Puts the masks in a file in force, in the place of those of a file before: tensors of 0 and 1 of the shapes of the
    /// model's tensors.
    pub(crate) fn with_masks(self, path: &Path, masks: Model) -> Result<Self, Error> {
        let of = companions(self.model, &masks, path)?;
        let refuse = |why: String| Error::Companion { path: path.to_owned(), why };
        for (tensor, mask) in of.iter().enumerate().filter_map(|(tensor, mask)| mask.map(|mask| (tensor, mask))) {
            let (about, masked) = (masks.tensor(mask), self.model.tensor(tensor));
            let name = clipped(&about.name);
            if !holds_masks(about.dtype) {
                return Err(refuse(format!("the mask of `{name}` is of type {}; masks are {TYPES}", about.dtype)));
            }
            if let Some(weight) = self.known.masked_by(tensor) {
                let weight = clipped(&self.model.tensor(weight).name);
                return Err(refuse(format!("`{name}` is itself the mask of `{weight}`; name the new mask so")));
            }
            if masked.element_type().is_none() {
                let why = format!("`{name}` is of type {}, which is not pruned, but has a mask", masked.dtype);
                return Err(refuse(format!("{why}; take it out of the file")));
            }
        }
        Ok(Inputs { masks: Some(Masks { model: masks, of }), ..self })
    }

    /// Counts what the masks in force keep: those in a file, and those that the model itself has beside its weights. Reads
    /// them once.
    pub(crate) fn counted(mut self, watch: &Watch) -> Result<Self, Error> {
        let mut parts = Vec::new();
        let mut bytes = 0;
        let mut kept = vec![None; self.model.len()];
        for (tensor, kept) in kept.iter_mut().enumerate().filter(|(tensor, _)| self.is_masked(*tensor)) {
            if let Some(own) = self.known.mask_of(tensor).map(|own| self.model.tensor(own))
                && !holds_masks(own.dtype)
            {
                let path = self.model.paths().next().map(Path::to_owned).unwrap_or_default();
                let why = format!("the mask `{}` is of type {}; masks are {TYPES}", clipped(&own.name), own.dtype);
                return Err(Error::Companion { path, why });
            }
            *kept = Some(0);
            let elements = self.model.tensor(tensor).elements;
            bytes += elements as u64;
            parts.extend(plain(elements).map(|part| (tensor, part.runs)));
        }
        watch.progress.begin("counting masks", bytes);
        let counted = in_order(&parts, watch, |&(tensor, runs), scratch| {
            self.read_alive(tensor, runs, &mut scratch.masks, &mut scratch.alive)?;
            watch.progress.advance(runs.elements() as u64);
            Ok((tensor, bits::count(&scratch.alive, runs.elements())))
        })?;
        watch.progress.end();
        for (tensor, count) in counted {
            kept[tensor] = kept[tensor].map(|sum: usize| sum + count);
        }
        self.kept = kept;
        Ok(self)
    }

    /// Whether a mask of a tensor is in force.
    fn is_masked(&self, tensor: usize) -> bool {
        self.has_new_mask(tensor) || self.known.mask_of(tensor).is_some()
    }

    /// Whether a mask is in force that the model itself does not have.
    pub(crate) fn has_new_mask(&self, tensor: usize) -> bool {
        self.masks.as_ref().is_some_and(|masks| masks.of[tensor].is_some())
    }

    /// The place in its file of what goes with a layer; refuses a layer that has nothing there.
    pub(crate) fn companion(&self, what: Beside, score: &str, tensor: usize) -> Result<usize, Error> {
        let Some(companion) = &self.companions[what as usize] else {
            return Err(Error::request(format!("the score `{score}` needs {}", what.flag())));
        };
        let path = || companion.model.paths().next().map(Path::to_owned).unwrap_or_default();
        companion.of[tensor].ok_or_else(|| self.missing(what.word(), tensor, path()))
    }

    fn missing(&self, what: &str, tensor: usize, path: PathBuf) -> Error {
        let name = clipped(&self.model.tensor(tensor).name);
        let why = format!("there are no {what} for layer `{name}`; add them, or leave it out with --exclude");
        Error::Companion { path, why }
    }

    /// The type of the tensor at a place of a file beside the model; none without such a file.
    pub(crate) fn companion_type(&self, what: Beside, place: usize) -> Option<ElementType> {
        self.companions[what as usize].as_ref()?.model.tensor(place).element_type()
    }

    /// Reads some elements of it; how many bytes that were.
    pub(crate) fn read_companion(
        &self,
        what: Beside,
        place: usize,
        runs: Runs,
        into: &mut Buffer,
    ) -> Result<usize, Error> {
        self.companions[what as usize].as_ref().map_or(Ok(0), |companion| companion.model.read_runs(place, runs, into))
    }

    /// The norms of a layer's inputs, with their shape.
    pub(crate) fn input_norms(&self, score: &str, tensor: usize) -> Result<(Vec<usize>, Vec<f64>), Error> {
        let Some((path, norms)) = &self.norms else {
            return Err(Error::request(format!("the score `{score}` needs --inputs")));
        };
        let found = norms.find(&self.model.tensor(tensor).name);
        let about = norms.tensor(found.ok_or_else(|| self.missing("input norms", tensor, path.clone()))?);
        let mut buffer = Buffer::default();
        let bytes = norms.read_runs(found.unwrap_or_default(), Runs::one(0, about.elements), &mut buffer)?;
        let mut read = vec![0.0; about.elements];
        numbers(values(about.element_type().unwrap_or(ElementType::F32), buffer.bytes(bytes)), |i, norm| {
            read[i] = norm
        });
        Ok((about.shape.clone(), read))
    }

    /// How many elements of a tensor its mask in force keeps, if it has one.
    pub(crate) fn alive_len(&self, tensor: usize) -> Option<usize> {
        self.kept[tensor]
    }

    /// Reads some weights of a tensor; how many bytes that were.
    pub(crate) fn read_weights(&self, tensor: usize, runs: Runs, into: &mut Buffer) -> Result<usize, Error> {
        self.model.read_runs(tensor, runs, into)
    }

    /// Reads some weights of a tensor as they come into force: zero outside the mask that the model itself has of them; how
    /// many bytes that were.
    pub(crate) fn read_in_force(&self, tensor: usize, runs: Runs, scratch: &mut Scratch) -> Result<usize, Error> {
        let Scratch { weights, masks, alive, .. } = scratch;
        let bytes = self.read_weights(tensor, runs, weights)?;
        if let (Some(own), Some(element)) = (self.known.mask_of(tensor), self.model.tensor(tensor).element_type()) {
            read_bits(self.model, own, runs, masks, alive)?;
            let mask = Mask::from_words(&[runs.elements()], alive.clone())?;
            zero_outside(element, weights.bytes_mut(bytes), &mask)?;
        }
        Ok(bytes)
    }

    /// Reads the mask in force of some elements into `bits`, which are replaced; false where there is none.
    pub(crate) fn read_alive(
        &self,
        tensor: usize,
        runs: Runs,
        bytes: &mut Buffer,
        bits: &mut Vec<u64>,
    ) -> Result<bool, Error> {
        let own = self.known.mask_of(tensor);
        let given = self.masks.as_ref().and_then(|masks| masks.of[tensor].map(|mask| (&masks.model, mask)));
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

/// The tensor of `other` for each tensor of the model, by name. Every one must have its tensor in the model.
fn companions(model: &Model, other: &Model, path: &Path) -> Result<Vec<Option<usize>>, Error> {
    let refuse = |why: String| Err(Error::Companion { path: path.to_owned(), why });
    let mut of = vec![None; model.len()];
    for (place, tensor) in other.tensors().enumerate() {
        let (name, found) = (clipped(&tensor.name), known_name(model, &tensor.name, path)?);
        let shape = &model.tensor(found).shape;
        if *shape != tensor.shape {
            return refuse(format!("`{name}` has shape {:?}, but {shape:?} in the model", tensor.shape));
        }
        of[found] = Some(place);
    }
    Ok(of)
}

/// The tensor of a name that stands in a file beside the model.
fn known_name(model: &Model, name: &str, path: &Path) -> Result<usize, Error> {
    model.find(name).ok_or_else(|| {
        let near = prune_core::nearest(name, model.tensors().map(|tensor| tensor.name.as_str()));
        let near = near.map(|near| format!("; did you mean `{}`?", clipped(near))).unwrap_or_default();
        let why = format!("the model has no layer `{}`{near}", clipped(name));
        Error::Companion { path: path.to_owned(), why }
    })
}

/// Refuses a tensor of a file beside the model whose elements are no numbers that rank.
fn floating(beside: &Model, tensor: usize, what: &str, path: &Path) -> Result<(), Error> {
    let about = beside.tensor(tensor);
    if about.element_type().is_some() {
        return Ok(());
    }
    let name = clipped(&about.name);
    let why = format!("the {what} of `{name}` are of type {}; write f32, f64, f16 or bf16", about.dtype);
    Err(Error::Companion { path: path.to_owned(), why })
}
