//! The field `ranking`: within which group elements are ranked, and rule 1 gives the count.

use core::fmt;

use super::EventOption;
use super::axis::GroupAxis;
use super::read::word;
use crate::error::StrategyError;
use crate::event::Event;
use crate::text::node::Value;
use crate::text::written::Written;

const WANTED: &str = "'layer', 'global' or 'output'";
const NAMES: [&str; 3] = ["layer", "global", "output"];

/// Within which group elements are ranked: each group keeps its own share (rule 1), the best of it (rule 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ranking {
    /// Each layer by itself: what `unified_local` and `local` do unless told otherwise.
    Layer,
    /// All selected layers together: what `global` does.
    Global,
    /// Each output of each layer by itself, so that every neuron or filter keeps as many weights; along the axis that is
    /// written, or that of the outputs without one.
    Output(Option<GroupAxis>),
}

impl fmt::Display for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Ranking::Layer => NAMES[0],
            Ranking::Global => NAMES[1],
            Ranking::Output(_) => NAMES[2],
        })
    }
}

pub(super) const OPTION: EventOption = EventOption { fields: &["ranking"], read, write, tell: |_, event| tell(event) };

fn read(written: &Written<'_, '_>, event: Event) -> Result<Event, StrategyError> {
    let Some(node) = written.get("ranking") else { return Ok(event) };
    let ranking = word("ranking", WANTED, &NAMES, node).map(|index| match index {
        0 => Ranking::Layer,
        1 => Ranking::Global,
        _ => Ranking::Output(None),
    });
    ranking.and_then(|ranking| event.ranking(ranking)).map_err(written.at(node))
}

fn write(event: &Event) -> Vec<(&'static str, Value)> {
    match event.ranked_within() {
        ranking if ranking == event.default_ranking() => Vec::new(),
        Ranking::Output(_) if matches!(event.default_ranking(), Ranking::Output(_)) => Vec::new(),
        ranking => vec![("ranking", Value::text(ranking.to_string()))],
    }
}

fn tell(event: &Event) -> Option<String> {
    match event.ranked_within() {
        Ranking::Output(None | Some(GroupAxis::Output)) => Some("each output by itself".to_owned()),
        Ranking::Output(Some(axis)) => Some(format!("each index of axis {axis} by itself")),
        ranking => (ranking != event.default_ranking()).then(|| format!("ranked by {ranking}")),
    }
}
