//! Pictures as SVG and PNG, for the demo, the sensitivity scan and the published tables.
//!
//! Both are one [`Drawing`] on two canvases. Pictures use no system font and no C library: the font is a file of this
//! crate (`data/font`).

mod axis;
mod canvas;
mod ink;

use std::sync::OnceLock;

use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::drawing::IntoDrawingArea;
use plotters::prelude::DrawingBackend;
use plotters::style::{FontStyle, register_font};

pub(crate) use self::axis::{ChartAxis, accuracy_range, ticks};
pub(crate) use self::canvas::{AXIS, Canvas, Chart, DrawError, DrawResult, LEFT, Margins, TEXT_SIZE, colour};
pub(crate) use self::ink::{INKS, Ink, TWIN};

/// A picture that can be drawn.
pub(crate) trait Drawing {
    /// Width and height in the drawing's units.
    fn size(&self) -> (u32, u32);

    /// Draws it on any canvas of that size.
    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> DrawResult<B>;
}

/// A picture that cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw {picture}: {why}; please report this")]
pub struct PictureError {
    /// The file.
    picture: String,
    /// The cause, in the drawing library's words.
    why: String,
}

/// Name and content of a picture's files: `NAME.svg` and `NAME.png`.
pub(crate) fn files(name: &str, drawing: &impl Drawing) -> Result<[(String, Vec<u8>); 2], PictureError> {
    let [svg_file, png_file] = ["svg", "png"].map(|ending| format!("{name}.{ending}"));
    match (svg(drawing), png(drawing)) {
        (Ok(svg), Ok(png)) => Ok([(svg_file, svg.into_bytes()), (png_file, png)]),
        (Err(why), _) => Err(PictureError { picture: svg_file, why }),
        (_, Err(why)) => Err(PictureError { picture: png_file, why }),
    }
}

/// The number of pixels for one unit of the drawing.
const SCALE: u32 = 2;

/// The distance by which each canvas centres digits and capitals too high, as a share of the font's size. The canvas
/// places the baseline in whole shares of the size, and no font's middle is one.
const SVG_RISE: f64 = 0.09;
/// As [`SVG_RISE`].
const PNG_RISE: f64 = 0.2;

/// DejaVu Sans, reduced to the characters that the pictures need; see `data/font/README.md`.
static FONT: &[u8] = include_bytes!("../../data/font/DejaVuSans-subset.ttf");

/// The picture as SVG, or the drawing library's error.
fn svg(drawing: &impl Drawing) -> Result<String, String> {
    font()?;
    let mut text = String::new();
    let size = drawing.size();
    let (width, height) = (size.0 * SCALE, size.1 * SCALE);
    let root = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
    drawing.draw(&Canvas { root: &root, scale: SCALE, rise: SVG_RISE }).map_err(|error| error.to_string())?;
    drop(root);
    // Positions are whole numbers, so the drawing is made larger than it is shown.
    let shown = format!("width=\"{}\" height=\"{}\"", size.0, size.1);
    Ok(text.replacen(&format!("width=\"{width}\" height=\"{height}\""), &shown, 1))
}

/// The picture as PNG, or the drawing library's error.
fn png(drawing: &impl Drawing) -> Result<Vec<u8>, String> {
    font()?;
    let size = drawing.size();
    let (width, height) = (size.0 * SCALE, size.1 * SCALE);
    let mut pixels = vec![0; (width * height * 3) as usize];
    let root = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    drawing.draw(&Canvas { root: &root, scale: SCALE, rise: PNG_RISE }).map_err(|error| error.to_string())?;
    drop(root);
    encode(&pixels, width, height).map_err(|error| error.to_string())
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
