//! What a strategy will ask of a checkpoint, from its headers alone.

use core::fmt;
use std::path::Path;

use prune_schedule::table::{Column, aligned};
use prune_schedule::{Filter, Rule, Scope, Strategy, Target};
use serde::Serialize;

use crate::clipped::clipped;
use crate::error::Error;
use crate::filter::{self, candidates};
use crate::known::{DenseTensor, Known, lines};
use crate::model::Model;
use crate::plan::is_global;
use crate::size::shape;

/// What each event of a strategy selects and asks. Displays as a table; serialises with every number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Preview {
    /// A row for each layer of each event, and one for its layers together.
    pub rows: Vec<PreviewRow>,
    /// Tensors of the types that can be pruned that no event selects, each with the reason.
    pub left_dense: Vec<DenseTensor>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// A layer that an event selects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PreviewRow {
    /// The event's key in the strategy.
    pub epoch: String,
    /// The layer; none for all of them together.
    pub layer: Option<String>,
    /// Its shape; empty for all of them together.
    pub shape: Vec<usize>,
    /// Its class by the table of names, as [`inspect`](crate::inspect) gives it; empty for all of them together.
    pub class: &'static str,
    /// The entry of that table that decided; empty where none did.
    pub entry: String,
    /// The axes over which it sums, as far as anything tells them.
    pub input_axes: Vec<usize>,
    /// The axis of its groups, where they run along one.
    pub axis: Option<usize>,
    /// Elements it keeps; none where the event asks of all layers together.
    pub asked: Option<usize>,
    /// Elements there are.
    pub elements: usize,
}

/// Tests a strategy against a checkpoint: which layers each event selects, and how many elements it asks to keep.
///
/// # Errors
///
/// As [`Model::open`], and [`Error::Request`] where an event does not fit the model.
pub fn preview(path: &Path, strategy: &Strategy, filter: &Filter) -> Result<Preview, Error> {
    let model = Model::open(path)?;
    let known = Known::of(&model)?;
    filter::check(filter, &model, &known)?;
    let (mut rows, mut warnings) = (Vec::new(), Vec::new());
    let mut selected = vec![false; model.len()];
    for (epochs, event) in strategy.events() {
        let mut sum = (Some(0), 0);
        let global = is_global(event);
        let when = format!("epoch {epochs}: ");
        let candidates = candidates(&model, &known, &when, event, filter)?;
        let told = known.warnings(&model, &candidates.iter().collect::<Vec<_>>());
        warnings.extend(told.into_iter().map(|warning| format!("{when}{warning}")));
        for candidate in candidates {
            selected[candidate.tensor] = true;
            let about = model.tensor(candidate.tensor);
            let asked = match (candidate.target, candidate.axis) {
                _ if global => None,
                (Target::Density(density), _) => Some(density.kept_of(about.elements)),
                (Target::Pattern(_), Some(axis)) if about.shape[axis] == 0 => Some(0),
                (Target::Pattern(pattern), Some(axis)) => {
                    Some(about.elements / about.shape[axis] * pattern.kept_of_lane(about.shape[axis]))
                }
                _ => None,
            };
            sum = (sum.0.zip(asked).map(|(sum, asked)| sum + asked), sum.1 + about.elements);
            let role = known.role(candidate.tensor);
            rows.push(PreviewRow {
                epoch: epochs.to_string(),
                layer: Some(about.name.clone()),
                shape: about.shape.clone(),
                class: role.class.word(),
                entry: role.entry.clone(),
                input_axes: role.inputs.clone(),
                axis: candidate.axis,
                asked,
                elements: about.elements,
            });
        }
        let asked = match event.rule() {
            Rule::Unstructured(Scope::Global(density)) => Some(density.kept_of(sum.1)),
            Rule::NOfM { scope: Scope::Global(pattern), .. } => Some(pattern.kept_of_lane(sum.1)),
            _ => sum.0,
        };
        let epoch = epochs.to_string();
        let (shape, input_axes) = (Vec::new(), Vec::new());
        let (class, entry, elements) = ("", String::new(), sum.1);
        rows.push(PreviewRow { epoch, layer: None, shape, class, entry, input_axes, axis: None, asked, elements });
    }
    let left_dense = known.left_dense(filter, &model, |tensor| selected[tensor]);
    Ok(Preview { rows, left_dense, warnings })
}

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = ["epoch", "layer", "shape"].map(|name| (name, Column::Left));
        let right = ["axis", "asked", "of"].map(|name| (name, Column::Right));
        let number = |number: Option<usize>| number.map_or_else(String::new, |number| number.to_string());
        let rows = self.rows.iter().map(|row| {
            let sides = if row.layer.is_some() { shape(&row.shape) } else { String::new() };
            let layer = row.layer.as_deref().map_or_else(|| "selected layers".to_owned(), clipped);
            [row.epoch.clone(), layer, sides, number(row.axis), number(row.asked), row.elements.to_string()]
        });
        f.write_str(&aligned(&left.into_iter().chain(right).collect::<Vec<_>>(), rows))?;
        lines(&self.left_dense).iter().try_for_each(|line| write!(f, "\n{line}"))?;
        self.warnings.iter().try_for_each(|warning| write!(f, "\nwarning: {warning}"))
    }
}
