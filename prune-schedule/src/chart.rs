//! A strategy drawn over the epochs of a training, before anything is trained.

use crate::event::{Event, Target};
use crate::key::Key;
use crate::moment::Moment;
use crate::percent::percent;
use crate::strategy::Strategy;
use crate::timeline::selection;

/// The most columns that time takes.
const COLUMNS: u64 = 60;
/// Eighths of a column's height.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The sign for sparse training, which moves the kept elements.
const MOVES: char = '~';

/// The state of a layer in one column: no event yet, a density, or moving elements.
#[derive(Clone, Copy, PartialEq)]
enum Cell {
    Before,
    Density(f64),
    Moves,
    /// Another event for the same layers has taken over.
    After,
}

impl Cell {
    fn draw(self) -> char {
        match self {
            Cell::Before | Cell::After => ' ',
            Cell::Moves => MOVES,
            Cell::Density(density) => HEIGHTS[((density * 8.0).ceil() as usize).clamp(1, 8) - 1],
        }
    }
}

/// The layers of an event. A later event takes over from earlier ones for the same layers.
#[derive(Clone, PartialEq)]
enum LineLayers {
    /// Every prunable layer.
    All,
    /// The layers that `include` and `exclude` select.
    Some(String),
    /// One layer, by name.
    Layer(String),
}

/// One line of the chart.
struct Line {
    label: String,
    layers: String,
    who: LineLayers,
    first: f64,
    cells: Vec<Cell>,
    reaches: String,
}

impl Strategy {
    /// Draws the strategy over a training of `epochs` epochs of `steps` steps each, one line an event. A bar is as high
    /// as the density that holds from the end of its epoch on; `~` marks sparse training, which moves the kept
    /// elements. A line ends where another event for the same layers takes over.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_schedule::Strategy;
    ///
    /// let strategy: Strategy = "{'2..=8': {'method': 'unstr_global', 'density': 0.1, 'schedule': 'cubic'}}".parse()?;
    /// assert_eq!(strategy.chart(10, 100), "\
    /// epoch         0.........10
    /// unstr_global    █▅▃▂▂▁▁▁▁  100% to 10%, all prunable layers together");
    /// # Ok::<(), prune_schedule::StrategyError>(())
    /// ```
    pub fn chart(&self, epochs: u64, steps: u64) -> String {
        let (epochs, steps) = (epochs.max(1), steps.max(1));
        let columns = epochs.min(COLUMNS) + 1;
        let time = |column: u64| column as f64 * epochs as f64 / (columns - 1) as f64;
        let mut lines: Vec<Line> = self
            .events()
            .flat_map(|(key, event)| {
                let scale = if key.in_steps() { steps as f64 } else { 1.0 };
                let cells = |target: Option<Target>| {
                    let span = |column: u64| (time(column) * scale, time(column + 1) * scale);
                    (0..columns).map(|column| cell(self, key, event, target, span(column))).collect()
                };
                let first = key.first().unwrap_or(1) as f64 / scale;
                let label = event.method().name().to_owned();
                let line = move |layers: String, who: LineLayers, reaches: String, cells: Vec<Cell>| Line {
                    label: label.clone(),
                    layers,
                    who,
                    first,
                    cells,
                    reaches,
                };
                match event.targets() {
                    none if none.is_empty() => {
                        vec![line(selection(event), who(event, None), "as many as before".to_owned(), cells(None))]
                    }
                    targets => targets
                        .into_iter()
                        .map(|(layer, target)| {
                            let layers = layer.map_or_else(|| selection(event), str::to_owned);
                            line(layers, who(event, layer), reaches(event, target), cells(Some(target)))
                        })
                        .collect(),
                }
            })
            .collect();
        take_over(&mut lines, &(0..columns).map(time).collect::<Vec<_>>());
        draw(&lines, epochs, columns)
    }
}

/// The state of one column, which reaches from `time` to `until` in the unit of the key: the density at its beginning,
/// or moving.
fn cell(strategy: &Strategy, key: Key, event: &Event, target: Option<Target>, (time, until): (f64, f64)) -> Cell {
    let first = key.first().unwrap_or(1);
    let Some(target) = target else {
        return match key.last() {
            _ if until <= first as f64 => Cell::Before,
            Some(last) if time <= last as f64 => Cell::Moves,
            _ => Cell::After,
        };
    };
    let time = time.floor() as u64;
    if time < first {
        return Cell::Before;
    }
    // Under `-1` nothing happens while another key covers the epoch.
    if key == Key::OtherEpochs && strategy.covering(Moment::Epoch(time)).is_some_and(|(covering, _)| covering != key) {
        return Cell::After;
    }
    let last = key.last().unwrap_or(u64::MAX);
    let every = event.interval(key);
    let due = if time >= last { last } else { first + (time - first) / every * every };
    let resolved = event.at_time(key, due);
    let targets = resolved.targets().into_iter().zip(event.targets());
    let now = targets.into_iter().find(|(_, (_, end))| *end == target).map_or(target, |((_, now), _)| now);
    Cell::Density(now.density().get())
}

