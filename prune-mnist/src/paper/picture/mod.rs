//! The pictures of the tables, one file for each kind.

mod bars;
mod epochs;
mod pixels;
mod plot;

pub(super) use self::bars::{BarGroup, Bars};
pub(super) use self::epochs::{ChartLine, Epochs};
pub(super) use self::pixels::Pixels;
pub(super) use self::plot::{Across, Curve, Mark, Plot};
use crate::picture::{PictureError, files};

/// A picture with the name of its files, without an ending.
pub(super) enum Picture {
    /// Error against compression.
    Plot(&'static str, Plot),
    /// The share kept of each layer.
    Bars(&'static str, Bars),
    /// The connections kept of each pixel.
    Pixels(&'static str, Pixels),
    /// Accuracy and density over epochs.
    Epochs(&'static str, Epochs),
}

impl Picture {
    /// Name and content of its SVG and its PNG.
    pub(super) fn files(&self) -> Result<[(String, Vec<u8>); 2], PictureError> {
        match self {
            Self::Plot(name, plot) => files(name, plot),
            Self::Bars(name, bars) => files(name, bars),
            Self::Pixels(name, pixels) => files(name, pixels),
            Self::Epochs(name, epochs) => files(name, epochs),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::paper::stats::Summary;

    #[test]
    fn every_kind_is_drawn_with_its_words() {
        let summary = |mean| Summary::of(&[mean - 0.1, mean + 0.1]);
        let curve = |name: &str, errors: &[f64]| Curve {
            name: name.to_owned(),
            points: errors.iter().enumerate().map(|(i, &error)| (4.0 * (i + 1) as f64, summary(error))).collect(),
        };
        let plot = Plot {
            title: "Errors".to_owned(),
            twin: summary(1.5),
            curves: vec![curve("one", &[1.4, 1.6, 2.0]), curve("two", &[1.5, 1.9, 88.0])],
            marks: vec![Mark { name: "Han 2015".to_owned(), compression: 12.0, error: 1.59 }],
            across: Across::Compression,
        };
        let group = |name: &str| BarGroup { name: name.to_owned(), values: vec![8.0, 12.5] };
        let bars = Bars {
            title: "Kept".to_owned(),
            names: vec!["theirs".to_owned(), "ours".to_owned()],
            groups: vec![group("Dense_0"), group("Dense_1")],
        };
        let pixels = Pixels { title: "Pixels".to_owned(), counts: (0..784).collect() };
        let line = |name: &str| ChartLine {
            name: name.to_owned(),
            accuracies: vec![(1.0, 95.0), (2.0, 97.0)],
            densities: vec![(1.0, 100.0), (2.0, 50.0)],
        };
        let epochs = Epochs { title: "Epochs".to_owned(), lines: vec![line("first"), line("second")] };
        for (picture, words) in [
            (Picture::Plot("a", plot), vec!["Errors", "one", "two", "Han 2015", "dense twin", "compression"]),
            (Picture::Bars("b", bars), vec!["Kept", "theirs", "ours", "Dense_0", "12.5"]),
            (Picture::Pixels("c", pixels), vec!["Pixels", "783"]),
            (Picture::Epochs("d", epochs), vec!["Epochs", "first", "second", "density", "epoch"]),
        ] {
            let [(svg_name, svg), (png_name, png)] = picture.files().unwrap();
            assert!(svg_name.ends_with(".svg") && png_name.ends_with(".png"));
            let svg = String::from_utf8(svg).unwrap();
            words.iter().for_each(|word| assert!(svg.contains(word), "{svg_name}: {word}"));
            assert!(png.starts_with(b"\x89PNG"));
        }
    }

    #[test]
    fn what_quick_runs_give_can_be_drawn_too() {
        let one = Summary::of(&[90.0]);
        let curve = Curve { name: "one".to_owned(), points: vec![(40.0, one)] };
        let across = Across::Density;
        let plot = Plot { title: "few".to_owned(), twin: one, curves: vec![curve], marks: Vec::new(), across };
        let [(_, svg), _] = Picture::Plot("a", plot).files().unwrap();
        let svg = String::from_utf8(svg).unwrap();
        assert!(svg.contains("kept of all weights") && !svg.contains("published"));
        Picture::Pixels("b", Pixels { title: "none".to_owned(), counts: vec![0; 784] }).files().unwrap();
    }
}
