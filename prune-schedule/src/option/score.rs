//! The field `score`: the score that ranks the elements.

use prune_core::Score;

use super::EventOption;
use super::read::wrong;
use crate::error::{Problem, StrategyError};
use crate::event::Event;
use crate::tree::{EventFields, NodeValue};
use crate::words::{clip, nearest};

pub(super) const OPTION: EventOption = EventOption { fields: &["score"], read, write, tell: |_, event| tell(event) };

fn read(written: &EventFields<'_, '_>, event: Event) -> Result<Event, StrategyError> {
    written.put("score", event, |node, event| {
        let NodeValue::Text(name) = &node.value else { return Err(wrong("score", "a name such as 'magnitude'", node)) };
        let score = Score::named(name, super::seed::read(written)?.unwrap_or(0));
        let nearest = || nearest(name, Score::names()).map(str::to_owned);
        event.with_score(score.ok_or_else(|| Problem::UnknownScore { name: clip(name), nearest: nearest() })?)
    })
}

fn write(event: &Event) -> Vec<(&'static str, NodeValue)> {
    let score = event.score();
    if score == Score::magnitude() { Vec::new() } else { vec![("score", NodeValue::text(score.name()))] }
}

fn tell(event: &Event) -> Option<String> {
    let score = event.score();
    (score != Score::magnitude()).then(|| format!("by {score}"))
}
