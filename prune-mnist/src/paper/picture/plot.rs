//! Error against compression, with the published points.

use plotters::element::{Circle, PathElement};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, WHITE};

use crate::paper::stats::Summary;
use crate::picture::{
    AXIS, Canvas, ChartAxis, DrawResult, Drawing, INKS, LEFT, Margins, TEXT_SIZE, TWIN, colour, ticks,
};

/// Curves of errors, and the published points.
pub(in crate::paper) struct Plot {
    pub(in crate::paper) title: String,
    /// The dense twin's error, in percent.
    pub(in crate::paper) twin: Summary,
    pub(in crate::paper) curves: Vec<Curve>,
    pub(in crate::paper) marks: Vec<Mark>,
    pub(in crate::paper) across: Across,
}

/// The quantity on the horizontal axis; positions are the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::paper) enum Across {
    /// Up to about 100x.
    Compression,
    /// Density in percent, from 100 down to about 3.
    Density,
    /// Density in percent, from about 13 down to about 1.5.
    LowDensity,
}

impl Across {
    fn axis(self) -> ChartAxis {
        match self {
            Self::Compression => ChartAxis::logarithmic(0.9..130.0, &[1.0, 2.0, 4.0, 8.0, 12.0, 25.0, 50.0, 100.0]),
            Self::Density => Self::kept(ChartAxis::logarithmic(0.9..32.0, &[1.0, 2.0, 5.0, 10.0, 20.0])),
            Self::LowDensity => {
                Self::kept(ChartAxis::logarithmic(7.5..68.0, &[10.0, 12.5, 20.0, 25.0, 100.0 / 3.0, 50.0]))
            }
        }
    }

    /// The same axis with densities in percent beside its ticks.
    fn kept(axis: ChartAxis) -> ChartAxis {
        ChartAxis { label: |tick| format!("{:.0}", 100.0 / 10_f64.powf(tick)), ..axis }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Compression => "compression: weights for each one kept (logarithmic)",
            Self::Density | Self::LowDensity => "kept of all weights, % (logarithmic)",
        }
    }
}

/// One way to prune.
pub(in crate::paper) struct Curve {
    pub(in crate::paper) name: String,
    /// Compression and error in percent.
    pub(in crate::paper) points: Vec<(f64, Summary)>,
}

/// A published point.
pub(in crate::paper) struct Mark {
    pub(in crate::paper) name: String,
    pub(in crate::paper) compression: f64,
    pub(in crate::paper) error: f64,
}

/// Room for the legend, right of the data.
const LEGEND: u32 = 250;
/// Errors above this many times the twin's are not drawn: a curve that leaves the picture shows enough.
const MOST: f64 = 4.0;

impl Plot {
    /// The range of errors that is drawn, in percent.
    fn range(&self) -> (f64, f64) {
        let limit = (self.twin.mean * MOST).max(self.twin.mean + 0.5);
        let points = self.curves.iter().flat_map(|curve| &curve.points).map(|(_, error)| error);
        let shown = points.chain([&self.twin]).filter(|error| error.mean <= limit).flat_map(|error| {
            let sd = error.sd.unwrap_or(0.0);
            [error.mean - sd, error.mean + sd]
        });
        let shown = shown.chain(self.marks.iter().map(|mark| mark.error).filter(|&error| error <= limit));
        let (low, high) = shown.fold((f64::INFINITY, 0.0_f64), |(low, high), error| (low.min(error), high.max(error)));
        let room = (high - low).max(0.1) * 0.12;
        ((low - room).max(0.0), high + room)
    }
}

/// A rectangle of pixels.
#[derive(Clone, Copy)]
struct Area {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl Area {
    fn around((x, y): (i32, i32), reach: i32) -> Self {
        Self { left: x - reach, top: y - reach, right: x + reach, bottom: y + reach }
    }

    fn meets(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }
}

/// Writes a mark's name beside it: left, right, below or above, at the first free place; left if none is free.
fn label<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    name: &str,
    at: (i32, i32),
    taken: &mut Vec<Area>,
) -> DrawResult<B> {
    let size = TEXT_SIZE - 2;
    let (width, half, gap) = (canvas.width(name, size)?, canvas.px(size) as i32 / 2, canvas.px(9) as i32);
    let below = gap + half;
    // The middle of the text, and its area.
    let middles = [(-gap - width / 2, 0), (gap + width / 2, 0), (0, below), (0, -below)];
    let areas = middles.map(|(x, y)| {
        let (x, y) = (at.0 + x, at.1 + y);
        Area { left: x - width / 2, top: y - half, right: x + width / 2, bottom: y + half }
    });
    let area = areas.into_iter().find(|area| !taken.iter().any(|other| area.meets(other))).unwrap_or(areas[0]);
    taken.push(area);
    canvas.text(name, ((area.left + area.right) / 2, (area.top + area.bottom) / 2), size, HPos::Center)
}

