//! Accuracy and density over epochs, several runs in one picture.

use plotters::prelude::DrawingBackend;
use plotters::style::WHITE;
use plotters::style::text_anchor::HPos;

use crate::picture::{
    AXIS, Canvas, Chart, ChartAxis, DrawResult, Drawing, INKS, Ink, LEFT, Margins, TWIN, accuracy_range, ticks,
};

/// Lines over epochs; the first is the dense twin's.
pub(in crate::paper) struct Epochs {
    pub(in crate::paper) title: String,
    pub(in crate::paper) lines: Vec<ChartLine>,
}

/// A run, or the mean of several.
pub(in crate::paper) struct ChartLine {
    pub(in crate::paper) name: String,
    /// Epoch and accuracy in percent.
    pub(in crate::paper) accuracies: Vec<(f64, f64)>,
    /// Epoch and density in percent.
    pub(in crate::paper) densities: Vec<(f64, f64)>,
}

/// Room for the legend, right of the data.
const LEGEND: u32 = 180;
const LOWER: u32 = 190;

fn inks() -> impl Iterator<Item = Ink> {
    std::iter::once(TWIN).chain(INKS)
}

impl Drawing for Epochs {
    fn size(&self) -> (u32, u32) {
        (960, 560)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> DrawResult<B> {
        canvas.root.fill(&WHITE)?;
        let (width, height) = self.size();
        canvas.text(&self.title, canvas.at(LEFT, 24), 18, HPos::Left)?;
        let (upper, lower) = canvas.root.split_vertically(canvas.px(height - LOWER));
        let last = self.lines.iter().flat_map(|line| &line.accuracies).fold(1.0, |last: f64, point| last.max(point.0));
        let across = || ChartAxis::linear(0.0..last * 1.015, ticks(0.0, last, 14, 1.0));

        let (low, high) = accuracy_range(self.lines.iter().flat_map(|line| &line.accuracies).map(|point| point.1));
        let up = ChartAxis::linear(low..high, ticks(low, high, 8, 0.0));
        let chart = canvas.chart(&upper, Margins { top: 48, right: LEGEND, bottom: 10 }, across(), up)?;
        canvas.axes(&chart, "accuracy, %", None)?;
        for (line, ink) in self.lines.iter().zip(inks()) {
            curve(canvas, &chart, &line.accuracies, ink)?;
        }

        let up = ChartAxis::linear(0.0..105.0, ticks(0.0, 105.0, 6, 0.0));
        let chart = canvas.chart(&lower, Margins { top: 10, right: LEGEND, bottom: AXIS }, across(), up)?;
        canvas.axes(&chart, "density, %", Some("epoch"))?;
        for (line, ink) in self.lines.iter().zip(inks()) {
            curve(canvas, &chart, &line.densities, ink)?;
        }
        for (index, (line, ink)) in self.lines.iter().zip(inks()).enumerate() {
            canvas.entry(&line.name, (width - LEGEND + 20, 64 + 28 * index as u32), ink)?;
        }
        canvas.root.present()
    }
}

fn curve<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    chart: &Chart<'_, B>,
    points: &[(f64, f64)],
    ink: Ink,
) -> DrawResult<B> {
    let places: Vec<(i32, i32)> = points.iter().map(|point| chart.plotting_area().map_coordinate(point)).collect();
    canvas.path(&places, ink)?;
    places.iter().try_for_each(|&place| canvas.mark(place, ink))
}
