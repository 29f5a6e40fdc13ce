//! The output at the end: pruned network and dense twin, layer by layer, and the effect of activation pruning.

use std::sync::Arc;

use prune_core::Masks;
use prune_schedule::table::{Column, aligned, shape};

use super::intro::goal;
use crate::nn::{ParamSpec, Place};
use crate::train::{EpochRecord, Size};
use crate::words::{decimals, percent, thousands};

/// Compares the pruned network with its dense twin at the last epoch; `revivals` are counted at the very end.
#[must_use]
pub(crate) fn comparison(last: &EpochRecord, specs: &[ParamSpec], masks: &Masks, revivals: usize) -> String {
    let size = Size::of_all(specs, masks);
    let (dense, pruned) = (Size::of_all(specs, &Masks::default()), size);
    let twin = |figure: Option<String>| figure.unwrap_or_else(|| "-".to_owned());
    let share = |part: usize, whole: usize| percent(part as f64 / whole.max(1) as f64);
    let points = last.twin.map(|twin| (last.test_accuracy - twin.test_accuracy) * 100.0);
    let rows: [[String; 4]; 7] = [
        [
            "test accuracy".to_owned(),
            percent(last.test_accuracy),
            twin(last.twin.map(|twin| percent(twin.test_accuracy))),
            twin(points.map(|points| format!("{points:+.2} points"))),
        ],
        [
            "test loss".to_owned(),
            decimals(last.test_loss),
            twin(last.twin.map(|twin| decimals(twin.test_loss))),
            String::new(),
        ],
        ["parameters kept".to_owned(), thousands(pruned.kept), thousands(dense.kept), share(pruned.kept, dense.kept)],
        [
            "multiply-adds an image".to_owned(),
            thousands(pruned.multiply_adds),
            thousands(dense.multiply_adds),
            share(pruned.multiply_adds, dense.multiply_adds),
        ],
        [
            "bytes as dense f32".to_owned(),
            thousands(pruned.dense_bytes),
            thousands(dense.dense_bytes),
            share(pruned.dense_bytes, dense.dense_bytes),
        ],
        [
            "bytes as packed mask + kept values".to_owned(),
            thousands(pruned.packed_bytes),
            thousands(dense.packed_bytes),
            share(pruned.packed_bytes, dense.packed_bytes),
        ],
        ["revivals (weights and momentum)".to_owned(), revivals.to_string(), "-".to_owned(), String::new()],
    ];
    let header = [
        ("at the end", Column::Left),
        ("pruned", Column::Right),
        ("dense twin", Column::Right),
        ("pruned / twin", Column::Right),
    ];
    format!("{}\n\n{}", aligned(&header, rows), layers(specs, masks))
}

/// The kept part of each parameter.
fn layers(specs: &[ParamSpec], masks: &Masks) -> String {
    let header = [
        ("layer", Column::Left),
        ("shape", Column::Right),
        ("kept", Column::Right),
        ("of", Column::Right),
        ("density", Column::Right),
        ("multiply-adds", Column::Right),
        ("of", Column::Right),
        ("bytes packed", Column::Right),
        ("dense", Column::Right),
    ];
    let row = |name: &str, shape: String, size: Size| {
        [
            name.to_owned(),
            shape,
            thousands(size.kept),
            thousands(size.elements),
            percent(size.density()),
            thousands(size.multiply_adds),
            thousands(size.dense_multiply_adds),
            thousands(size.packed_bytes),
            thousands(size.dense_bytes),
        ]
    };
    let rows = specs.iter().map(|spec| row(&spec.name, shape(&spec.shape), Size::of(spec, masks)));
    let total = row("total", String::new(), Size::of_all(specs, masks));
    aligned(&header, rows.chain([total]))
}

/// The effect of activation pruning, one line for each place; `None` without a place.
#[must_use]
pub(crate) fn activations(places: &[Arc<Place>]) -> Option<String> {
    let line = |place: &Arc<Place>| {
        let mut line = format!("{} after the relu of {}: {}", goal(place), place.layer, place.report());
        if let Some(pooled) = place.pooled() {
            let share = percent(pooled.broken as f64 / pooled.groups.max(1) as f64);
            line += &format!(
                "; {kind} pooling {window}x{window} then undoes the pattern: {share} of its groups have more non-zeros than \
                 {} allows",
                goal(place),
                kind = pooled.pooling.kind,
                window = pooled.pooling.window,
            );
        }
        line
    };
    let lines: Vec<_> = places.iter().map(line).collect();
    (!lines.is_empty()).then(|| format!("activations, over the test images\n{}", lines.join("\n")))
}
