//! A canvas of either kind, with the few tools that every picture needs: aligned text, axes, colours.

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{PathElement, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle};

use super::axis::ChartAxis;

/// Okabe and Ito's colours, which colour-blind readers can tell apart, without the light ones.
pub(crate) mod colour {
    use plotters::style::RGBColor;

    /// Blue.
    pub(crate) const BLUE: RGBColor = RGBColor(0, 114, 178);
    /// Vermilion, an orange dark enough to read on white.
    pub(crate) const VERMILION: RGBColor = RGBColor(213, 94, 0);
    /// Bluish green.
    pub(crate) const GREEN: RGBColor = RGBColor(0, 158, 115);
    /// Reddish purple.
    pub(crate) const PURPLE: RGBColor = RGBColor(204, 121, 167);
    /// Nearly black.
    pub(crate) const TEXT: RGBColor = RGBColor(34, 34, 34);
    /// For the background.
    pub(crate) const GREY: RGBColor = RGBColor(110, 110, 110);
    /// Lines that help to read off a value.
    pub(crate) const GRID: RGBColor = RGBColor(226, 226, 226);
}

/// Room left of the data for the numbers and their title.
pub(crate) const LEFT: u32 = 78;
/// Height of the axis below the data, with its numbers and their title.
pub(crate) const AXIS: u32 = 52;
/// The size of most text.
pub(crate) const TEXT_SIZE: u32 = 14;

/// A drawing area, with the number of pixels for one unit of the drawing.
pub(crate) struct Canvas<'a, B: DrawingBackend> {
    pub(crate) root: &'a DrawingArea<B, Shift>,
    pub(crate) scale: u32,
    /// The distance by which the backend sets centred text too high, as a share of the font's size.
    pub(crate) rise: f64,
}

pub(crate) type DrawError<B> = DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>;
pub(crate) type DrawResult<B> = Result<(), DrawError<B>>;
pub(crate) type Chart<'a, B> = ChartContext<'a, B, Cartesian2d<ChartAxis, ChartAxis>>;

/// Room around a chart's data, in the drawing's units.
#[derive(Clone, Copy)]
pub(crate) struct Margins {
    pub(crate) top: u32,
    pub(crate) right: u32,
    pub(crate) bottom: u32,
}

impl<B: DrawingBackend> Canvas<'_, B> {
    pub(crate) fn px(&self, units: u32) -> u32 {
        units * self.scale
    }

    pub(crate) fn at(&self, x: u32, y: u32) -> (i32, i32) {
        (self.px(x) as i32, self.px(y) as i32)
    }

    pub(crate) fn line(&self, colour: RGBColor) -> ShapeStyle {
        colour.stroke_width(self.px(2))
    }

    pub(crate) fn style(&self, size: u32) -> TextStyle<'static> {
        ("sans-serif", self.px(size)).into_font().color(&colour::TEXT)
    }

    /// Sets text with its middle, or its left or right end, at a place in pixels.
    pub(crate) fn text(&self, text: &str, (x, y): (i32, i32), size: u32, side: HPos) -> DrawResult<B> {
        let style = self.style(size).pos(Pos::new(side, VPos::Center));
        self.root.draw(&Text::new(text.to_owned(), (x, y + self.sink(size)), style))
    }

    /// The correction that centres text of a size at its place.
    pub(crate) fn sink(&self, size: u32) -> i32 {
        (f64::from(self.px(size)) * self.rise).round() as i32
    }

    /// The width of text, in pixels.
    pub(crate) fn width(&self, text: &str, size: u32) -> Result<i32, DrawError<B>> {
        Ok(self.root.estimate_text_size(text, &self.style(size))?.0 as i32)
    }

    /// An empty chart on `area` with `margins` around it.
    pub(crate) fn chart<'a>(
        &self,
        area: &'a DrawingArea<B, Shift>,
        margins: Margins,
        across: ChartAxis,
        up: ChartAxis,
    ) -> Result<Chart<'a, B>, DrawError<B>> {
        ChartBuilder::on(area)
            .margin_top(self.px(margins.top))
            .margin_right(self.px(margins.right))
            .margin_left(self.px(LEFT))
            .margin_bottom(self.px(margins.bottom))
            .build_cartesian_2d(across, up)
    }

    /// Draws grid, axes, numbers and titles: `vertical` at the left, `horizontal` below.
    pub(crate) fn axes(&self, chart: &Chart<'_, B>, vertical: &str, horizontal: Option<&str>) -> DrawResult<B> {
        let area = chart.plotting_area();
        let (across, up) = (area.get_x_range(), area.get_y_range());
        let (left, bottom) = area.map_coordinate(&(across.start, up.start));
        let (right, top) = area.map_coordinate(&(across.end, up.end));
        let px = |units: u32| self.px(units) as i32;
        let line =
            |from, to, ink: RGBColor| self.root.draw(&PathElement::new(vec![from, to], ink.stroke_width(self.px(1))));
        let spec = area.as_coord_spec();
        for &value in &spec.x_spec().ticks {
            let (x, _) = area.map_coordinate(&(value, up.start));
            line((x, bottom), (x, top), colour::GRID)?;
            if horizontal.is_some() {
                line((x, bottom), (x, bottom + px(5)), colour::TEXT)?;
                self.text(&(spec.x_spec().label)(value), (x, bottom + px(16)), TEXT_SIZE, HPos::Center)?;
            }
        }
        for &value in &spec.y_spec().ticks {
            let (_, y) = area.map_coordinate(&(across.start, value));
            line((left, y), (right, y), colour::GRID)?;
            line((left - px(5), y), (left, y), colour::TEXT)?;
            self.text(&(spec.y_spec().label)(value), (left - px(9), y), TEXT_SIZE, HPos::Right)?;
        }
        line((left, bottom), (left, top), colour::TEXT)?;
        line((left, bottom), (right, bottom), colour::TEXT)?;
        if let Some(horizontal) = horizontal {
            self.text(horizontal, ((left + right) / 2, bottom + px(38)), TEXT_SIZE, HPos::Center)?;
        }
        let upwards =
            ("sans-serif", self.px(TEXT_SIZE)).into_font().transform(FontTransform::Rotate270).color(&colour::TEXT);
        let upwards = upwards.pos(Pos::new(HPos::Center, VPos::Center));
        let at = (px(20) + self.sink(TEXT_SIZE), (top + bottom) / 2);
        self.root.draw(&Text::new(vertical.to_owned(), at, upwards))
    }
}
