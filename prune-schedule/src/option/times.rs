//! The fields `schedule`, `power`, `from_density`, `every` and `straight_through`: the course of an event over a range
//! of epochs or steps.

use prune_core::Density;

use super::EventOption;
use super::read::{flag, number, whole, word};
use crate::error::{Problem, StrategyError};
use crate::event::Event;
use crate::key::Key;
use crate::percent::percent;
use crate::tree::{EventFields, NodeValue};
use crate::value::Ramp;

const WANTED: &str = "'linear', 'cubic' or 'polynomial'";
const POWER_IDLE: &str = "it goes with 'schedule': 'polynomial'; leave it out";

pub(super) const OPTION: EventOption =
    EventOption { fields: &["schedule", "power", "from_density", "every", "straight_through"], read, write, tell };

fn read(written: &EventFields<'_, '_>, event: Event) -> Result<Event, StrategyError> {
    let idle = |field: &'static str, why: &str| {
        written.put(field, (), |_, ()| Err(Problem::Contradiction { field, why: why.to_owned() }.into()))
    };
    let event = written.put("schedule", event, |node, event| {
        let power = match word("schedule", WANTED, &Ramp::NAMES, node)? {
            0 => Some(1),
            1 => Some(3),
            _ => None,
        };
        let power = match power {
            Some(power) => idle("power", POWER_IDLE).map(|()| power)?,
            None => written
                .put("power", None, |node, _| {
                    let power = whole("power", "a whole number of 1 or more", 1, node)?;
                    Ok(Some(u32::try_from(power).unwrap_or(u32::MAX)))
                })?
                .ok_or_else(|| {
                    let why = "`polynomial` needs `power`, such as 2".to_owned();
                    Problem::Contradiction { field: "schedule", why }
                })?,
        };
        let from = written.put("from_density", Density::ONE, |node, _| {
            let from = number("from_density", "a density such as 1.0", node)?;
            Ok(Density::new(from).map_err(Problem::from)?)
        })?;
        event.with_ramp(Ramp { from, power })
    })?;
    if written.get("schedule").is_none() {
        idle("power", POWER_IDLE)?;
        idle("from_density", "it goes with `schedule`, which is not written")?;
    }
    let event = written.put("every", event, |node, event| {
        Ok(event.with_every(whole("every", "a whole number of 1 or more", 1, node)?))
    })?;
    written.put("straight_through", event, |node, event| {
        if flag("straight_through", node)? { event.with_straight_through() } else { Ok(event) }
    })
}

fn write(event: &Event) -> Vec<(&'static str, NodeValue)> {
    let mut fields = Vec::new();
    if let Some(ramp) = event.ramp() {
        fields.push(("schedule", NodeValue::text(ramp.name())));
        if !matches!(ramp.power, 1 | 3) {
            fields.push(("power", NodeValue::Int(i64::from(ramp.power))));
        }
        if ramp.from != Density::ONE {
            fields.push(("from_density", NodeValue::Float(ramp.from.get())));
        }
    }
    if let Some(every) = event.written_interval() {
        fields.push(("every", i64::try_from(every).map_or(NodeValue::Int(i64::MAX), NodeValue::Int)));
    }
    if event.straight_through() {
        fields.push(("straight_through", NodeValue::Bool(true)));
    }
    fields
}

fn tell(key: Key, event: &Event) -> Option<String> {
    let ramp = event.ramp().map(|ramp| {
        let power = if matches!(ramp.power, 1 | 3) { String::new() } else { format!(" of power {}", ramp.power) };
        format!("{}{power} from {}", ramp.name(), percent(ramp.from.get()))
    });
    let floats = event
        .floats(key)
        .then(|| if event.straight_through() { "straight through".to_owned() } else { "floats".to_owned() });
    let interval = event.interval(key);
    let every = (interval != 1).then(|| match key {
        Key::Steps { .. } => format!("every {interval} steps"),
        _ => format!("every {interval} epochs"),
    });
    let told = [ramp, floats, every].into_iter().flatten().collect::<Vec<_>>().join(", ");
    (!told.is_empty()).then_some(told)
}
