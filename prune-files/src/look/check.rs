//! Checks that a checkpoint meets a demand.

use core::fmt;
use std::path::{Path, PathBuf};

use prune_core::{Density, Mask, NmPattern, ZeroShare};
use prune_schedule::table::{Column, aligned};
use prune_schedule::{Event, Filter, GroupAxis, LayerPlan, Scope};
use serde::Serialize;

use crate::error::Error;
use crate::layers::filter;
use crate::layers::groups::{Question, ask};
use crate::layers::inputs::{ModelInputs, SideFile};
use crate::layers::known::CheckpointFacts;
use crate::layers::sums::{non_zeros, sums};
use crate::parts::buffer::layer;
use crate::read::model::Model;
use crate::text::clipped::clipped;
use crate::text::term::Term;
use crate::watch::Watch;

/// A demand on a checkpoint.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Want {
    /// At most N of every M elements along an axis are not zero.
    Pattern {
        /// The pattern.
        pattern: NmPattern,
        /// The axis, as for events of N:M; `None` means the default axis of such events.
        axis: Option<GroupAxis>,
    },
    /// At most as many elements are non-zero as a density keeps.
    Density {
        /// The density.
        density: Density,
        /// True if all layers count together, false if each counts by itself.
        together: bool,
    },
    /// Every element outside the masks in this file is zero, of either sign.
    Masks(PathBuf),
}

/// The result of a check, layer by layer. Displays as a table; serialises with every number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckReport {
    /// The demand.
    pub want: String,
    /// The layers that were checked.
    pub layers: Vec<CheckedLayer>,
    /// True if the demand is met.
    pub holds: bool,
    /// Warnings for the user, about weights that are mostly zero and that no mask covers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The result for one layer, or for all layers together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckedLayer {
    /// The layer's name; `all layers` for all together.
    pub layer: String,
    /// True if the demand is met; `None` if there is no demand on this layer alone.
    pub holds: Option<bool>,
    /// The counts, in words.
    pub found: String,
}

/// Checks the prunable layers of a model that `filter` leaves, or the layers that have masks.
///
/// # Errors
///
/// As [`Model::open`]; [`Error::Request`] if no layer is selected or an axis is missing, [`Error::Companion`] for masks
/// that do not fit.
pub fn check(path: &Path, want: &Want, filter: &Filter, watch: &Watch) -> Result<CheckReport, Error> {
    let model = Model::open(path)?;
    crate::bitmask::refuse_packed(&model)?;
    let known = CheckpointFacts::of(&model)?;
    filter::check(filter, &model, &known)?;
    let mut inputs = ModelInputs::new(&model, &known);
    let mut warnings = Vec::new();
    let layers = match want {
        Want::Pattern { pattern, axis } => patterns(&inputs, *pattern, *axis, filter, watch)?,
        Want::Density { density, together } => densities(&inputs, *density, *together, filter, watch)?,
        Want::Masks(masks) => {
            inputs = inputs.with(SideFile::Masks, masks, Model::open(masks)?)?.counted(watch)?;
            warnings = mostly_zero(&inputs, watch)?;
            outside(&inputs, masks, watch)?
        }
    };
    model.witness().check()?;
    let holds = layers.iter().all(|layer| layer.holds != Some(false));
    Ok(CheckReport { want: want.to_string(), layers, holds, warnings })
}

/// Warns of weights that have no mask and are more than half zero, since nothing keeps these zeros. A weight that is
/// entirely or almost entirely zero has not been trained, and gets no warning.
fn mostly_zero(inputs: &ModelInputs<'_>, watch: &Watch) -> Result<Vec<String>, Error> {
    let ModelInputs { model, known, .. } = inputs;
    let open = |tensor: &usize| {
        let weight = known.leaves(&Filter::default(), model, *tensor).is_none();
        weight && inputs.alive_len(*tensor).is_none() && known.mask_of(*tensor).is_none()
    };
    let open: Vec<usize> = (0..model.len()).filter(open).collect();
    let mut warnings = Vec::new();
    for (&tensor, non_zero) in open.iter().zip(non_zeros(inputs, &open, watch)?) {
        let (about, non_zero) = (model.tensor(tensor), non_zero.unwrap_or_default());
        let zeros = about.elements - non_zero;
        if zeros > non_zero && ZeroShare::of(non_zero, about.elements) == ZeroShare::Sparse {
            warnings.push(format!(
                "layer `{}`: {zeros} of {} are zero, but it has no mask and training would fill it; {} makes one",
                clipped(&about.name),
                about.elements,
                Term::FromZeros
            ));
        }
    }
    Ok(warnings)
}

fn selected(inputs: &ModelInputs<'_>, event: Event, filter: &Filter) -> Result<Vec<LayerPlan>, Error> {
    Ok(filter::plan(inputs.model, inputs.known, None, &event, filter, |_| None)?.layers)
}

fn refused(error: prune_schedule::StrategyError) -> Error {
    Error::request(error.to_string())
}