fn who(event: &Event, layer: Option<&str>) -> LineLayers {
    match layer {
        Some(layer) => LineLayers::Layer(layer.to_owned()),
        None if event.include().is_empty() && event.exclude().is_empty() => LineLayers::All,
        None => LineLayers::Some(format!("{:?} {:?}", event.include(), event.exclude())),
    }
}

fn reaches(event: &Event, target: Target) -> String {
    let kept = percent(target.density().get());
    match (event.ramp(), target) {
        (Some(ramp), _) => format!("{} to {kept}", percent(ramp.from.get())),
        (None, Target::Pattern(pattern)) => format!("{pattern}, {kept}"),
        (None, _) => kept,
    }
}

/// Ends each line where a later event for the same layers, or for all layers, begins.
fn take_over(lines: &mut [Line], times: &[f64]) {
    let begins: Vec<(LineLayers, f64, bool)> =
        lines.iter().map(|line| (line.who.clone(), line.first, line.cells.contains(&Cell::Moves))).collect();
    for line in lines.iter_mut().filter(|line| !line.cells.contains(&Cell::Moves)) {
        let (own, first) = (line.who.clone(), line.first);
        let later = begins
            .iter()
            .filter(|(who, begin, moves)| (*who == own || *who == LineLayers::All) && *begin > first && !moves);
        let Some(end) = later.map(|(_, begin, _)| *begin).min_by(f64::total_cmp) else { continue };
        for (cell, time) in line.cells.iter_mut().zip(times) {
            if *time >= end {
                *cell = Cell::After;
            }
        }
    }
}

fn draw(lines: &[Line], epochs: u64, columns: u64) -> String {
    let width = lines.iter().map(|line| line.label.len()).chain(["epoch".len()]).max().unwrap_or(0);
    let end = epochs.to_string();
    let dots = ".".repeat(columns.saturating_sub(2) as usize);
    let mut out = format!("{:width$}  0{dots}{end}", "epoch");
    for line in lines {
        let bars: String = line.cells.iter().map(|cell| cell.draw()).collect();
        let layers = prune_core::printable(&line.layers);
        out.push_str(&format!("\n{:width$}  {bars}  {}, {layers}", line.label, line.reaches));
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn chart(text: &str, epochs: u64, steps: u64) -> String {
        text.parse::<Strategy>().unwrap().chart(epochs, steps)
    }

    #[test]
    fn later_events_take_over() {
        let drawn = chart(
            "{2: {'method': 'str_unified_local', 'pattern': (2, 4)}, 4: {'method': 'str_unified_local', 'pattern': (1, 4)}}",
            7,
            79,
        );
        assert_eq!(
            drawn,
            "epoch              0......7\n\
             str_unified_local    ▄▄      2:4, 50%, each prunable layer\n\
             str_unified_local      ▂▂▂▂  1:4, 25%, each prunable layer"
        );
    }

    #[test]
    fn steps_are_drawn_over_their_epochs() {
        let drawn = chart(
            "{0: {'method': 'unstr_global', 'density': 0.1, 'score': 'random'},
              '10..=60 steps': {'method': 'rigl', 'every': 10}}",
            8,
            10,
        );
        assert_eq!(
            drawn,
            "epoch         0.......8\n\
             unstr_global  ▁▁▁▁▁▁▁▁▁  10%, all prunable layers together\n\
             rigl           ~~~~~~    as many as before, each masked layer"
        );
    }

    #[test]
    fn long_trainings_and_none_are_drawn() {
        assert_eq!(chart("{}", 1, 1), "epoch  01");
        let drawn = chart(
            "{2: {'method': 'unstr_global', 'density': 0.5}, 4: {'method': 'str_unified_local', 'pattern': '1:4'}}",
            5,
            1,
        );
        assert_eq!(
            drawn,
            "epoch              0....5\nunstr_global         ▄▄    50%, all prunable layers together\n\
             str_unified_local      ▂▂  1:4, 25%, each prunable layer"
        );
        let drawn = chart("{'1..=1000': {'method': 'unstr_global', 'density': 0.5}}", 1000, 5);
        assert_eq!(drawn.lines().nth(1).unwrap().chars().filter(|&c| c == '▄').count(), 60);
        let drawn = chart(
            "{-1: {'method': 'unstr_global', 'density': 1.0}, 3: {'method': 'unstr_local', 'density': {'a': 0.5}}}",
            4,
            1,
        );
        assert_eq!(
            drawn,
            "epoch         0...4\nunstr_local      ▄▄  50%, a\nunstr_global   ██ █  100%, all prunable layers together"
        );
    }
}
