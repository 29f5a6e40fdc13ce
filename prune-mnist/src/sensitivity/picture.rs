//! Accuracy against the density of one layer, one line for each layer.

use plotters::element::Circle;
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, WHITE};

use super::goal::Goal;
use super::scan::Scan;
use crate::picture::{
    AXIS, Canvas, ChartAxis, DrawResult, Drawing, INKS, LEFT, Margins, TEXT_SIZE, TWIN, accuracy_range, colour, ticks,
};

/// The content of the picture of a scan.
pub(super) struct Lines<'a> {
    pub(super) title: String,
    pub(super) scan: &'a Scan,
}

/// Room for the legend, right of the data.
const LEGEND: u32 = 250;
/// The most patterns that the legend names.
const MOST_NAMED: usize = 8;

impl Lines<'_> {
    /// The densities of all goals, in percent.
    fn densities(&self) -> impl Iterator<Item = f64> {
        self.scan.goals.iter().map(|goal| 100.0 * goal.density().get())
    }
}

/// 1, 2 and 5 times powers of ten, from 100 down to `low`.
fn percents(low: f64) -> Vec<f64> {
    let digits = |power: i32| [5.0, 2.0, 1.0].map(|digit| digit * 10_f64.powi(power));
    let below = (-15..=1).rev().flat_map(digits).take_while(|&percent| percent >= low * 0.999);
    let all: Vec<f64> = [100.0].into_iter().chain(below).collect();
    // Too many numbers would run into one another; then powers of ten are enough.
    if all.len() <= 12 { all } else { all.into_iter().step_by(3).collect() }
}

/// A percentage without the error of floating point.
fn label(logarithm: f64) -> String {
    let percent = 10_f64.powf(logarithm);
    if percent < 1e-4 { format!("{percent:.0e}") } else { format!("{}", (percent * 1e6).round() / 1e6) }
}

