//! What was done to a checkpoint: every number that a user asks for, per layer and in total.

use core::fmt;

use prune_core::printable;
use prune_schedule::table::percent;
use prune_schedule::{ReportColumn, ReportRow, Totals, UnitCounts, UsedDefaults, report_table};
use serde::Serialize;

use crate::layers::known::{DenseTensor, lines};
use crate::text::clipped::{clipped, listed};
use crate::text::size::bytes;

/// What a command did. Displays as tables; serialises with every number.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The model as it was given.
    pub model: String,
    /// Where the output is.
    pub output: String,
    /// What was written: `dense`, `bitmask` or `masks`.
    pub format: &'static str,
    /// What ranked the elements: the scores of the events, such as `magnitude` or `snip`; `scores` where they were given.
    pub ranked_by: String,
    /// The events in the order in which they were applied.
    pub events: Vec<EventReport>,
    /// All tensors of the types that can be pruned together, after the last event; pruned or not.
    pub all: AllTotals,
    /// Whether every byte of the output's weights is that of the model; only of dense outputs, false for others.
    pub byte_identical: bool,
    /// Tensors of the types that can be pruned that were left dense, each with the reason.
    pub left_dense: Vec<DenseTensor>,
    /// Tensors that were carried over because their type is not pruned, each with its type.
    pub other_types: Vec<(String, String)>,
    /// Layers that could not be written as a bitmask and stayed as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_packed: Vec<String>,
    /// Layers that a bitmask would make larger, and that were written dense instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub larger_packed: Vec<String>,
    /// What the user should know of how the output was put in its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Bytes of the model's files.
    pub bytes_before: u64,
    /// Bytes of the output's files.
    pub bytes_after: u64,
    /// The least that any code could need, which knows only how many elements of each tensor are kept: their bytes, and the
    /// entropy of where they are. For a bitmask only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entropy_bound: Option<u64>,
}

/// Counts over all tensors of the types that can be pruned. Those that no event selects are not read, so what their values
/// would tell is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct AllTotals {
    /// Elements there are.
    pub elements: usize,
    /// Elements that masks keep; all of a tensor without one.
    pub kept: usize,
    /// Elements that were not zero in the model and are zero in the output.
    pub newly_pruned: usize,
}

/// What one event did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EventReport {
    /// The key that it stands under in its strategy; none without a strategy.
    pub epoch: Option<String>,
    /// The method's name; `masks` where masks were applied as they are.
    pub method: String,
    /// What was to be reached, both ways: `keeps 10%, removes 90%`. Empty where layers have values of their own.
    pub target: String,
    /// Whether every mask is as it was and no value other than zero was written over.
    pub unchanged: bool,
    /// The defaults that decided for the event what it leaves open.
    #[serde(skip_serializing_if = "UsedDefaults::is_empty")]
    pub defaults: UsedDefaults,
    /// The layers that it selected, in the model's order.
    pub layers: Vec<LayerReport>,
    /// Those layers together.
    pub selected: Totals,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// What an event did to a layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LayerReport {
    /// Its name.
    pub layer: String,
    /// Its type.
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// What was to be reached in it.
    pub target: String,
    /// The axis along which N:M groups ran, or channels or ranked outputs lay; none for other events and `str_global`.
    pub axis: Option<usize>,
    /// Blocks or channels, where those were ranked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<UnitCounts>,
    /// The numbers. `asked` is none where the event asked of all layers together.
    #[serde(flatten)]
    pub counts: Totals,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in &self.events {
            writeln!(f, "{event}\n")?;
        }
        let AllTotals { elements, kept, .. } = self.all;
        writeln!(f, "all parameters: {kept} of {elements} kept ({})", percent(kept, elements))?;
        lines(&self.left_dense).iter().try_for_each(|line| writeln!(f, "{line}"))?;
        if !self.other_types.is_empty() {
            let names: Vec<String> = self.other_types.iter().map(|(name, dtype)| format!("{name} ({dtype})")).collect();
            writeln!(f, "carried over, of types that are not pruned: {}", listed(&names))?;
        }
        if !self.not_packed.is_empty() {
            let names = listed(&self.not_packed);
            writeln!(
                f,
                "kept dense in the file: {names}; packed are tensors with axes and elements whose names end in `.weight`"
            )?;
        }
        if !self.larger_packed.is_empty() {
            writeln!(f, "kept dense in the file, since packed they are larger: {}", listed(&self.larger_packed))?;
        }
        let (before, after) = (bytes(self.bytes_before), bytes(self.bytes_after));
        write!(f, "{}: {before} before, {after} after", printable(&self.output))?;
        if let Some(bound) = self.entropy_bound {
            let [size, least] = [self.bytes_after, bound].map(|of| percent(of as usize, self.bytes_before as usize));
            write!(f, " ({size}; the entropy bound is {}, {least})", bytes(bound))?;
        }
        if self.byte_identical {
            f.write_str(", byte-identical to the model's weights")?;
        }
        self.warnings.iter().try_for_each(|warning| write!(f, "\nwarning: {warning}"))
    }
}

impl fmt::Display for EventReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(epoch) = &self.epoch {
            write!(f, "epoch {epoch}: ")?;
        }
        f.write_str(&self.method)?;
        if !self.target.is_empty() {
            write!(f, ", {}", self.target)?;
        }
        if self.unchanged {
            f.write_str(": unchanged")?;
        }
        write!(f, "\n{}", self.table())?;
        if !self.defaults.is_empty() {
            write!(f, "\n{}", self.defaults)?;
        }
        self.warnings.iter().try_for_each(|warning| write!(f, "\nwarning: {warning}"))
    }
}

impl LayerReport {
    fn row(&self) -> ReportRow<'_> {
        let mut row = ReportRow::new(clipped(&self.layer), &self.counts);
        row.dtype = Some(&self.dtype);
        row.shape = Some(&self.shape);
        row.target = Some(&self.target);
        (row.axis, row.units) = (self.axis, self.units);
        row
    }
}

impl EventReport {
    /// The layers as rows; a column that has nothing to say in any is left out.
    fn table(&self) -> String {
        use ReportColumn as C;
        let any = |has: fn(&LayerReport) -> bool| self.layers.iter().any(has);
        let of = &self.selected;
        let columns = [
            (C::Layer, true),
            (C::Type, true),
            (C::Shape, true),
            (C::Reaches, self.target.is_empty() && any(|layer| !layer.target.is_empty())),
            (C::Axis, any(|layer| layer.axis.is_some())),
            (C::Units, any(|layer| layer.units.is_some())),
            (C::Asked, of.asked.is_some()),
            (C::Kept, true),
            (C::Of, true),
            (C::Density, true),
            (C::NewlyPruned, true),
            (C::Closed, of.closed != of.newly_pruned),
            (C::NonZero, of.non_zero != of.kept),
            (C::Ties, of.ties > 0),
            (C::ShortGroups, of.short_groups > 0),
            (C::NormKept, of.norm_kept.is_some()),
        ];
        let mut rows: Vec<ReportRow<'_>> = self.layers.iter().map(LayerReport::row).collect();
        rows.push(ReportRow::new("selected layers", of));
        report_table(&columns, &rows)
    }
}
