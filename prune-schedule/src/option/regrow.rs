//! The fields `fraction` and `decay` of `set` and `rigl`: the share of each layer that moves in an update.

use super::EventOption;
use super::read::{number, word};
use crate::error::{Problem, StrategyError};
use crate::event::{Event, Rule};
use crate::key::Key;
use crate::percent::percent;
use crate::tree::{EventFields, NodeValue};
use crate::value::{Decay, Grow};

const WANTED: &str = "'cosine' or 'constant'";

pub(super) const OPTION: EventOption =
    EventOption { fields: &["fraction", "decay"], read, write, tell: |key, event| tell(key, event) };

fn read(written: &EventFields<'_, '_>, mut event: Event) -> Result<Event, StrategyError> {
    for field in ["fraction", "decay"] {
        event = written.put(field, event, |node, event| {
            let Rule::Regrow(regrow) = event.rule() else {
                let method = event.method().name();
                let why = format!("it goes with `set` and `rigl`, not with `{method}`; leave it out");
                return Err(Problem::Contradiction { field, why }.into());
            };
            let regrow = if field == "fraction" {
                let fraction = number(field, "a number above 0 and at most 1, such as 0.3", node)?;
                regrow.fraction(fraction).map_err(Problem::from)?
            } else {
                regrow.with_decay([Decay::Cosine, Decay::Constant][word(field, WANTED, &Decay::NAMES, node)?])
            };
            Ok(event.with_regrow(regrow))
        })?;
    }
    Ok(event)
}

fn write(event: &Event) -> Vec<(&'static str, NodeValue)> {
    let Rule::Regrow(regrow) = event.rule() else { return Vec::new() };
    let fraction =
        (regrow.initial_fraction() != 0.3).then_some(("fraction", NodeValue::Float(regrow.initial_fraction())));
    let decay = (regrow.decay != Decay::Cosine).then(|| ("decay", NodeValue::text(regrow.decay.to_string())));
    [fraction, decay].into_iter().flatten().collect()
}

fn tell(_: Key, event: &Event) -> Option<String> {
    let Rule::Regrow(regrow) = event.rule() else { return None };
    let grow = match regrow.grow {
        Grow::Random { seed } => format!("at random, seed {seed}"),
        Grow::Gradient => "by gradient".to_owned(),
    };
    Some(format!("moves {} of what is kept, {}; grows {grow}", percent(regrow.initial_fraction()), regrow.decay))
}
