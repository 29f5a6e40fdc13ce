//! The drawing itself, on any canvas.
//!
//! Colours are Okabe and Ito's, which colour-blind readers tell apart; lines differ by dashes and marks too, and the
//! legend stands above the data.

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, PathElement, Rectangle, Text, TriangleMarker};
use plotters::prelude::DrawingBackend;
use plotters::series::{DashedLineSeries, LineSeries};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle, WHITE};

use super::axis::{Axis, accuracy_range, number, ticks};
use super::curves::Curves;

/// Width and height in the drawing's units.
pub(super) const SIZE: (u32, u32) = (860, 560);

/// Blue.
pub(super) const PRUNED: RGBColor = RGBColor(0, 114, 178);
/// Orange, as dark as it reads on white.
pub(super) const TWIN: RGBColor = RGBColor(213, 94, 0);
/// Bluish green.
pub(super) const DENSITY: RGBColor = RGBColor(0, 158, 115);
/// Nearly black.
pub(super) const TEXT: RGBColor = RGBColor(34, 34, 34);
/// Where an event is.
const EVENT: RGBColor = RGBColor(110, 110, 110);
/// Where masks float.
const FLOATING: RGBColor = RGBColor(236, 236, 236);
/// Lines that help to read off a value.
const GRID: RGBColor = RGBColor(226, 226, 226);

/// Room left of the data for numbers and what they are.
const LEFT: u32 = 78;
const RIGHT: u32 = 24;
/// Room above the data for title, legend and the events' labels.
const TOP: u32 = 100;
/// Height of the lower chart with its axis.
const LOWER: u32 = 176;
const AXIS: u32 = 52;
const FONT: u32 = 14;
/// From so many epochs on, points have no marks.
const MOST_MARKS: u64 = 40;
/// From so many events on, each has no line of its own.
const MOST_LINES: usize = 60;

/// A drawing area with the pixels for one of the drawing's units.
pub(super) struct Canvas<'a, B: DrawingBackend> {
    pub(super) root: &'a DrawingArea<B, Shift>,
    pub(super) scale: u32,
    /// How far above its place the backend sets text that is to be centred there, as a share of the font's size.
    pub(super) rise: f64,
}

type Result<B> = std::result::Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;
type Chart<'a, B> = ChartContext<'a, B, Cartesian2d<Axis, Axis>>;
type Points = Vec<(f64, f64)>;

/// Draws `curves`.
pub(super) fn draw<B: DrawingBackend>(canvas: &Canvas<'_, B>, curves: &Curves) -> Result<B> {
    canvas.root.fill(&WHITE)?;
    let (upper, lower) = canvas.root.split_vertically(canvas.px(SIZE.1 - LOWER));
    canvas.heading(curves)?;

    let percent = |points: &[(u64, f64)]| -> Points {
        points.iter().map(|&(epoch, value)| (epoch as f64, value * 100.0)).collect()
    };
    let (pruned, twin, density) = (percent(&curves.pruned), percent(&curves.twin), percent(&curves.density));
    let range = accuracy_range(pruned.iter().chain(&twin).map(|&(_, accuracy)| accuracy));

    let mut chart = canvas.chart(&upper, (TOP, 10), range, curves.epochs)?;
    canvas.shades(&chart, curves)?;
    canvas.axes(&chart, "test accuracy, %", None)?;
    canvas.events(&chart, curves, true)?;
    chart.draw_series(DashedLineSeries::new(twin.iter().copied(), canvas.px(7), canvas.px(5), canvas.line(TWIN)))?;
    chart.draw_series(LineSeries::new(pruned.iter().copied(), canvas.line(PRUNED)))?;
    if curves.epochs <= MOST_MARKS {
        let size = canvas.px(4);
        chart.draw_series(twin.iter().map(|&at| TriangleMarker::new(at, size + canvas.px(1), TWIN.filled())))?;
        chart.draw_series(pruned.iter().map(|&at| Circle::new(at, size, PRUNED.filled())))?;
    }

    let whole = (0.0, 105.0);
    let mut chart = canvas.chart(&lower, (10, AXIS), whole, curves.epochs)?;
    canvas.shades(&chart, curves)?;
    canvas.axes(&chart, "density, %", Some("epoch"))?;
    canvas.events(&chart, curves, false)?;
    chart.draw_series(LineSeries::new(density, canvas.line(DENSITY)))?;
    canvas.root.present()
}

