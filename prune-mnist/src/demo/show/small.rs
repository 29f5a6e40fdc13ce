//! The output on the network without its closed channels.

use prune_schedule::table::{Column, aligned};

use crate::demo::small::{Comparison, ONNX_FILE, SMALL_FILE};
use crate::words::{percent, thousands};

/// The trained network, compared with the one left without closed channels.
#[must_use]
pub(crate) fn small(made: &Comparison) -> String {
    let counts = |name: &str, [before, after]: [usize; 2]| {
        let share = percent(after as f64 / before.max(1) as f64);
        [name.to_owned(), thousands(before), thousands(after), share]
    };
    let [before, after] = made.time.map(|time| time.as_secs_f64() * 1e6);
    let points = (made.accuracy[1] - made.accuracy[0]) * 100.0;
    let rows = [
        counts("parameters", made.parameters),
        counts("multiply-adds an image", made.multiply_adds),
        counts("bytes of the ONNX file", made.bytes),
        [
            "microseconds an image, our own forward pass".to_owned(),
            format!("{before:.1}"),
            format!("{after:.1}"),
            format!("{:.2}x as fast", before / after.max(f64::MIN_POSITIVE)),
        ],
        [
            "test accuracy".to_owned(),
            percent(made.accuracy[0]),
            percent(made.accuracy[1]),
            format!("{points:+.2} points"),
        ],
    ];
    let header = [
        ("closed channels taken out; both with activations left dense", Column::Left),
        (ONNX_FILE, Column::Right),
        (SMALL_FILE, Column::Right),
        ("small / model", Column::Right),
    ];
    let same = if made.same == made.images {
        format!("all {} predictions are the same", thousands(made.images))
    } else {
        format!("{} of {} predictions are the same", thousands(made.same), thousands(made.images))
    };
    let (difference, scale) = (made.difference, made.scale);
    format!("{}\noutputs differ by at most {difference:.1e}, of up to {scale:.1}; {same}", aligned(&header, rows))
}
