//! The pictures: accuracy of pruned network and dense twin, and density, over the epochs.
//!
//! `curves.svg` and `curves.png` are one drawing (`draw`) on two canvases. No system font and no C library is used: the
//! font is a file of this crate (`data/font`).

mod axis;
mod curves;
mod draw;

use std::sync::OnceLock;

use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::drawing::IntoDrawingArea;
use plotters::style::{FontStyle, register_font};

pub use self::curves::{Curves, Marked};
use self::draw::{Canvas, SIZE, draw};
use super::error::DemoError;

/// The file of the picture as SVG.
pub const SVG_FILE: &str = "curves.svg";
/// The file of the picture as PNG.
pub const PNG_FILE: &str = "curves.png";

/// Pixels for one of the drawing's units.
const SCALE: u32 = 2;

/// How far above its place each canvas centres digits and capitals, as a share of the font's size; the baseline is
/// placed in whole shares of the size, which no font's middle is.
const SVG_RISE: f64 = 0.09;
/// As [`SVG_RISE`].
const PNG_RISE: f64 = 0.2;

/// DejaVu Sans, reduced to what the pictures need; see `data/font/README.md`.
static FONT: &[u8] = include_bytes!("../../../data/font/DejaVuSans-subset.ttf");

/// The picture as SVG.
///
/// # Errors
///
/// [`DemoError::Picture`].
pub fn svg(curves: &Curves) -> Result<String, DemoError> {
    let refused = |why: String| DemoError::Picture { picture: SVG_FILE, why };
    font().map_err(|why| refused(why.to_owned()))?;
    let mut text = String::new();
    let (width, height) = (SIZE.0 * SCALE, SIZE.1 * SCALE);
    let root = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
    draw(&Canvas { root: &root, scale: SCALE, rise: SVG_RISE }, curves).map_err(|error| refused(error.to_string()))?;
    drop(root);
    // Places are whole numbers, so the drawing is made larger than it is to be shown.
    let shown = format!("width=\"{}\" height=\"{}\"", SIZE.0, SIZE.1);
    Ok(text.replacen(&format!("width=\"{width}\" height=\"{height}\""), &shown, 1))
}

/// The picture as PNG.
///
/// # Errors
///
/// [`DemoError::Picture`].
pub fn png(curves: &Curves) -> Result<Vec<u8>, DemoError> {
    let refused = |why: String| DemoError::Picture { picture: PNG_FILE, why };
    font().map_err(|why| refused(why.to_owned()))?;
    let (width, height) = (SIZE.0 * SCALE, SIZE.1 * SCALE);
    let mut pixels = vec![0; (width * height * 3) as usize];
    let root = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    draw(&Canvas { root: &root, scale: SCALE, rise: PNG_RISE }, curves).map_err(|error| refused(error.to_string()))?;
    drop(root);
    encode(&pixels, width, height).map_err(|error| refused(error.to_string()))
}

fn encode(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

/// Gives the drawing library the font, once.
fn font() -> Result<(), &'static str> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = REGISTERED.get_or_init(|| register_font("sans-serif", FontStyle::Normal, FONT).is_ok());
    registered.then_some(()).ok_or("the bundled font is broken")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn curves() -> Curves {
        Curves {
            title: "cnn on MNIST".to_owned(),
            epochs: 3,
            pruned: vec![(1, 0.91), (1, 0.62), (2, 0.95), (3, 0.96)],
            twin: vec![(1, 0.91), (2, 0.96), (3, 0.97)],
            density: vec![(0, 1.0), (1, 1.0), (1, 0.5), (3, 0.5)],
            events: vec![Marked { epoch: 1, label: "2:4".to_owned(), floats: false }],
        }
    }

    #[test]
    fn the_svg_has_its_words_and_is_the_same_each_time() {
        let text = svg(&curves()).unwrap();
        for word in ["cnn on MNIST", "pruned", "dense twin", "density", "2:4", "epoch", "test accuracy"] {
            assert!(text.contains(word), "{word}");
        }
        assert!(text.starts_with("<svg width=\"860\" height=\"560\" viewBox=\"0 0 1720 1120\""));
        assert!(text.trim_end().ends_with("</svg>"));
        assert_eq!(text, svg(&curves()).unwrap());
    }

    #[test]
    fn the_png_is_read_back_with_its_size_colours_and_words() {
        let bytes = png(&curves()).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (SIZE.0 * SCALE, SIZE.1 * SCALE));
        let has = |colour: plotters::style::RGBColor| {
            pixels.chunks(3).filter(|pixel| *pixel == [colour.0, colour.1, colour.2]).count() > 100
        };
        assert!(has(draw::PRUNED) && has(draw::TWIN) && has(draw::DENSITY) && has(draw::TEXT));
    }

    #[test]
    fn odd_runs_can_be_drawn() {
        let empty = Curves { pruned: vec![(1, 0.5)], twin: Vec::new(), events: Vec::new(), epochs: 1, ..curves() };
        svg(&empty).unwrap();
        png(&empty).unwrap();
        // A mask that is made anew every epoch, and more epochs than there are pixels.
        let long = 3000;
        let event = |epoch| Marked { epoch, label: "keeps 10%".to_owned(), floats: true };
        let busy = Curves {
            epochs: long,
            pruned: (1..=long).map(|epoch| (epoch, 0.9)).collect(),
            events: (1..=long).map(event).collect(),
            ..curves()
        };
        svg(&busy).unwrap();
        png(&busy).unwrap();
    }
}
