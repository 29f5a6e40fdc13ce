//! Axes: their ranges, their ticks, and the numbers beside the ticks.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

/// A linear axis with chosen ticks.
pub(crate) struct ChartAxis {
    pub(crate) range: Range<f64>,
    pub(crate) ticks: Vec<f64>,
    /// The text beside a tick.
    pub(crate) label: fn(f64) -> String,
}

impl ChartAxis {
    /// An axis whose ticks show their values.
    pub(crate) fn linear(range: Range<f64>, ticks: Vec<f64>) -> Self {
        Self { range, ticks, label: number }
    }

    /// An axis of powers of ten: positions and ticks are logarithms, but the numbers beside the ticks are not.
    pub(crate) fn logarithmic(range: Range<f64>, ticks: &[f64]) -> Self {
        let ticks = ticks.iter().map(|tick| tick.log10()).collect();
        Self { range: range.start.log10()..range.end.log10(), ticks, label: |tick| number(10_f64.powf(tick)) }
    }
}

impl Ranged for ChartAxis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        from + (f64::from(to - from) * share).round() as i32
    }

    fn key_points<H: KeyPointHint>(&self, _: H) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// The range of the accuracies, with some room, in percent.
pub(crate) fn accuracy_range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return (0.0, 100.0);
    }
    let room = (high - low).max(1.0) * 0.08;
    // A mark at 100% must not be cut in half.
    ((low - room).max(-1.0), (high + room).min(101.0))
}

/// A tick's number, without the error of floating point.
pub(crate) fn number(value: f64) -> String {
    format!("{}", (value * 1000.0).round() / 1000.0)
}

/// At most about `most` round numbers from `low` to `high`, at least `least` apart.
pub(crate) fn ticks(low: f64, high: f64, most: u32, least: f64) -> Vec<f64> {
    let rough = ((high - low) / f64::from(most)).max(least).max(1e-6);
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * power).find(|&step| step >= rough * 0.999);
    let step = step.unwrap_or(10.0 * power);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(|tick| tick as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(0.0, 7.0, 14, 1.0), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        assert_eq!(ticks(0.0, 93.0, 14, 1.0), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]);
        assert_eq!(ticks(89.3, 98.9, 6, 0.0), [90.0, 92.0, 94.0, 96.0, 98.0]);
        for (low, high) in [(0.0, 1.0), (97.1, 98.3), (0.0, 100_000.0)] {
            let ticks = ticks(low, high, 6, 0.0);
            assert!((2..=7).contains(&ticks.len()), "{ticks:?}");
        }
    }

    #[test]
    fn logarithms_are_not_shown() {
        let axis = ChartAxis::logarithmic(1.0..128.0, &[1.0, 12.0, 100.0]);
        assert_eq!(axis.ticks.iter().map(|&tick| (axis.label)(tick)).collect::<Vec<_>>(), ["1", "12", "100"]);
        let place = |value: f64| axis.map(&value.log10(), (0, 700));
        assert_eq!([1.0, 2.0, 4.0, 128.0].map(place), [0, 100, 200, 700]);
    }

    #[test]
    fn accuracies_have_room() {
        assert_eq!(accuracy_range([].into_iter()), (0.0, 100.0));
        let (low, high) = accuracy_range([90.0, 98.0].into_iter());
        assert!(low < 90.0 && high > 98.0);
        let (low, high) = accuracy_range([100.0, 0.0].into_iter());
        assert_eq!((low, high), (-1.0, 101.0));
    }
}
