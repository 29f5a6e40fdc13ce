//! The table, on the screen and in `sensitivity.csv`.

use prune_schedule::table::{Column, aligned};

use super::goal::Goal;
use super::scan::{LayerScan, Measurement, Scan};
use crate::run::{self, RunError};
use crate::words::thousands;

/// Layers by goals: accuracies in percent.
pub(super) fn table(scan: &Scan) -> String {
    let goals: Vec<String> = scan.goals.iter().map(ToString::to_string).collect();
    let mut header = vec![("layer", Column::Left), ("weights", Column::Right)];
    header.extend(goals.iter().map(|goal| (goal.as_str(), Column::Right)));
    let rows = scan.layers.iter().map(|layer| {
        let cells = layer.measured.iter().map(|measured| format!("{:.2}", 100.0 * measured.score.accuracy()));
        [layer.name.clone(), thousands(layer.weights)].into_iter().chain(cells).collect::<Vec<_>>()
    });
    format!("test accuracy in %, one layer alone pruned, nothing retrained\n\n{}", aligned(&header, rows))
}

/// The file of the table.
pub(super) const FILE: &str = "sensitivity.csv";

const HEADER: [&str; 10] = [
    "layer",
    "weights",
    "method",
    "density",
    "kept",
    "accuracy_percent",
    "loss",
    "correct",
    "images",
    "dense_accuracy_percent",
];

/// The file, one row for each measurement.
pub(super) fn csv(scan: &Scan) -> Result<Vec<u8>, RunError> {
    let dense = (100.0 * scan.dense.accuracy()).to_string();
    let row = |layer: &LayerScan, goal: &Goal, measured: &Measurement| {
        let score = &measured.score;
        [
            layer.name.clone(),
            layer.weights.to_string(),
            goal.method(),
            goal.density().get().to_string(),
            measured.kept.to_string(),
            (100.0 * score.accuracy()).to_string(),
            score.loss().to_string(),
            score.correct.to_string(),
            score.count.to_string(),
            dense.clone(),
        ]
    };
    let rows = scan.layers.iter().flat_map(|layer| {
        scan.goals.iter().zip(&layer.measured).map(|(goal, measured)| row(layer, goal, measured)).collect::<Vec<_>>()
    });
    run::csv(FILE, HEADER, rows)
}
