//! The contents of a checkpoint: types, shapes, densities, and the N:M patterns that hold.

use core::fmt;
use std::collections::BTreeMap;
use std::path::Path;

use prune_core::NmPattern;
use prune_schedule::Filter;
use prune_schedule::names::Class;
use prune_schedule::table::{Column, aligned, percent, shape};
use serde::Serialize;

use crate::bitmask::{PackedTensor, find};
use crate::error::{Error, show};
use crate::layers::groups::{Question, ask};
use crate::layers::inputs::ModelInputs;
use crate::layers::known::CheckpointFacts;
use crate::layers::sums::non_zeros;
use crate::read::model::Model;
use crate::text::clipped::clipped;
use crate::text::size::bytes;
use crate::text::term::Term;
use crate::watch::Watch;

/// The contents of a checkpoint. Displays as a table; serialises with every number.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// The model as it was given.
    pub model: String,
    /// The number of its files.
    pub files: usize,
    /// The number of bytes of these files.
    pub bytes: u64,
    /// Its tensors, in the order of the files and of their bytes. A tensor that is packed as a bitmask is listed as one
    /// tensor, as it is after expansion, instead of its parts.
    pub tensors: Vec<TensorInspection>,
    /// The prunable layers together.
    pub prunable: Count,
    /// All tensors of prunable types together.
    pub all: Count,
}

/// A number of elements, and of those that are not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Count {
    /// All elements.
    pub elements: usize,
    /// Elements that are not zero; neither `+0.0` nor `-0.0` counts.
    pub non_zero: usize,
}

/// One tensor of a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TensorInspection {
    /// Its name.
    pub layer: String,
    /// Its type.
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// All elements.
    pub elements: usize,
    /// Elements that are not zero; `None` for types that are not counted.
    pub non_zero: Option<usize>,
    /// True if it is packed as a bitmask.
    pub packed: bool,
    /// True if a command prunes it by default.
    pub prunable: bool,
    /// The reason why not, in words; empty if it is prunable.
    pub why_not: String,
    /// The class that its name tells: `weight`, `other` or `unknown`.
    pub class: &'static str,
    /// The entry of the table of names that decided; empty if none knows the name.
    pub entry: String,
    /// The axes of a weight's inputs, if they are known.
    pub input_axes: Vec<usize>,
    /// The evidence for these axes: `model type`, `bias`, `config`, `family shape`, `name`, or `default` for the usual
    /// order.
    pub axes_told_by: Option<String>,
    /// The tightest N:M patterns that hold, each with its axis. A pattern that follows from that of a shorter group is
    /// not listed.
    pub patterns: Vec<AxisPattern>,
}

/// A pattern that every group along an axis meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AxisPattern {
    /// The pattern: at most N of every M elements are not zero, and exactly N in some group.
    pub pattern: NmPattern,
    /// The axis.
    pub axis: usize,
}

/// The group lengths that are tried, each a multiple of the one before.
const LENGTHS: [usize; 5] = [2, 4, 8, 16, 32];

