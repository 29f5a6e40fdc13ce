//! The drawing itself, on any canvas.
//!
//! Colours are Okabe and Ito's, which colour-blind readers tell apart; lines differ by dashes and marks too, and the
//! legend stands above the data.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, PathElement, Rectangle, TriangleMarker};
use plotters::prelude::DrawingBackend;
use plotters::series::{DashedLineSeries, LineSeries};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor, WHITE};

use super::curves::Curves;
use crate::picture::{
    AXIS, Canvas, Chart, ChartAxis, DrawError, DrawResult, Drawing, LEFT, Margins, TEXT_SIZE, accuracy_range, colour,
    ticks,
};

const PRUNED: RGBColor = colour::BLUE;
const TWIN: RGBColor = colour::VERMILION;
const DENSITY: RGBColor = colour::GREEN;
/// The line of an event.
const EVENT: RGBColor = colour::GREY;
/// The shade of floating masks.
const FLOATING: RGBColor = RGBColor(236, 236, 236);

const RIGHT: u32 = 24;
/// Room above the data for title, legend and the events' labels.
const TOP: u32 = 100;
/// Height of the lower chart with its axis.
const LOWER: u32 = 176;
/// From this number of epochs on, points have no marks.
const MOST_MARKS: u64 = 40;
/// From this number of events on, events have no lines of their own.
const MOST_LINES: usize = 60;

type Points = Vec<(f64, f64)>;

impl Drawing for Curves {
    fn size(&self) -> (u32, u32) {
        (860, 560)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> DrawResult<B> {
        let curves = self;
        canvas.root.fill(&WHITE)?;
        let (upper, lower) = canvas.root.split_vertically(canvas.px(self.size().1 - LOWER));
        canvas.heading(curves)?;

        let percent = |points: &[(u64, f64)]| -> Points {
            points.iter().map(|&(epoch, value)| (epoch as f64, value * 100.0)).collect()
        };
        let (pruned, twin, density) = (percent(&curves.pruned), percent(&curves.twin), percent(&curves.density));
        let range = accuracy_range(pruned.iter().chain(&twin).map(|&(_, accuracy)| accuracy));

        let mut chart = canvas.over_epochs(&upper, (TOP, 10), range, curves.epochs)?;
        canvas.shades(&chart, curves)?;
        canvas.axes(&chart, "test accuracy, %", None)?;
        canvas.events(&chart, curves, true)?;
        chart.draw_series(DashedLineSeries::new(
            twin.iter().copied(),
            canvas.px(7),
            canvas.px(5),
            canvas.line(TWIN),
        ))?;
        chart.draw_series(LineSeries::new(pruned.iter().copied(), canvas.line(PRUNED)))?;
        if curves.epochs <= MOST_MARKS {
            let size = canvas.px(4);
            chart.draw_series(twin.iter().map(|&at| TriangleMarker::new(at, size + canvas.px(1), TWIN.filled())))?;
            chart.draw_series(pruned.iter().map(|&at| Circle::new(at, size, PRUNED.filled())))?;
        }

        let whole = (0.0, 105.0);
        let mut chart = canvas.over_epochs(&lower, (10, AXIS), whole, curves.epochs)?;
        canvas.shades(&chart, curves)?;
        canvas.axes(&chart, "density, %", Some("epoch"))?;
        canvas.events(&chart, curves, false)?;
        chart.draw_series(LineSeries::new(density, canvas.line(DENSITY)))?;
        canvas.root.present()
    }
}

impl<B: DrawingBackend> Canvas<'_, B> {
    /// Title and legend.
    fn heading(&self, curves: &Curves) -> DrawResult<B> {
        self.text(&curves.title, self.at(LEFT, 24), 18, HPos::Left)?;
        let (mut x, y) = self.at(LEFT, 54);
        let px = |units: u32| self.px(units) as i32;
        let floats = curves.events.iter().any(|event| event.floats);
        let floating = floats.then_some(("mask floats", FLOATING));
        let entries = [("pruned", PRUNED), ("dense twin", TWIN), ("density", DENSITY), ("event", EVENT)];
        for (name, ink) in entries.into_iter().chain(floating) {
            // An event's upright line takes less room than the others.
            x -= if ink == EVENT { px(14) } else { 0 };
            let middle = (x + px(if ink == EVENT { 28 } else { 17 }), y);
            let level = |from: u32, to: u32| PathElement::new(vec![(x + px(from), y), (x + px(to), y)], self.line(ink));
            match ink {
                TWIN => {
                    for dash in [level(0, 7), level(12, 22), level(27, 34)] {
                        self.root.draw(&dash)?;
                    }
                    self.root.draw(&TriangleMarker::new(middle, px(5), ink.filled()))?;
                }
                EVENT => {
                    let upright = vec![(middle.0, y - px(9)), (middle.0, y + px(9))];
                    self.root.draw(&PathElement::new(upright, ink.stroke_width(self.px(1))))?;
                }
                FLOATING => {
                    let patch = [(x + px(4), y - px(9)), (x + px(34), y + px(9))];
                    self.root.draw(&Rectangle::new(patch, ink.filled()))?;
                }
                PRUNED => {
                    self.root.draw(&level(0, 34))?;
                    self.root.draw(&Circle::new(middle, px(4), ink.filled()))?;
                }
                _ => self.root.draw(&level(0, 34))?,
            }
            self.text(name, (x + px(42), y), TEXT_SIZE, HPos::Left)?;
            x += px(42 + 30) + self.width(name, TEXT_SIZE)?;
        }
        Ok(())
    }

    /// A chart over the epochs with room above and below.
    fn over_epochs<'a>(
        &self,
        area: &'a DrawingArea<B, Shift>,
        (top, bottom): (u32, u32),
        (low, high): (f64, f64),
        epochs: u64,
    ) -> Result<Chart<'a, B>, DrawError<B>> {
        // A little room at the right, for the last mark.
        let end = epochs as f64 * 1.015;
        let across = ChartAxis::linear(0.0..end, ticks(0.0, epochs as f64, 14, 1.0));
        let up = ChartAxis::linear(low..high, ticks(low, high, 6, 0.0));
        self.chart(area, Margins { top, right: RIGHT, bottom }, across, up)
    }

    /// Shades the ranges of floating masks: between two masks of a range nothing is held.
    fn shades(&self, chart: &Chart<'_, B>, curves: &Curves) -> DrawResult<B> {
        let range = chart.plotting_area().get_y_range();
        for pair in curves.events.windows(2).filter(|pair| pair.iter().all(|event| event.floats)) {
            let corners = [(pair[0].epoch as f64, range.start), (pair[1].epoch as f64, range.end)];
            chart.plotting_area().draw(&Rectangle::new(corners, FLOATING.filled()))?;
        }
        Ok(())
    }

    /// Draws a line at each event, with its label above the data if there is room.
    fn events(&self, chart: &Chart<'_, B>, curves: &Curves, labelled: bool) -> DrawResult<B> {
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
            let half = self.width(&event.label, TEXT_SIZE)? / 2;
            if labelled && !same && left - half >= free {
                self.text(&event.label, (left, top - self.px(11) as i32), TEXT_SIZE, HPos::Center)?;
                free = left + half + self.px(8) as i32;
            }
        }
        Ok(())
    }
}
