//! The table, on the screen and in `sensitivity.csv`.

use prune_schedule::table::{Column, aligned};

use super::error::SensitivityError;
use super::scan::Scan;
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
pub(super) fn csv(scan: &Scan) -> Result<Vec<u8>, SensitivityError> {
    let refused = |error: csv::Error| SensitivityError::Encode { why: error.to_string() };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER).map_err(refused)?;
    let dense = (100.0 * scan.dense.accuracy()).to_string();
    for layer in &scan.layers {
        for (goal, measured) in scan.goals.iter().zip(&layer.measured) {
            let score = &measured.score;
            let row: [String; HEADER.len()] = [
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
            ];
            writer.write_record(row).map_err(refused)?;
        }
    }
    writer.into_inner().map_err(|error| SensitivityError::Encode { why: error.to_string() })
}
