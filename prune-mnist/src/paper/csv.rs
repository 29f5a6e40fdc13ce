//! Every run as a row of `runs.csv`.

use prune_core::Masks;

use super::outcome::{LayerKept, RunOutcome, Test, layers};
use super::tables::Table;
use crate::run::{self, RunError};
use crate::train::Size;

/// A run of a table.
pub(super) struct Record {
    pub(super) table: Table,
    pub(super) name: String,
    pub(super) outcome: RunOutcome,
    /// The masks of the control without retraining, if there is one.
    pub(super) untrained: Option<Masks>,
}

/// The file of all runs.
pub(super) const RUNS_FILE: &str = "runs.csv";

const HEADER: [&str; 20] = [
    "table",
    "run",
    "network",
    "seed",
    "epochs",
    "tested_on",
    "density",
    "compression",
    "weights",
    "kept",
    "kept_by_layer",
    "multiply_adds",
    "bytes",
    "error_percent",
    "wrong_of_images",
    "revivals",
    "seconds",
    "commit",
    "data_sha256",
    "settings",
];

/// The file: one row for each run, and one for each control without retraining.
pub(super) fn csv(records: &[Record]) -> Result<Vec<u8>, RunError> {
    run::csv(RUNS_FILE, HEADER, records.iter().flat_map(rows))
}

/// The rows of a run.
fn rows(record: &Record) -> Vec<[String; HEADER.len()]> {
    let Record { table, name, outcome, untrained } = record;
    let mut rows = Vec::new();
    if let Some(last) = outcome.last() {
        let run = Row { table: *table, name, layers: &outcome.layers, size: (outcome.multiply_adds, outcome.bytes) };
        rows.push(run.cells(outcome, last, true));
    }
    if let (Some(test), Some(masks)) = (&outcome.untrained, untrained) {
        let specs = outcome.settings.net.parameters();
        let size = Size::of_all(&specs, masks);
        let (name, layers) = (format!("{name}, at once and not retrained"), layers(&specs, masks));
        let run = Row { table: *table, name: &name, layers: &layers, size: (size.multiply_adds, size.packed_bytes) };
        rows.push(run.cells(outcome, test, false));
    }
    rows
}

/// The values that differ between a run and its control.
struct Row<'a> {
    table: Table,
    name: &'a str,
    layers: &'a [LayerKept],
    /// Multiply-adds and bytes.
    size: (usize, usize),
}

impl Row<'_> {
    fn cells(&self, outcome: &RunOutcome, test: &Test, trained: bool) -> [String; HEADER.len()] {
        let settings = &outcome.settings;
        let (kept, weights) =
            self.layers.iter().fold((0, 0), |(kept, all), layer| (kept + layer.kept, all + layer.weights));
        let by_layer = self.layers.iter().map(|layer| format!("{}={}/{}", layer.name, layer.kept, layer.weights));
        // A network that was not trained has no time and no revivals.
        let of_training = |cell: String| if trained { cell } else { String::new() };
        [
            self.table.name().to_owned(),
            self.name.to_owned(),
            settings.net.name().to_owned(),
            settings.seed.to_string(),
            test.epoch.to_string(),
            settings.data.tested.name().to_owned(),
            test.density.to_string(),
            (1.0 / test.density).to_string(),
            weights.to_string(),
            kept.to_string(),
            by_layer.collect::<Vec<_>>().join(" "),
            self.size.0.to_string(),
            self.size.1.to_string(),
            test.error().to_string(),
            format!("{}/{}", test.wrong, test.images),
            of_training(outcome.revivals.to_string()),
            of_training(format!("{:.1}", outcome.seconds)),
            outcome.commit.clone(),
            settings.data.sha256.join("+"),
            settings.json(),
        ]
    }
}