impl<B: DrawingBackend> Canvas<'_, B> {
    fn px(&self, units: u32) -> u32 {
        units * self.scale
    }

    fn at(&self, x: u32, y: u32) -> (i32, i32) {
        (self.px(x) as i32, self.px(y) as i32)
    }

    fn line(&self, colour: RGBColor) -> ShapeStyle {
        colour.stroke_width(self.px(2))
    }

    fn style(&self, size: u32) -> TextStyle<'static> {
        ("sans-serif", self.px(size)).into_font().color(&TEXT)
    }

    /// Sets text with its middle, or its left or right end, at a place in pixels.
    fn text(&self, text: &str, (x, y): (i32, i32), size: u32, side: HPos) -> Result<B> {
        let style = self.style(size).pos(Pos::new(side, VPos::Center));
        self.root.draw(&Text::new(text.to_owned(), (x, y + self.sink(size)), style))
    }

    /// What brings text of a size back to where it is to be centred.
    fn sink(&self, size: u32) -> i32 {
        (f64::from(self.px(size)) * self.rise).round() as i32
    }

    /// How wide text is, in pixels.
    fn width(&self, text: &str, size: u32) -> std::result::Result<i32, DrawingAreaErrorKind<B::ErrorType>> {
        Ok(self.root.estimate_text_size(text, &self.style(size))?.0 as i32)
    }

    /// Title and legend.
    fn heading(&self, curves: &Curves) -> Result<B> {
        self.text(&curves.title, self.at(LEFT, 24), 18, HPos::Left)?;
        let (mut x, y) = self.at(LEFT, 54);
        let px = |units: u32| self.px(units) as i32;
        let floats = curves.events.iter().any(|event| event.floats);
        let floating = floats.then_some(("mask floats", FLOATING));
        let entries = [("pruned", PRUNED), ("dense twin", TWIN), ("density", DENSITY), ("event", EVENT)];
        for (name, colour) in entries.into_iter().chain(floating) {
            // An event's upright line takes less room than the others.
            x -= if colour == EVENT { px(14) } else { 0 };
            let middle = (x + px(if colour == EVENT { 28 } else { 17 }), y);
            let level =
                |from: u32, to: u32| PathElement::new(vec![(x + px(from), y), (x + px(to), y)], self.line(colour));
            match colour {
                TWIN => {
                    for dash in [level(0, 7), level(12, 22), level(27, 34)] {
                        self.root.draw(&dash)?;
                    }
                    self.root.draw(&TriangleMarker::new(middle, px(5), colour.filled()))?;
                }
                EVENT => {
                    let upright = vec![(middle.0, y - px(9)), (middle.0, y + px(9))];
                    self.root.draw(&PathElement::new(upright, colour.stroke_width(self.px(1))))?;
                }
                FLOATING => {
                    let patch = [(x + px(4), y - px(9)), (x + px(34), y + px(9))];
                    self.root.draw(&Rectangle::new(patch, colour.filled()))?;
                }
                PRUNED => {
                    self.root.draw(&level(0, 34))?;
                    self.root.draw(&Circle::new(middle, px(4), colour.filled()))?;
                }
                _ => self.root.draw(&level(0, 34))?,
            }
            self.text(name, (x + px(42), y), FONT, HPos::Left)?;
            x += px(42 + 30) + self.width(name, FONT)?;
        }
        Ok(())
    }

    /// A chart over the epochs with `margins` above and below.
    fn chart<'a>(
        &self,
        area: &'a DrawingArea<B, Shift>,
        margins: (u32, u32),
        (low, high): (f64, f64),
        epochs: u64,
    ) -> std::result::Result<Chart<'a, B>, DrawingAreaErrorKind<B::ErrorType>> {
        // Half an epoch of room at the right, for the last mark.
        let end = epochs as f64 * 1.015;
        ChartBuilder::on(area)
            .margin_top(self.px(margins.0))
            .margin_right(self.px(RIGHT))
            .margin_left(self.px(LEFT))
            .margin_bottom(self.px(margins.1))
            .build_cartesian_2d(
                Axis { range: 0.0..end, ticks: ticks(0.0, epochs as f64, 14, 1.0) },
                Axis { range: low..high, ticks: ticks(low, high, 6, 0.0) },
            )
    }

    /// Grid, axes, numbers and what they are: `vertical` at the left, `horizontal` below.
    fn axes(&self, chart: &Chart<'_, B>, vertical: &str, horizontal: Option<&str>) -> Result<B> {
        let area = chart.plotting_area();
        let (across, up) = (area.get_x_range(), area.get_y_range());
        let (left, bottom) = area.map_coordinate(&(across.start, up.start));
        let (right, top) = area.map_coordinate(&(across.end, up.end));
        let px = |units: u32| self.px(units) as i32;
        let line = |from, to, colour: RGBColor| {
            self.root.draw(&PathElement::new(vec![from, to], colour.stroke_width(self.px(1))))
        };
        let spec = area.as_coord_spec();
        for &epoch in &spec.x_spec().ticks {
            let (x, _) = area.map_coordinate(&(epoch, up.start));
            line((x, bottom), (x, top), GRID)?;
            if horizontal.is_some() {
                line((x, bottom), (x, bottom + px(5)), TEXT)?;
                self.text(&number(epoch), (x, bottom + px(16)), FONT, HPos::Center)?;
            }
        }
        for &value in &spec.y_spec().ticks {
            let (_, y) = area.map_coordinate(&(across.start, value));
            line((left, y), (right, y), GRID)?;
            line((left - px(5), y), (left, y), TEXT)?;
            self.text(&number(value), (left - px(9), y), FONT, HPos::Right)?;
        }
        line((left, bottom), (left, top), TEXT)?;
        line((left, bottom), (right, bottom), TEXT)?;
        if let Some(horizontal) = horizontal {
            self.text(horizontal, ((left + right) / 2, bottom + px(38)), FONT, HPos::Center)?;
        }
        let upwards = ("sans-serif", self.px(FONT)).into_font().transform(FontTransform::Rotate270).color(&TEXT);
        let upwards = upwards.pos(Pos::new(HPos::Center, VPos::Center));
        let at = (px(20) + self.sink(FONT), (top + bottom) / 2);
        self.root.draw(&Text::new(vertical.to_owned(), at, upwards))
    }

    /// A shade where masks float: between two masks of a range nothing is held.
    fn shades(&self, chart: &Chart<'_, B>, curves: &Curves) -> Result<B> {
        let range = chart.plotting_area().get_y_range();
        for pair in curves.events.windows(2).filter(|pair| pair.iter().all(|event| event.floats)) {
            let corners = [(pair[0].epoch as f64, range.start), (pair[1].epoch as f64, range.end)];
            chart.plotting_area().draw(&Rectangle::new(corners, FLOATING.filled()))?;
        }
        Ok(())
    }

    /// A line at each event, its label above the data where there is room.
    fn events(&self, chart: &Chart<'_, B>, curves: &Curves, labelled: bool) -> Result<B> {
        let area = chart.plotting_area();
        let (low, high) = (area.get_y_range().start, area.get_y_range().end);
        let style = EVENT.stroke_width(self.px(1));
        let mut free = 0;
        for (index, event) in curves.events.iter().enumerate() {
            let x = event.epoch as f64;
            let before = index.checked_sub(1).map(|index| &curves.events[index]);
            if curves.events.len() <= MOST_LINES {
                area.draw(&PathElement::new(vec![(x, low), (x, high)], style))?;
            }
            let same = before.is_some_and(|before| event.floats && before.label == event.label);
            let (left, top) = area.map_coordinate(&(x, high));
            let half = self.width(&event.label, FONT)? / 2;
            if labelled && !same && left - half >= free {
                self.text(&event.label, (left, top - self.px(11) as i32), FONT, HPos::Center)?;
                free = left + half + self.px(8) as i32;
            }
        }
        Ok(())
    }
}
