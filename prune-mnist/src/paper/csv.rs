//! Every run as a row of `runs.csv`.

use super::error::PaperError;
use super::outcome::Outcome;
use super::tables::Table;

const HEADER: [&str; 19] = [
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
    "seconds",
    "commit",
    "data_sha256",
    "settings",
];

/// The file: a row a run, and one for each control that was not retrained.
pub(super) fn csv<'a>(runs: impl Iterator<Item = (Table, &'a str, &'a Outcome)>) -> Result<Vec<u8>, PaperError> {
    let refused = |error: csv::Error| PaperError::Encode { why: error.to_string() };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER).map_err(refused)?;
    for (table, name, outcome) in runs {
        let Some(last) = outcome.last() else { continue };
        writer.write_record(row(table, name, outcome, last)).map_err(refused)?;
        if let Some(test) = &outcome.untrained {
            let mut cells = row(table, &format!("{name}, at once and not retrained"), outcome, test);
            // What the layers keep was measured after training; of a global ranking it is another share here.
            for column in [9, 10, 11, 12, 15] {
                cells[column].clear();
            }
            writer.write_record(cells).map_err(refused)?;
        }
    }
    writer.into_inner().map_err(|error| PaperError::Encode { why: error.to_string() })
}

fn row(table: Table, name: &str, outcome: &Outcome, test: &super::outcome::Test) -> [String; 19] {
    let settings = &outcome.settings;
    let (kept, weights) = outcome.kept();
    let layers: Vec<String> =
        outcome.layers.iter().map(|layer| format!("{}={}/{}", layer.name, layer.kept, layer.weights)).collect();
    [
        table.name().to_owned(),
        name.to_owned(),
        settings.net.name().to_owned(),
        settings.seed.to_string(),
        test.epoch.to_string(),
        format!("{:?}", settings.data.tested),
        test.density.to_string(),
        (1.0 / test.density).to_string(),
        weights.to_string(),
        kept.to_string(),
        layers.join(" "),
        outcome.multiply_adds.to_string(),
        outcome.bytes.to_string(),
        test.error().to_string(),
        format!("{}/{}", test.wrong, test.images),
        format!("{:.1}", outcome.seconds),
        outcome.commit.clone(),
        settings.data.sha256.join("+"),
        settings.json(),
    ]
}