fn patterns(
    inputs: &ModelInputs<'_>,
    pattern: NmPattern,
    axis: Option<GroupAxis>,
    filter: &Filter,
    watch: &Watch,
) -> Result<Vec<CheckedLayer>, Error> {
    let model = inputs.model;
    let event = Event::n_m(Scope::UnifiedLocal(pattern));
    let event =
        event.and_then(|event| axis.map_or(Ok(event.clone()), |axis| event.with_axis(axis))).map_err(refused)?;
    let layers = selected(inputs, event, filter)?;
    let question = |layer: &LayerPlan| Question {
        tensor: layer.place,
        axis: layer.axis.unwrap_or_default(),
        allowed: vec![(pattern.m(), pattern.n())],
        may_stop: false,
    };
    let questions: Vec<Question> = layers.iter().map(question).collect();
    watch.progress.begin("counting", questions.iter().map(|q| model.tensor(q.tensor).elements as u64).sum());
    let answers = ask(inputs, &questions, watch)?;
    watch.progress.end();
    let row = |(question, found): (&Question, &crate::layers::groups::Groups)| CheckedLayer {
        layer: model.tensor(question.tensor).name.clone(),
        holds: Some(found.over == 0),
        found: format!("{} of {} groups along axis {} have more", found.over, found.groups, question.axis),
    };
    Ok(questions.iter().zip(answers.iter().flatten()).map(row).collect())
}

fn densities(
    inputs: &ModelInputs<'_>,
    density: Density,
    together: bool,
    filter: &Filter,
    watch: &Watch,
) -> Result<Vec<CheckedLayer>, Error> {
    let model = inputs.model;
    let event = Event::unstructured(Scope::UnifiedLocal(density)).map_err(refused)?;
    let tensors: Vec<usize> = selected(inputs, event, filter)?.into_iter().map(|layer| layer.place).collect();
    let counts = non_zeros(inputs, &tensors, watch)?;
    let found = |name: &str, alone: bool, non_zero: usize, elements: usize| {
        let most = density.kept_of(elements);
        let found = match alone {
            true => format!("{non_zero} of {elements} are not zero, {most} may be"),
            false => format!("{non_zero} of {elements} are not zero"),
        };
        CheckedLayer { layer: name.to_owned(), holds: alone.then_some(non_zero <= most), found }
    };
    let mut layers = Vec::new();
    let mut sum = (0, 0);
    for (&tensor, non_zero) in tensors.iter().zip(counts) {
        let (about, non_zero) = (model.tensor(tensor), non_zero.unwrap_or_default());
        layers.push(found(&about.name, !together, non_zero, about.elements));
        sum = (sum.0 + non_zero, sum.1 + about.elements);
    }
    layers.push(found("all layers", together, sum.0, sum.1));
    Ok(layers)
}

fn outside(inputs: &ModelInputs<'_>, masks: &Path, watch: &Watch) -> Result<Vec<CheckedLayer>, Error> {
    let model = inputs.model;
    let masked: Vec<usize> = (0..model.len()).filter(|&tensor| inputs.has_new_mask(tensor)).collect();
    if masked.is_empty() {
        return Err(Error::Companion { path: masks.to_owned(), why: "there is no mask in it".to_owned() });
    }
    let counts = sums(model, &masked, "comparing", watch, |tensor, runs, scratch| {
        // Masks for other types are refused when they are read.
        let Some(element) = model.tensor(tensor).element_type() else { return Ok(0) };
        let bytes = inputs.read_in_force(tensor, runs, scratch)?;
        inputs.read_alive(tensor, runs, &mut scratch.masks, &mut scratch.alive)?;
        let shape = [runs.elements()];
        let mask = Mask::from_words(&shape, scratch.alive.clone())?;
        Ok(layer(element, scratch.weights.bytes(bytes), &shape)?.revivals(&mask)?)
    })?;
    let row = |(&tensor, count): (&usize, usize)| CheckedLayer {
        layer: model.tensor(tensor).name.clone(),
        holds: Some(count == 0),
        found: format!("{count} of {} are outside the mask and not zero", model.tensor(tensor).elements),
    };
    Ok(masked.iter().zip(counts).map(row).collect())
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Want::Pattern { pattern, axis } => {
                let axis = axis.map_or_else(String::new, |axis| format!(" along axis {axis}"));
                write!(f, "{pattern}{axis}: at most {} of every {} are not zero", pattern.n(), pattern.m())
            }
            Want::Density { density, together } => {
                let which = if *together { "all layers together" } else { "each layer" };
                write!(f, "density {density}: no more of {which} are not zero")
            }
            Want::Masks(_) => f.write_str("masks: everything outside them is zero"),
        }
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.want)?;
        let header = ["layer", "holds", "found"].map(|name| (name, Column::Left));
        let rows = self.layers.iter().map(|CheckedLayer { layer, holds, found }| {
            let holds = holds.map_or("", |holds| if holds { "yes" } else { "NO" });
            [clipped(layer), holds.to_owned(), found.clone()]
        });
        write!(f, "{}", aligned(&header, rows))?;
        self.warnings.iter().try_for_each(|warning| write!(f, "\nwarning: {warning}"))?;
        let not = self.layers.iter().filter(|layer| layer.holds == Some(false)).count();
        match not {
            0 => write!(f, "\nit holds"),
            1 => write!(f, "\nit does not hold in 1 place"),
            not => write!(f, "\nit does not hold in {not} places"),
        }
    }
}
