//! The field `ranking`: the group within which elements are ranked. Rule 1 gives the count of each group.

use super::EventOption;
use super::read::word;
use crate::error::StrategyError;
use crate::event::Event;
use crate::tree::{EventFields, NodeValue};
use crate::value::{GroupAxis, Ranking};

const WANTED: &str = "'layer', 'global' or 'output'";

pub(super) const OPTION: EventOption = EventOption { fields: &["ranking"], read, write, tell: |_, event| tell(event) };

fn read(written: &EventFields<'_, '_>, event: Event) -> Result<Event, StrategyError> {
    const RANKINGS: [Ranking; 3] = [Ranking::Layer, Ranking::Global, Ranking::Output(None)];
    written.put("ranking", event, |node, event| {
        event.with_ranking(RANKINGS[word("ranking", WANTED, &Ranking::NAMES, node)?])
    })
}

fn write(event: &Event) -> Vec<(&'static str, NodeValue)> {
    match event.ranking() {
        ranking if ranking == event.default_ranking() => Vec::new(),
        Ranking::Output(_) if matches!(event.default_ranking(), Ranking::Output(_)) => Vec::new(),
        ranking => vec![("ranking", NodeValue::text(ranking.to_string()))],
    }
}

fn tell(event: &Event) -> Option<String> {
    match event.ranking() {
        Ranking::Output(None | Some(GroupAxis::Output)) => Some("each output by itself".to_owned()),
        Ranking::Output(Some(axis)) => Some(format!("each index of axis {axis} by itself")),
        ranking => (ranking != event.default_ranking()).then(|| format!("ranked by {ranking}")),
    }
}
