//! The fields `schedule`, `power`, `from_density`, `every` and `straight_through`: what happens over a range of epochs or
//! steps.

use prune_core::Density;

use super::EventOption;
use super::read::{flag, number, whole, word};
use crate::epoch::Epochs;
use crate::error::{Problem, StrategyError};
use crate::event::Event;
use crate::percent::percent;
use crate::text::node::Value;
use crate::text::written::Written;

/// How the density moves over a range: `d(t) = end + (start - end) * (1 - x)^power`, where x runs from 0 at the first event
/// of the range to 1 at the last (Zhu and Gupta 2017, "To prune, or not to prune").
///
/// Masks are held from each event to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp {
    /// The density at the range's first event.
    pub from: Density,
    /// How steeply it begins: 1 is linear, 3 is cubic.
    pub power: u32,
}

impl Ramp {
    /// From dense, at an even pace.
    pub fn linear() -> Self {
        Ramp { from: Density::ONE, power: 1 }
    }

    /// From dense, fast at first and slow towards the end, when fewer weights are left that can be spared.
    pub fn cubic() -> Self {
        Ramp { from: Density::ONE, power: 3 }
    }

    /// The density `share` of the way to `end`.
    pub(crate) fn density(self, end: Density, share: f64) -> Density {
        if share >= 1.0 {
            return end;
        }
        let left = (1.0 - share).powi(i32::try_from(self.power).unwrap_or(i32::MAX));
        let density = end.get() + (self.from.get() - end.get()) * left;
        // Rounding may leave the range between the two by a hair, and no more.
        let (low, high) = (end.get().min(self.from.get()), end.get().max(self.from.get()));
        Density::new(density.clamp(low, high)).unwrap_or(end)
    }

    fn name(self) -> &'static str {
        match self.power {
            1 => NAMES[0],
            3 => NAMES[1],
            _ => NAMES[2],
        }
    }
}

const WANTED: &str = "'linear', 'cubic' or 'polynomial'";
const NAMES: [&str; 3] = ["linear", "cubic", "polynomial"];

pub(super) const OPTION: EventOption =
    EventOption { fields: &["schedule", "power", "from_density", "every", "straight_through"], read, write, tell };

fn read(written: &Written<'_, '_>, mut event: Event) -> Result<Event, StrategyError> {
    let curve = written.get("schedule");
    let idle = |field: &'static str, why: &'static str| match written.get(field) {
        Some(node) => Err(written.at(node)(Problem::Contradiction { field, why: why.to_owned() }.into())),
        None => Ok(()),
    };
    if let Some(node) = curve {
        let index = word("schedule", WANTED, &NAMES, node).map_err(written.at(node))?;
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

fn tell(epochs: Epochs, event: &Event) -> Option<String> {
    let ramp = event.ramps().map(|ramp| {
        let power = if matches!(ramp.power, 1 | 3) { String::new() } else { format!(" of power {}", ramp.power) };
        format!("{}{power} from {}", ramp.name(), percent(ramp.from.get()))
    });
    let floats = event
        .floats(epochs)
        .then(|| if event.passes_straight_through() { "straight through".to_owned() } else { "floats".to_owned() });
    let interval = event.interval(epochs);
    let every = (interval != 1).then(|| match epochs {
        Epochs::Steps { .. } => format!("every {interval} steps"),
        _ => format!("every {interval} epochs"),
    });
    let told = [ramp, floats, every].into_iter().flatten().collect::<Vec<_>>().join(", ");
    (!told.is_empty()).then_some(told)
}