impl Drawing for Lines<'_> {
    fn size(&self) -> (u32, u32) {
        (960, 480)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> DrawResult<B> {
        canvas.root.fill(&WHITE)?;
        let (width, _) = self.size();
        canvas.text(&self.title, canvas.at(LEFT, 24), 18, HPos::Left)?;
        let scan = self.scan;
        let accuracy = |score: &crate::nn::Score| 100.0 * score.accuracy();
        let measured = scan.layers.iter().flat_map(|layer| &layer.measured).map(|measured| accuracy(&measured.score));
        let (low, high) = accuracy_range(measured.chain([accuracy(&scan.dense)]));
        let sparsest = self.densities().fold(100.0, f64::min);
        // Densities fall from left to right, so that more is pruned the further one reads.
        let across = ChartAxis::logarithmic(115.0..sparsest / 1.15, &percents(sparsest));
        let across = ChartAxis { label, ..across };
        let up = ChartAxis::linear(low..high, ticks(low, high, 7, 0.0));
        let margins = Margins { top: 48, right: LEGEND, bottom: AXIS };
        let chart = canvas.chart(canvas.root, margins, across, up)?;
        canvas.axes(&chart, "test accuracy, %", Some("kept of the one layer that is pruned, % (logarithmic)"))?;

        let area = chart.plotting_area();
        let place = |percent: f64, accuracy: f64| area.map_coordinate(&(percent.log10(), accuracy));
        let dense = accuracy(&scan.dense);
        let (left, right) = (area.get_x_range().start, area.get_x_range().end);
        canvas.path(&[left, right].map(|end| area.map_coordinate(&(end, dense))), TWIN)?;
        for (layer, &ink) in scan.layers.iter().zip(INKS.iter().cycle()) {
            let points = scan
                .goals
                .iter()
                .zip(&layer.measured)
                .map(|(goal, measured)| (goal, place(100.0 * goal.density().get(), accuracy(&measured.score))));
            let mut line: Vec<(f64, (i32, i32))> = Vec::new();
            for (goal, at) in points {
                match goal {
                    Goal::Density(density) => line.push((density.get(), at)),
                    Goal::Nm(_) => {
                        canvas.root.draw(&Circle::new(at, canvas.px(7), ink.colour.stroke_width(canvas.px(2))))?;
                    }
                }
            }
            line.sort_by(|a, b| b.0.total_cmp(&a.0));
            let line: Vec<(i32, i32)> = line.into_iter().map(|(_, at)| at).collect();
            canvas.path(&line, ink)?;
            line.into_iter().try_for_each(|at| canvas.mark(at, ink))?;
        }

        let x = width - LEGEND + 20;
        let mut y = 64;
        canvas.entry("dense network", (x, y), TWIN)?;
        for (layer, &ink) in scan.layers.iter().zip(INKS.iter().cycle()) {
            y += 28;
            canvas.entry(&layer.name, (x, y), ink)?;
        }
        let patterns: Vec<String> =
            scan.goals.iter().filter(|goal| matches!(goal, Goal::Nm(_))).map(ToString::to_string).collect();
        if !patterns.is_empty() {
            y += 28;
            let ring = colour::TEXT.stroke_width(canvas.px(2));
            canvas.root.draw(&Circle::new(canvas.at(x + 17, y), canvas.px(7), ring))?;
            let named = patterns[..patterns.len().min(MOST_NAMED)].join(", ");
            canvas.text(&named, canvas.at(x + 42, y), TEXT_SIZE, HPos::Left)?;
        }
        canvas.text("nothing is retrained", canvas.at(x, y + 34), TEXT_SIZE - 2, HPos::Left)?;
        canvas.root.present()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use prune_core::Density;

    use super::*;
    use crate::nn::Score;
    use crate::picture::files;
    use crate::sensitivity::{LayerScan, Measurement};

    fn scan(goals: Vec<Goal>, layers: usize) -> Scan {
        let score = |correct| Score { loss_sum: 1.0, correct, count: 1000 };
        let layer = |index: usize| LayerScan {
            name: format!("Dense_{index}-kernel"),
            weights: 100,
            measured: (0..goals.len())
                .map(|i| Measurement { kept: 9, score: score(950 - i * 90 - index * 7) })
                .collect(),
        };
        Scan { dense: score(960), layers: (0..layers).map(layer).collect(), goals }
    }

    #[test]
    fn the_picture_has_its_words() {
        let densities = [1.0, 0.1, 0.01].map(|density| Goal::Density(Density::new(density).unwrap()));
        let scan = scan([&densities[..], &[Goal::Nm("2:4".parse().unwrap())]].concat(), 3);
        let [(_, svg), _] = files("alone", &Lines { title: "mlp, alone".to_owned(), scan: &scan }).unwrap();
        let text = String::from_utf8(svg).unwrap();
        for word in ["mlp, alone", "Dense_0-kernel", "Dense_2-kernel", "dense network", "2:4", "test accuracy", "50"] {
            assert!(text.contains(word), "{word}");
        }
    }

    #[test]
    fn odd_scans_can_be_drawn() {
        for goals in [
            vec![],
            vec![Goal::Density(Density::new(1.0).unwrap())],
            vec![Goal::Density(Density::new(1e-12).unwrap())],
            vec![Goal::Nm("1:1".parse().unwrap())],
        ] {
            let scan = scan(goals, 7);
            let lines = Lines { title: String::new(), scan: &scan };
            assert!(files("alone", &lines).is_ok());
        }
    }

    #[test]
    fn ticks_are_few_and_say_what_they_are() {
        assert_eq!(percents(1.0), [100.0, 50.0, 20.0, 10.0, 5.0, 2.0, 1.0]);
        assert_eq!(percents(30.0), [100.0, 50.0]);
        assert!(percents(1e-9).len() <= 14);
        assert_eq!([100.0, 5.0, 0.02, 1e-9].map(|percent: f64| label(percent.log10())), ["100", "5", "0.02", "1e-9"]);
    }
}
