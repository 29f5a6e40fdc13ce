//! The report as text.

use core::fmt;

use super::report::{LayerReport, Report};
use super::report_table::{ReportColumn, ReportRow, report_table};

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
        write!(f, "\n{}", self.table())?;
        if !self.defaults.is_empty() {
            write!(f, "\n{}", self.defaults)?;
        }
        self.warnings.iter().try_for_each(|warning| write!(f, "\nwarning: {warning}"))?;
        self.next_step().map_or(Ok(()), |next| write!(f, "\nnext: {next}"))
    }
}

impl LayerReport {
    fn row(&self) -> ReportRow<'_> {
        let mut row = ReportRow::new(&self.layer, &self.counts);
        row.shape = Some(&self.shape);
        row.target = Some(&self.target);
        (row.axis, row.units) = (self.axis, self.units);
        row
    }
}

impl Report {
    /// The layers as rows. A count that is zero in every row is left out.
    fn table(&self) -> String {
        use ReportColumn as C;
        let any = |has: fn(&LayerReport) -> bool| self.layers.iter().any(has);
        let of = &self.selected;
        let columns = [
            (C::Layer, true),
            (C::Shape, true),
            (C::Reaches, self.target.is_empty()),
            (C::Axis, any(|layer| layer.axis.is_some())),
            (C::Units, any(|layer| layer.units.is_some())),
            (C::Asked, true),
            (C::Kept, true),
            (C::Of, true),
            (C::Density, true),
            (C::NonZero, true),
            (C::NewlyPruned, true),
            (C::Closed, of.closed != of.newly_pruned),
            (C::Reopened, of.reopened > 0),
            (C::Swaps, of.swaps > 0),
            (C::Ties, of.ties > 0),
            (C::ShortGroups, of.short_groups > 0),
            (C::NormKept, true),
        ];
        let mut rows: Vec<ReportRow<'_>> = self.layers.iter().map(LayerReport::row).collect();
        rows.extend([ReportRow::new("selected layers", of), ReportRow::new("all parameters", &self.all)]);
        report_table(&columns, &rows)
    }
}
