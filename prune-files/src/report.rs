//! The report of a command: every number that a user asks for, per layer and in total.

use core::fmt;

use prune_core::printable;
use prune_schedule::table::percent;
use prune_schedule::{ReportColumn, ReportRow, Totals, UnitCounts, UsedDefaults, report_table};
use serde::Serialize;

use crate::layers::known::{DenseTensor, lines};
use crate::text::clipped::{clipped, listed};
use crate::text::size::bytes;

/// The report of a command. Displays as tables; serialises with every number.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PruneReport {
    /// The model as it was given.
    pub model: String,
    /// The path of the output.
    pub output: String,
    /// The kind of output: `dense`, `bitmask` or `masks`.
    pub format: &'static str,
    /// The scores that ranked the elements, such as `magnitude` or `snip`; `scores` if they were given.
    pub ranked_by: String,
    /// The events in the order in which they were applied.
    pub events: Vec<EventReport>,
    /// All tensors of prunable types together, after the last event, pruned or not.
    pub all: AllTotals,
    /// True if every byte of the output's weights is that of the model; only for dense outputs, false for others.
    pub byte_identical: bool,
    /// Tensors of prunable types that were left dense, each with the reason.
    pub left_dense: Vec<DenseTensor>,
    /// Tensors that were copied because their type is not pruned, each with its type.
    pub other_types: Vec<(String, String)>,
    /// Layers that could not be written as a bitmask and stayed as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_packed: Vec<String>,
    /// Layers that were written dense because a bitmask would make them larger.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub larger_packed: Vec<String>,
    /// Warnings about moving the output to its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Bytes of the model's files.
    pub bytes_before: u64,
    /// Bytes of the output's files.
    pub bytes_after: u64,
    /// The least number of bytes of any code that knows only how many elements of each tensor are kept: the bytes of
    /// the kept elements, and the entropy of their places. For a bitmask only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entropy_bound: Option<u64>,
}

/// Counts over all tensors of prunable types. Tensors that no event selects are not read, so counts of their values are
/// not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct AllTotals {
    /// All elements.
    pub elements: usize,
    /// Elements that masks keep; all elements of a tensor without a mask.
    pub kept: usize,
    /// Elements that were not zero in the model and are zero in the output.
    pub newly_pruned: usize,
}

/// The report of one event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EventReport {
    /// The key of the event in its strategy; `None` without a strategy.
    pub epoch: Option<String>,
    /// The method's name; `masks` if masks were applied as they are.
    pub method: String,
    /// The target as fractions kept and removed: `keeps 10%, removes 90%`. Empty if layers have values of their own.
    pub target: String,
    /// True if every mask is as before and every overwritten value was zero.
    pub unchanged: bool,
    /// The defaults that decided what the event leaves open.
    #[serde(skip_serializing_if = "UsedDefaults::is_empty")]
    pub defaults: UsedDefaults,
    /// The layers that it selected, in the model's order.
    pub layers: Vec<PrunedLayer>,
    /// Those layers together.
    pub selected: Totals,
    /// Warnings for the user.
    pub warnings: Vec<String>,
}

/// The report of an event for one layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PrunedLayer {
    /// Its name.
    pub layer: String,
    /// Its type.
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The target of the layer.
    pub target: String,
    /// The axis of N:M groups, of channels, or of ranked outputs; `None` for other events and for `str_global`.
    pub axis: Option<usize>,
    /// Counts of blocks or channels, if those were ranked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<UnitCounts>,
    /// The numbers. `asked` is `None` if the event asked of all layers together.
    #[serde(flatten)]
    pub counts: Totals,
}

impl fmt::Display for PruneReport {
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

impl PrunedLayer {
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
    /// The layers as rows. A column without information in any row is left out.
    fn table(&self) -> String {
        use ReportColumn as C;
        let any = |has: fn(&PrunedLayer) -> bool| self.layers.iter().any(has);
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
        let mut rows: Vec<ReportRow<'_>> = self.layers.iter().map(PrunedLayer::row).collect();
        rows.push(ReportRow::new("selected layers", of));
        report_table(&columns, &rows)
    }
}
