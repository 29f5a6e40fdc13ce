//! The output while training: one row for each epoch, and the report of each event.

use std::collections::BTreeMap;
use std::time::Duration;

use prune_schedule::Report;

use crate::train::{EpochRecord, EventRecord, Figures};
use crate::words::{counted, decimals, percent};

/// The columns of an epoch's row with their widths. They fit all numbers, since rows come one by one.
const COLUMNS: [(&str, usize); 10] = [
    ("epoch", 5),
    ("train loss", 10),
    ("train acc", 9),
    ("test loss", 9),
    ("test acc", 8),
    ("twin acc", 8),
    ("density", 8),
    ("revivals", 8),
    ("rate", 7),
    ("seconds", 7),
];

/// The header of the rows.
#[must_use]
pub(crate) fn header() -> String {
    aligned(COLUMNS.map(|(name, _)| name.to_owned()))
}

/// An epoch's row. Test figures and density are those at the end of the epoch, after its event.
#[must_use]
pub(crate) fn row(record: &EpochRecord, took: Duration) -> String {
    aligned([
        record.epoch.to_string(),
        decimals(record.train_loss),
        percent(record.train_accuracy),
        decimals(record.test_loss),
        percent(record.test_accuracy),
        record.twin.map_or_else(|| "-".to_owned(), |twin| percent(twin.test_accuracy)),
        percent(record.density),
        record.revivals.to_string(),
        decimals(record.learning_rate),
        format!("{:.1}", took.as_secs_f64()),
    ])
}

fn aligned(cells: [String; COLUMNS.len()]) -> String {
    let cells = cells.iter().zip(COLUMNS).map(|(cell, (_, width))| format!("{cell:>width$}"));
    cells.collect::<Vec<_>>().join("  ")
}

/// An event's report, with the accuracy before and right after it.
#[must_use]
pub(crate) fn event(event: &EventRecord, epochs: u64) -> String {
    let EventRecord { report, before, after, .. } = event;
    let later = if report.epoch >= epochs { "; the run ends here, so nothing is fine-tuned" } else { "" };
    format!(
        "{report}\ntest accuracy: {} before, {} right after{later}",
        percent(before.accuracy),
        percent(after.accuracy)
    )
}

/// The recovery of an event's accuracy, once the next epoch has trained; `None` before that.
#[must_use]
pub(crate) fn later(event: &EventRecord) -> Option<String> {
    let later = event.later?;
    let Figures { accuracy, .. } = later.pruned;
    Some(format!(
        "an epoch after the event of epoch {}: test accuracy {} before it, {} right after, {} now (twin {})",
        event.report.epoch,
        percent(event.before.accuracy),
        percent(event.after.accuracy),
        percent(accuracy),
        percent(later.twin.accuracy),
    ))
}

/// The effect of the events after the steps of an epoch, one line for each method; `None` if there were none.
pub(crate) fn steps<'r>(reports: impl Iterator<Item = &'r Report>) -> Option<String> {
    let mut by_method: BTreeMap<&str, Vec<&Report>> = BTreeMap::new();
    reports.for_each(|report| by_method.entry(&report.method).or_default().push(report));
    let line = |(method, reports): (&&str, &Vec<&Report>)| {
        let (first, last) = (reports.first()?, reports.last()?);
        let (opened, closed) = reports.iter().fold((0, 0), |(opened, closed), report| {
            (opened + report.selected.reopened, closed + report.selected.closed)
        });
        let when = match (first.step?, last.step?) {
            (first, last) if first == last => format!("at step {first}"),
            (first, last) => format!("{} from step {first} to {last}", counted(reports.len() as u64, "time")),
        };
        let density = last.selected.density().map_or(0.0, prune_core::Density::get);
        Some(format!(
            "       {method} {when}: {opened} weights opened, {closed} closed, {} of the selected kept",
            percent(density)
        ))
    };
    let lines: Vec<String> = by_method.iter().filter_map(line).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
