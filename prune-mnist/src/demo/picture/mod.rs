//! The demo's pictures: density, and the accuracy of pruned network and dense twin, over the epochs.

mod curves;
mod draw;

pub use self::curves::{Curves, EventMark};

/// The name of the picture, without the endings of its files.
pub(super) const PICTURE: &str = "curves";
/// The file of the picture as SVG.
pub const SVG_FILE: &str = "curves.svg";
/// The file of the picture as PNG.
pub const PNG_FILE: &str = "curves.png";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::picture::{colour, files};

    fn drawn(curves: &Curves) -> (String, Vec<u8>) {
        let [(svg_name, svg), (png_name, png)] = files(PICTURE, curves).unwrap();
        assert_eq!([svg_name.as_str(), png_name.as_str()], [SVG_FILE, PNG_FILE]);
        (String::from_utf8(svg).unwrap(), png)
    }

    fn curves() -> Curves {
        Curves {
            title: "cnn on MNIST".to_owned(),
            epochs: 3,
            pruned: vec![(1, 0.91), (1, 0.62), (2, 0.95), (3, 0.96)],
            twin: vec![(1, 0.91), (2, 0.96), (3, 0.97)],
            density: vec![(0, 1.0), (1, 1.0), (1, 0.5), (3, 0.5)],
            events: vec![EventMark { epoch: 1, label: "2:4".to_owned(), floats: false }],
        }
    }

    #[test]
    fn the_svg_has_its_words_and_is_the_same_each_time() {
        let text = drawn(&curves()).0;
        for word in ["cnn on MNIST", "pruned", "dense twin", "density", "2:4", "epoch", "test accuracy"] {
            assert!(text.contains(word), "{word}");
        }
        assert!(text.starts_with("<svg width=\"860\" height=\"560\" viewBox=\"0 0 1720 1120\""));
        assert!(text.trim_end().ends_with("</svg>"));
        assert_eq!(text, drawn(&curves()).0);
    }

    #[test]
    fn the_png_is_read_back_with_its_size_colours_and_words() {
        let bytes = drawn(&curves()).1;
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (860 * 2, 560 * 2));
        let has = |colour: plotters::style::RGBColor| {
            pixels.chunks(3).filter(|pixel| *pixel == [colour.0, colour.1, colour.2]).count() > 100
        };
        assert!(has(colour::BLUE) && has(colour::VERMILION) && has(colour::GREEN) && has(colour::TEXT));
    }

    #[test]
    fn odd_runs_can_be_drawn() {
        let empty = Curves { pruned: vec![(1, 0.5)], twin: Vec::new(), events: Vec::new(), epochs: 1, ..curves() };
        drawn(&empty);
        // A new mask every epoch, and more epochs than pixels.
        let long = 3000;
        let event = |epoch| EventMark { epoch, label: "keeps 10%".to_owned(), floats: true };
        let busy = Curves {
            epochs: long,
            pruned: (1..=long).map(|epoch| (epoch, 0.9)).collect(),
            events: (1..=long).map(event).collect(),
            ..curves()
        };
        drawn(&busy);
    }
}
