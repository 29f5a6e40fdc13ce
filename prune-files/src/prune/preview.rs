//! A preview: the demands of a strategy on a checkpoint, from the headers alone.

use core::fmt;
use std::path::Path;

use prune_schedule::table::{Column, aligned, shape};
use prune_schedule::{Defaults, Filter, LayerPlan, Strategy};
use serde::Serialize;

use crate::error::Error;
use crate::layers::filter;
use crate::layers::known::{CheckpointFacts, DenseTensor, lines};
use crate::prune::needs_no_training;
use crate::read::model::Model;
use crate::text::clipped::clipped;

/// The layers that each event of a strategy selects, and their counts. Displays as a table; serialises with every
/// number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Preview {
    /// A row for each layer of each event, and one for all layers of the event together.
    pub rows: Vec<PreviewRow>,
    /// Tensors of prunable types that no event selects, each with the reason.
    pub left_dense: Vec<DenseTensor>,
    /// Warnings for the user.
    pub warnings: Vec<String>,
}

/// A layer that an event selects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PreviewRow {
    /// The event's key in the strategy.
    pub epoch: String,
    /// The layer; `None` for all of them together.
    pub layer: Option<String>,
    /// Its shape; empty for all of them together.
    pub shape: Vec<usize>,
    /// Its class by the table of names, as [`inspect`](crate::inspect) gives it; empty for all of them together.
    pub class: &'static str,
    /// The entry of that table that decided; empty if none did.
    pub entry: String,
    /// The axes over which it sums, as far as they are known.
    pub input_axes: Vec<usize>,
    /// The axis of its groups, if they run along one.
    pub axis: Option<usize>,
    /// Elements that it is asked to keep; `None` if the event asks of all layers together.
    pub asked: Option<usize>,
    /// All elements.
    pub elements: usize,
}

/// Tests a strategy against a checkpoint: the layers that each event selects, and the number of elements that it asks
/// to keep.
///
/// # Errors
///
/// As [`Model::open`], and [`Error::Request`] if an event does not fit the model.
pub fn preview(path: &Path, strategy: &Strategy, filter: &Filter) -> Result<Preview, Error> {
    let model = Model::open(path)?;
    let known = CheckpointFacts::of(&model)?;
    filter::check(filter, &model, &known)?;
    for (key, event) in strategy.events() {
        needs_no_training(&format!("{}: ", key.named()), event)?;
    }
    let (mut rows, mut warnings) = (Vec::new(), Vec::new());
    let mut selected = vec![false; model.len()];
    for (key, event) in strategy.events() {
        let plan = filter::plan(&model, &known, Some(key), event, filter, |_| None)?;
        warnings.extend(plan.warnings.iter().map(ToString::to_string));
        warnings.extend(known.warnings(&plan).into_iter().map(|warning| format!("{}: {warning}", key.named())));
        let row = |layer: Option<&LayerPlan>, asked: Option<usize>, elements: usize| PreviewRow {
            epoch: key.to_string(),
            layer: layer.map(|layer| layer.name.clone()),
            shape: layer.map_or_else(Vec::new, |layer| layer.shape.clone()),
            class: layer.map_or("", |layer| known.role(layer.place).class.word()),
            entry: layer.map_or_else(String::new, |layer| known.role(layer.place).entry.clone()),
            input_axes: layer.map_or_else(Vec::new, |layer| known.role(layer.place).inputs.clone()),
            axis: layer.and_then(|layer| layer.axis),
            asked,
            elements,
        };
        let elements = |layer: &LayerPlan| model.tensor(layer.place).elements;
        plan.layers.iter().for_each(|layer| selected[layer.place] = true);
        rows.extend(plan.layers.iter().map(|layer| row(Some(layer), layer.asked, elements(layer))));
        rows.push(row(None, plan.asked, plan.layers.iter().map(elements).sum()));
    }
    // Tests that no event asks for more than the events before leave.
    let infos = filter::infos(&model, &known, filter, |_| None);
    strategy.check(&infos, &Defaults::FILES).map_err(|error| Error::request(error.to_string()))?;
    let left_dense = known.left_dense(filter, &model, |tensor| selected[tensor]);
    Ok(Preview { rows, left_dense, warnings })
}

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = ["epoch", "layer", "shape", "class"].map(|name| (name, Column::Left));
        let right = ["axis", "asked", "of"].map(|name| (name, Column::Right));
        let number = |number: Option<usize>| number.map_or_else(String::new, |number| number.to_string());
        let rows = self.rows.iter().map(|row| {
            let sides = if row.layer.is_some() { shape(&row.shape) } else { String::new() };
            let layer = row.layer.as_deref().map_or_else(|| "selected layers".to_owned(), clipped);
            [
                row.epoch.clone(),
                layer,
                sides,
                row.class.to_owned(),
                number(row.axis),
                number(row.asked),
                row.elements.to_string(),
            ]
        });
        f.write_str(&aligned(&left.into_iter().chain(right).collect::<Vec<_>>(), rows))?;
        lines(&self.left_dense).iter().try_for_each(|line| write!(f, "\n{line}"))?;
        self.warnings.iter().try_for_each(|warning| write!(f, "\nwarning: {warning}"))
    }
}
