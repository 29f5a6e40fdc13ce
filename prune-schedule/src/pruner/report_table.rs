//! The table of a report, for every program that reports: one row a layer, and one row for several layers together.

use std::borrow::Cow;

use super::report::{Totals, UnitCounts};
use crate::table::{Column, aligned, percent, shape, share};

/// A row of a report's table. A row for several layers together has only a name and counts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReportRow<'r> {
    /// Its name.
    pub name: Cow<'r, str>,
    /// The type of its elements.
    pub dtype: Option<&'r str>,
    /// Its shape.
    pub shape: Option<&'r [usize]>,
    /// The layer's target.
    pub target: Option<&'r str>,
    /// The axis of its groups.
    pub axis: Option<usize>,
    /// Counts of blocks or channels, if those were ranked.
    pub units: Option<UnitCounts>,
    /// The numbers.
    pub counts: &'r Totals,
}

impl<'r> ReportRow<'r> {
    /// A row with only a name and counts.
    pub fn new(name: impl Into<Cow<'r, str>>, counts: &'r Totals) -> Self {
        ReportRow { name: name.into(), dtype: None, shape: None, target: None, axis: None, units: None, counts }
    }
}

/// A column of a report's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportColumn {
    /// The layer's name.
    Layer,
    /// The type of its elements.
    Type,
    /// Its shape.
    Shape,
    /// The layer's target.
    Reaches,
    /// The axis of its groups.
    Axis,
    /// Blocks or channels kept, out of all.
    Units,
    /// Elements asked for.
    Asked,
    /// Elements kept.
    Kept,
    /// All elements.
    Of,
    /// The fraction of elements kept.
    Density,
    /// Elements that are not zero.
    NonZero,
    /// Elements that were not zero before and are zero now.
    NewlyPruned,
    /// Elements kept before but not now.
    Closed,
    /// Elements opened again.
    Reopened,
    /// Elements of a floating mask that replaced others.
    Swaps,
    /// Elements that tied at the cut.
    Ties,
    /// N:M groups that keep too few.
    ShortGroups,
    /// The fraction of the squared norm that was kept.
    NormKept,
}

impl ReportColumn {
    fn header(self) -> (&'static str, Column) {
        use Column::{Left, Right};
        match self {
            ReportColumn::Layer => ("layer", Left),
            ReportColumn::Type => ("type", Left),
            ReportColumn::Shape => ("shape", Left),
            ReportColumn::Reaches => ("reaches", Left),
            ReportColumn::Axis => ("axis", Right),
            ReportColumn::Units => ("units", Right),
            ReportColumn::Asked => ("asked", Right),
            ReportColumn::Kept => ("kept", Right),
            ReportColumn::Of => ("of", Right),
            ReportColumn::Density => ("density", Right),
            ReportColumn::NonZero => ("non-zero", Right),
            ReportColumn::NewlyPruned => ("newly pruned", Right),
            ReportColumn::Closed => ("closed", Right),
            ReportColumn::Reopened => ("reopened", Right),
            ReportColumn::Swaps => ("swaps", Right),
            ReportColumn::Ties => ("ties", Right),
            ReportColumn::ShortGroups => ("short groups", Right),
            ReportColumn::NormKept => ("norm kept", Right),
        }
    }

    fn cell(self, row: &ReportRow<'_>) -> String {
        let counts = row.counts;
        let of = |number: Option<usize>| number.map_or_else(String::new, |number| number.to_string());
        match self {
            ReportColumn::Layer => row.name.clone().into_owned(),
            ReportColumn::Type => row.dtype.unwrap_or_default().to_owned(),
            ReportColumn::Shape => row.shape.map_or_else(String::new, shape),
            ReportColumn::Reaches => row.target.unwrap_or_default().to_owned(),
            ReportColumn::Axis => of(row.axis),
            ReportColumn::Units => {
                row.units.map_or_else(String::new, |units| format!("{} of {}", units.kept, units.of))
            }
            ReportColumn::Asked => of(counts.asked),
            ReportColumn::Kept => counts.kept.to_string(),
            ReportColumn::Of => counts.elements.to_string(),
            ReportColumn::Density => percent(counts.kept, counts.elements),
            ReportColumn::NonZero => counts.non_zero.to_string(),
            ReportColumn::NewlyPruned => counts.newly_pruned.to_string(),
            ReportColumn::Closed => counts.closed.to_string(),
            ReportColumn::Reopened => counts.reopened.to_string(),
            ReportColumn::Swaps => counts.swaps.to_string(),
            ReportColumn::Ties => counts.ties.to_string(),
            ReportColumn::ShortGroups => counts.short_groups.to_string(),
            ReportColumn::NormKept => share(counts.norm_kept),
        }
    }
}

/// The table of the rows, with the columns that are marked to be shown.
///
/// # Examples
///
/// ```
/// use prune_schedule::{ReportColumn, ReportRow, Totals, report_table};
///
/// let mut counts = Totals::default();
/// (counts.elements, counts.kept) = (8, 2);
/// let mut row = ReportRow::new("fc.weight", &counts);
/// row.shape = Some(&[2, 4]);
/// let columns = [(ReportColumn::Layer, true), (ReportColumn::Ties, false), (ReportColumn::Shape, true), (ReportColumn::Density, true)];
/// assert_eq!(report_table(&columns, &[row]), "layer      shape  density\nfc.weight  2x4     25.00%");
/// ```
pub fn report_table(columns: &[(ReportColumn, bool)], rows: &[ReportRow<'_>]) -> String {
    let shown: Vec<ReportColumn> = columns.iter().filter(|(_, shown)| *shown).map(|&(column, _)| column).collect();
    let header: Vec<(&str, Column)> = shown.iter().map(|column| column.header()).collect();
    aligned(&header, rows.iter().map(|row| shown.iter().map(|column| column.cell(row)).collect::<Vec<_>>()))
}
