//! The field `score`: what ranks the elements.

use prune_core::Score;

use super::EventOption;
use crate::error::{Problem, StrategyError};
use crate::event::Event;
use crate::tree::{Value, Written};
use crate::words::{clip, nearest};

pub(super) const OPTION: EventOption = EventOption { fields: &["score"], read, write, tell: |_, event| tell(event) };

fn read(written: &Written<'_, '_>, event: Event) -> Result<Event, StrategyError> {
    let Some(node) = written.get("score") else { return Ok(event) };
    let score = match &node.value {
        Value::Text(name) => {
            let seed = super::seed::read(written)?.unwrap_or(0);
            Score::named(name, seed).ok_or_else(|| Problem::UnknownScore {
                name: clip(name),
                nearest: nearest(name, Score::names()).map(str::to_owned),
            })
        }
        other => {
            Err(Problem::FieldValue { field: "score", wanted: "a name such as 'magnitude'", found: other.describe() })
        }
    };
    score.map_err(StrategyError::from).and_then(|score| event.score(score)).map_err(written.at(node))
}

fn write(event: &Event) -> Vec<(&'static str, Value)> {
    let score = event.scored_by();
    if score == Score::magnitude() { Vec::new() } else { vec![("score", Value::text(score.name()))] }
}

fn tell(event: &Event) -> Option<String> {
    let score = event.scored_by();
    (score != Score::magnitude()).then(|| format!("by {score}"))
}