/// Inspects the tensors of a checkpoint.
///
/// # Errors
///
/// As [`Model::open`], [`Error::Read`], [`Error::Interrupted`].
///
/// # Complexity
///
/// Linear: one read, and one more for each axis of a layer that has zeros. The latter ends early if no pattern holds.
pub fn inspect(path: &Path, watch: &Watch) -> Result<Inspection, Error> {
    let model = Model::open(path)?;
    let known = CheckpointFacts::of(&model)?;
    let inputs = ModelInputs::new(&model, &known);
    let packed = find(&model)?;
    let non_zero = non_zeros(&inputs, &(0..model.len()).collect::<Vec<_>>(), watch)?;
    let mut questions = Vec::new();
    for (tensor, about) in model.tensors().enumerate() {
        let zeros = non_zero[tensor].is_some_and(|non_zero| 0 < non_zero && non_zero < about.elements);
        for axis in (0..about.shape.len()).filter(|_| zeros && about.shape.len() >= 2) {
            let allowed: Vec<_> = LENGTHS.iter().filter(|&&m| m <= about.shape[axis]).map(|&m| (m, m)).collect();
            if !allowed.is_empty() {
                questions.push(Question { tensor, axis, allowed, may_stop: true });
            }
        }
    }
    let elements: usize = questions.iter().map(|question| model.tensor(question.tensor).elements).sum();
    watch.progress.begin("looking for patterns", elements as u64);
    let answers = ask(&inputs, &questions, watch)?;
    watch.progress.end();
    model.witness().check()?;
    let mut held = vec![Vec::new(); model.len()];
    for (question, answers) in questions.iter().zip(answers) {
        // The number of non-zeros that the patterns of shorter groups allow in the longer one.
        let mut implied = usize::MAX;
        let mut before = 1;
        for (&(m, _), found) in question.allowed.iter().zip(answers) {
            implied = implied.saturating_mul(m / before).min(m);
            if found.most < implied
                && let Ok(pattern) = NmPattern::new(found.most, m)
            {
                held[question.tensor].push(AxisPattern { pattern, axis: question.axis });
                implied = found.most;
            }
            before = m;
        }
    }
    let (mut prunable, mut all) = (Count::default(), Count::default());
    let mut tensors = Vec::new();
    let part_of: BTreeMap<usize, &PackedTensor> = packed.iter().flat_map(|p| p.parts().map(|part| (part, p))).collect();
    for (((place, about), non_zero), patterns) in model.tensors().enumerate().zip(non_zero).zip(held) {
        if let Some(packed) = part_of.get(&place) {
            if packed.compressed == place {
                all.elements += packed.elements;
                all.non_zero += non_zero.unwrap_or_default();
                tensors.push(expanded(packed, non_zero));
            }
            continue;
        }
        let (left, role) = (known.leaves(&Filter::default(), &model, place), known.role(place));
        if let Some(non_zero) = non_zero.filter(|_| known.masked_by(place).is_none()) {
            for count in [Some(&mut all), left.is_none().then_some(&mut prunable)].into_iter().flatten() {
                count.elements += about.elements;
                count.non_zero += non_zero;
            }
        }
        tensors.push(TensorInspection {
            layer: about.name.clone(),
            dtype: about.dtype.to_string(),
            shape: about.shape.clone(),
            elements: about.elements,
            non_zero,
            packed: false,
            prunable: left.is_none(),
            why_not: left.map_or_else(String::new, |left| left.to_string()),
            class: role.class.word(),
            entry: role.entry.clone(),
            input_axes: role.inputs.clone(),
            axes_told_by: role.evidence.map(|evidence| evidence.to_string()),
            patterns,
        });
    }
    let (model_path, files) = (show(path), model.shards().len());
    Ok(Inspection { model: model_path, files, bytes: model.bytes(), tensors, prunable, all })
}

/// A packed tensor as it is after expansion.
fn expanded(packed: &PackedTensor, non_zero: Option<usize>) -> TensorInspection {
    TensorInspection {
        layer: packed.name.clone(),
        dtype: packed.dtype.to_string(),
        shape: packed.shape.clone(),
        elements: packed.elements,
        non_zero,
        packed: true,
        why_not: "packed as a bitmask".to_owned(),
        class: Class::Weight.word(),
        ..TensorInspection::default()
    }
}

/// The axes of a weight's inputs; `?` if nothing tells them.
fn axes(tensor: &TensorInspection) -> String {
    match (tensor.class, &tensor.input_axes[..]) {
        _ if tensor.packed => String::new(),
        ("weight", []) if tensor.shape.len() >= 2 => "?".to_owned(),
        (_, axes) => axes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = if self.files == 1 { "1 file".to_owned() } else { format!("{} files", self.files) };
        writeln!(f, "{}: {} tensors in {files}, {}", self.model, self.tensors.len(), bytes(self.bytes))?;
        let packed = self.tensors.iter().filter(|tensor| tensor.packed).count();
        if packed > 0 {
            writeln!(f, "packed as a bitmask: {packed} of them; {} makes them dense", Term::Expand)?;
        }
        let left = ["layer", "type", "shape"].map(|name| (name, Column::Left));
        let right = ["elements", "non-zero", "density"].map(|name| (name, Column::Right));
        let header: Vec<_> = left
            .into_iter()
            .chain(right)
            .chain(["patterns", "inputs", "left dense"].map(|name| (name, Column::Left)))
            .collect();
        let total = |name: &str, count: &Count| {
            let Count { elements, non_zero } = *count;
            let numbers = [elements.to_string(), non_zero.to_string(), percent(non_zero, elements)];
            let blank = || String::new();
            [name.to_owned(), blank(), blank()]
                .into_iter()
                .chain(numbers)
                .chain([blank(), blank(), blank()])
                .collect::<Vec<_>>()
        };
        let rows = self.tensors.iter().map(|tensor| {
            let patterns: Vec<String> =
                tensor.patterns.iter().map(|held| format!("{} (axis {})", held.pattern, held.axis)).collect();
            vec![
                clipped(&tensor.layer),
                tensor.dtype.clone(),
                shape(&tensor.shape),
                tensor.elements.to_string(),
                tensor.non_zero.map_or_else(|| "-".to_owned(), |non_zero| non_zero.to_string()),
                tensor.non_zero.map_or_else(|| "-".to_owned(), |non_zero| percent(non_zero, tensor.elements)),
                patterns.join(", "),
                axes(tensor),
                tensor.why_not.clone(),
            ]
        });
        let totals = [total("prunable layers", &self.prunable), total("all parameters", &self.all)];
        f.write_str(&aligned(&header, rows.chain(totals)))
    }
}
