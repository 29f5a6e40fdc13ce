//! The pixels that the first layer still uses.

use plotters::element::Rectangle;
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor, WHITE};

use crate::data::SIDE;
use crate::picture::{Canvas, DrawResult, Drawing, TEXT_SIZE, colour};

/// The number of connections kept of each pixel, row by row.
pub(in crate::paper) struct Pixels {
    pub(in crate::paper) title: String,
    pub(in crate::paper) counts: Vec<u32>,
}

/// The side of a pixel.
const CELL: u32 = 15;
const LEFT: u32 = 24;
const TOP: u32 = 52;
/// Room for the scale, right of the data.
const SCALE: u32 = 190;
/// The number of steps in which the scale is drawn.
const STEPS: u32 = 64;

/// From nearly white to dark blue: light means little, even for readers who see no colours.
fn shade(share: f64) -> RGBColor {
    let stops = [(247.0, 251.0, 255.0), (107.0, 174.0, 214.0), (8.0, 48.0, 107.0)];
    let place = share.clamp(0.0, 1.0) * 2.0;
    let (from, to, part) = if place < 1.0 { (stops[0], stops[1], place) } else { (stops[1], stops[2], place - 1.0) };
    let mix = |a: f64, b: f64| (a + (b - a) * part).round() as u8;
    RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

impl Drawing for Pixels {
    fn size(&self) -> (u32, u32) {
        let side = SIDE as u32 * CELL;
        (LEFT + side + SCALE, TOP + side + 24)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> DrawResult<B> {
        canvas.root.fill(&WHITE)?;
        canvas.text(&self.title, canvas.at(LEFT, 26), 16, HPos::Left)?;
        let most = self.counts.iter().copied().max().unwrap_or(0);
        let share = |count: u32| f64::from(count) / f64::from(most.max(1));
        for (index, &count) in self.counts.iter().enumerate() {
            let (x, y) = (LEFT + (index % SIDE) as u32 * CELL, TOP + (index / SIDE) as u32 * CELL);
            let corners = [canvas.at(x, y), canvas.at(x + CELL, y + CELL)];
            canvas.root.draw(&Rectangle::new(corners, shade(share(count)).filled()))?;
        }
        let side = SIDE as u32 * CELL;
        let frame = colour::GREY.stroke_width(canvas.px(1));
        canvas.root.draw(&Rectangle::new([canvas.at(LEFT, TOP), canvas.at(LEFT + side, TOP + side)], frame))?;

        let (x, height) = (LEFT + side + 34, side / 2);
        for step in 0..STEPS {
            let top = TOP + height * (STEPS - 1 - step) / STEPS;
            let bottom = TOP + height * (STEPS - step) / STEPS;
            let style = shade(f64::from(step) / f64::from(STEPS - 1)).filled();
            canvas.root.draw(&Rectangle::new([canvas.at(x, top), canvas.at(x + 18, bottom)], style))?;
        }
        canvas.root.draw(&Rectangle::new([canvas.at(x, TOP), canvas.at(x + 18, TOP + height)], frame))?;
        canvas.text(&most.to_string(), canvas.at(x + 28, TOP + 6), TEXT_SIZE, HPos::Left)?;
        canvas.text("0", canvas.at(x + 28, TOP + height - 6), TEXT_SIZE, HPos::Left)?;
        canvas.text("connections", canvas.at(x, TOP + height + 22), TEXT_SIZE, HPos::Left)?;
        canvas.text("kept", canvas.at(x, TOP + height + 42), TEXT_SIZE, HPos::Left)?;
        canvas.root.present()
    }
}
