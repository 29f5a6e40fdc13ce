//! The report as a person reads it.

use core::fmt;

use prune_core::Density;

use super::report::{LayerReport, Report, Totals};
use crate::percent::percent;
use crate::table::{Column, aligned};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { epoch, method, target, .. } = self;
        match (epoch, self.step) {
            (_, Some(step)) => write!(f, "step {step}: {method}")?,
            (0, None) => write!(f, "before training: {method}")?,
            (epoch, None) => write!(f, "epoch {epoch}: {method}")?,
        }
        if !target.is_empty() {
            write!(f, ", {target}")?;
        }
        if self.floats {
            write!(f, ", floating ({})", self.event)?;
        }
        if let Some(to) = self.rewound_to {
            write!(f, ", rewound to epoch {to}")?;
        }
        if self.unchanged {
            f.write_str(": unchanged, every mask and weight is as it was")?;
        }
        let columns = columns(self);
        let header: Vec<(&str, Column)> = columns.iter().map(|column| (column.name, column.set)).collect();
        let selected = Row { name: "selected layers", layer: None, counts: &self.selected };
        let all = Row { name: "all parameters", layer: None, counts: &self.all };
        let layers =
            self.layers.iter().map(|layer| Row { name: &layer.layer, layer: Some(layer), counts: &layer.counts });
        let rows = layers.chain([selected, all]).map(|row| columns.iter().map(|c| (c.cell)(&row)).collect::<Vec<_>>());
        write!(f, "\n{}", aligned(&header, rows))?;
        self.warnings.iter().try_for_each(|warning| write!(f, "\nwarning: {warning}"))
    }
}

struct Row<'r> {
    name: &'r str,
    layer: Option<&'r LayerReport>,
    counts: &'r Totals,
}

struct ReportColumn {
    name: &'static str,
    set: Column,
    cell: fn(&Row<'_>) -> String,
}

/// The columns that have something to say: a count that is zero in every row is left out.
fn columns(report: &Report) -> Vec<ReportColumn> {
    let left = |name, cell| ReportColumn { name, set: Column::Left, cell };
    let right = |name, cell| ReportColumn { name, set: Column::Right, cell };
    let mut columns = vec![
        left("layer", |row| row.name.to_owned()),
        left("shape", |row| row.layer.map_or_else(String::new, |layer| shape(&layer.shape))),
    ];
    let values_differ = report.target.is_empty();
    if values_differ {
        columns.push(left("reaches", |row| row.layer.map_or_else(String::new, |layer| layer.target.clone())));
    }
    if report.layers.iter().any(|layer| layer.axis.is_some()) {
        columns.push(right("axis", |row| {
            row.layer.and_then(|layer| layer.axis).map_or_else(String::new, |axis| axis.to_string())
        }));
    }
    if report.layers.iter().any(|layer| layer.units.is_some()) {
        columns.push(right("units", |row| {
            let units = row.layer.and_then(|layer| layer.units);
            units.map_or_else(String::new, |units| format!("{} of {}", units.kept, units.of))
        }));
    }
    columns.push(right("asked", |row| row.counts.asked.map_or_else(String::new, |asked| asked.to_string())));
    columns.push(right("kept", |row| row.counts.kept.to_string()));
    columns.push(right("of", |row| row.counts.elements.to_string()));
    columns.push(right("density", |row| share(row.counts.density().map_or(0.0, Density::get))));
    columns.push(right("non-zero", |row| row.counts.non_zero.to_string()));
    columns.push(right("newly pruned", |row| row.counts.newly_pruned.to_string()));
    let counts = &report.selected;
    let optional = [
        (usize::from(counts.closed != counts.newly_pruned), right("closed", |row| row.counts.closed.to_string())),
        (counts.reopened, right("reopened", |row| row.counts.reopened.to_string())),
        (counts.swaps, right("swaps", |row| row.counts.swaps.to_string())),
        (counts.ties, right("ties", |row| row.counts.ties.to_string())),
        (counts.short_groups, right("short groups", |row| row.counts.short_groups.to_string())),
    ];
    columns.extend(optional.into_iter().filter(|(count, _)| *count > 0).map(|(_, column)| column));
    columns.push(right("norm kept", |row| row.counts.norm_kept.map_or_else(|| "-".to_owned(), share)));
    columns
}

/// A measured fraction in percent with two decimals; in full where that would make it 0% or 100% and it is not.
fn share(fraction: f64) -> String {
    let rounded = format!("{:.2}%", fraction * 100.0);
    let lies = (rounded == "0.00%" && fraction != 0.0) || (rounded == "100.00%" && fraction != 1.0);
    if lies { percent(fraction) } else { rounded }
}

/// A shape as people write it: `3x3x1x32`.
fn shape(shape: &[usize]) -> String {
    match shape {
        [] => "scalar".to_owned(),
        sides => sides.iter().map(ToString::to_string).collect::<Vec<_>>().join("x"),
    }
}
