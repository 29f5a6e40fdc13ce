//! The fields `schedule`, `power`, `from_density`, `every` and `straight_through`: what happens over a range of epochs or
//! steps.

use prune_core::Density;

use super::EventOption;
use super::read::{flag, number, whole, word};
use crate::error::{Problem, StrategyError};
use crate::event::Event;
use crate::key::Key;
use crate::percent::percent;
use crate::tree::{Value, Written};
use crate::value::Ramp;

const WANTED: &str = "'linear', 'cubic' or 'polynomial'";

pub(super) const OPTION: EventOption =
    EventOption { fields: &["schedule", "power", "from_density", "every", "straight_through"], read, write, tell };

fn read(written: &Written<'_, '_>, mut event: Event) -> Result<Event, StrategyError> {
    let curve = written.get("schedule");
    let idle = |field: &'static str, why: &'static str| match written.get(field) {
        Some(node) => Err(written.at(node)(Problem::Contradiction { field, why: why.to_owned() }.into())),
        None => Ok(()),
    };
    if let Some(node) = curve {
        let index = word("schedule", WANTED, &Ramp::NAMES, node).map_err(written.at(node))?;
        let power = match (index, written.get("power")) {
            (0, _) => 1,
            (1, _) => 3,
            (_, Some(node)) => {
                let power = whole("power", "a whole number of 1 or more", 1, node).map_err(written.at(node))?;
                u32::try_from(power).unwrap_or(u32::MAX)
            }
            (_, None) => {
                let why = "`polynomial` needs `power`, such as 2".to_owned();
                return Err(written.at(node)(Problem::Contradiction { field: "schedule", why }.into()));
            }
        };
        if index < 2 {
            idle("power", "it goes with 'schedule': 'polynomial'; leave it out")?;
        }
        let from = match written.get("from_density") {
            None => Density::ONE,
            Some(node) => number("from_density", "a density such as 1.0", node)
                .and_then(|from| Ok(Density::new(from).map_err(Problem::from)?))
                .map_err(written.at(node))?,
        };
        event = event.ramp(Ramp { from, power }).map_err(written.at(node))?;
    } else {
        idle("power", "it goes with 'schedule': 'polynomial'; leave it out")?;
        idle("from_density", "it goes with `schedule`, which is not written")?;
    }
    if let Some(node) = written.get("every") {
        let every = whole("every", "a whole number of 1 or more", 1, node).map_err(written.at(node))?;
        event = event.every(every);
    }
    if let Some(node) = written.get("straight_through")
        && flag("straight_through", node).map_err(written.at(node))?
    {
        event = event.straight_through().map_err(written.at(node))?;
    }
    Ok(event)
}

fn write(event: &Event) -> Vec<(&'static str, Value)> {
    let mut fields = Vec::new();
    if let Some(ramp) = event.ramps() {
        fields.push(("schedule", Value::text(ramp.name())));
        if !matches!(ramp.power, 1 | 3) {
            fields.push(("power", Value::Int(i64::from(ramp.power))));
        }
        if ramp.from != Density::ONE {
            fields.push(("from_density", Value::Float(ramp.from.get())));
        }
    }
    if let Some(every) = event.written_interval() {
        fields.push(("every", i64::try_from(every).map_or(Value::Int(i64::MAX), Value::Int)));
    }
    if event.passes_straight_through() {
        fields.push(("straight_through", Value::Bool(true)));
    }
    fields
}

fn tell(epochs: Key, event: &Event) -> Option<String> {
    let ramp = event.ramps().map(|ramp| {
        let power = if matches!(ramp.power, 1 | 3) { String::new() } else { format!(" of power {}", ramp.power) };
        format!("{}{power} from {}", ramp.name(), percent(ramp.from.get()))
    });
    let floats = event
        .floats(epochs)
        .then(|| if event.passes_straight_through() { "straight through".to_owned() } else { "floats".to_owned() });
    let interval = event.interval(epochs);
    let every = (interval != 1).then(|| match epochs {
        Key::Steps { .. } => format!("every {interval} steps"),
        _ => format!("every {interval} epochs"),
    });
    let told = [ramp, floats, every].into_iter().flatten().collect::<Vec<_>>().join(", ");
    (!told.is_empty()).then_some(told)
}