impl Drawing for Plot {
    fn size(&self) -> (u32, u32) {
        (960, 480)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> DrawResult<B> {
        canvas.root.fill(&WHITE)?;
        let (width, _) = self.size();
        canvas.text(&self.title, canvas.at(LEFT, 24), 18, HPos::Left)?;
        let (low, high) = self.range();
        let up = ChartAxis::linear(low..high, ticks(low, high, 7, 0.0));
        let margins = Margins { top: 48, right: LEGEND, bottom: AXIS };
        let chart = canvas.chart(canvas.root, margins, self.across.axis(), up)?;
        canvas.axes(&chart, "error, %", Some(self.across.words()))?;

        let area = chart.plotting_area();
        let place = |compression: f64, error: f64| area.map_coordinate(&(compression.log10(), error));
        let (left, right) = (area.get_x_range().start, area.get_x_range().end);
        let level = |end: f64| area.map_coordinate(&(end, self.twin.mean));
        canvas.path(&[level(left), level(right)], TWIN)?;
        // The areas that names must avoid.
        let mut taken: Vec<Area> = Vec::new();
        for (curve, &ink) in self.curves.iter().zip(&INKS) {
            // A curve is cut off where it leaves the picture at the top.
            let points: Vec<(f64, f64)> =
                curve.points.iter().map(|(compression, error)| (*compression, error.mean)).collect();
            let inside = points.iter().take_while(|(_, error)| *error <= high).count();
            let mut places: Vec<(i32, i32)> = points[..inside].iter().map(|&(x, y)| place(x, y)).collect();
            if let (Some(&(x0, y0)), Some(&(x1, y1))) = (points.get(inside.wrapping_sub(1)), points.get(inside)) {
                let share = (high - y0) / (y1 - y0);
                places.push(place(10_f64.powf(x0.log10() + share * (x1.log10() - x0.log10())), high));
            }
            canvas.path(&places, ink)?;
            for (compression, error) in curve.points.iter().filter(|(_, error)| error.mean <= high) {
                if let Some(sd) = error.sd {
                    let ends = [(error.mean - sd).max(low), (error.mean + sd).min(high)];
                    let whisker = ends.map(|end| place(*compression, end)).to_vec();
                    canvas.root.draw(&PathElement::new(whisker, ink.colour.stroke_width(canvas.px(1))))?;
                }
                let at = place(*compression, error.mean);
                canvas.mark(at, ink)?;
                taken.push(Area::around(at, canvas.px(6) as i32));
            }
        }
        let places: Vec<(i32, i32)> = self.marks.iter().map(|mark| place(mark.compression, mark.error)).collect();
        taken.extend(places.iter().map(|&at| Area::around(at, canvas.px(6) as i32)));
        let ((left, y), (right, _)) = (level(left), level(right));
        taken.push(Area { left, top: y - 1, right, bottom: y + 1 });
        for (mark, &at) in self.marks.iter().zip(&places) {
            let ring = colour::TEXT.stroke_width(canvas.px(2));
            canvas.root.draw(&Circle::new(at, canvas.px(5), WHITE.filled()))?;
            canvas.root.draw(&Circle::new(at, canvas.px(5), ring))?;
            label(canvas, &mark.name, at, &mut taken)?;
        }

        let x = width - LEGEND + 20;
        let mut y = 64;
        canvas.entry("dense twin", (x, y), TWIN)?;
        for (curve, &ink) in self.curves.iter().zip(&INKS) {
            y += 28;
            canvas.entry(&curve.name, (x, y), ink)?;
        }
        if !self.marks.is_empty() {
            y += 28;
            let ring = colour::TEXT.stroke_width(canvas.px(2));
            canvas.root.draw(&Circle::new(canvas.at(x + 17, y), canvas.px(5), ring))?;
            canvas.text("published", canvas.at(x + 42, y), TEXT_SIZE, HPos::Left)?;
        }
        let seeds = self.twin.n;
        let words = if seeds > 1 { format!("mean of {seeds} seeds, bars: 1 sd") } else { "1 seed".to_owned() };
        canvas.text(&words, canvas.at(x, y + 34), TEXT_SIZE - 2, HPos::Left)?;
        if self.curves.iter().flat_map(|curve| &curve.points).any(|(_, error)| error.mean > high) {
            canvas.text("lines go on above the picture", canvas.at(x, y + 54), TEXT_SIZE - 2, HPos::Left)?;
        }
        canvas.root.present()
    }
}
