//! The fields `distribution`, `min_density` and `max_density`: how a density of all layers together is shared out.

use std::collections::BTreeMap;

use core::fmt;

use prune_core::Density;

use super::EventOption;
use super::read::{number, word};
use crate::error::{Problem, StrategyError};
use crate::event::Event;
use crate::percent::percent;
use crate::text::node::{Node, Value};
use crate::text::written::Written;

const WANTED: &str = "'global', 'global_l2', 'uniform' or 'erk'";
const NAMES: [&str; 4] = ["global", "global_l2", "uniform", "erk"];
const ALL: [Distribution; 4] = [Distribution::Global, Distribution::GlobalL2, Distribution::Uniform, Distribution::Erk];

/// By what the density of all selected layers together is shared among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Distribution {
    /// One ranking over all of them by their scores as they are.
    #[default]
    Global,
    /// One ranking over all of them by scores divided by their layer's L2 norm.
    GlobalL2,
    /// The same density in each, closed on the total to the element: [`prune_core::Distribution::Uniform`].
    Uniform,
    /// Erdos-Renyi-Kernel: [`prune_core::Distribution::Erk`].
    Erk,
}

impl Distribution {
    /// What shares out counts before anything is ranked, if that is what it does.
    pub(crate) fn shares(self) -> Option<prune_core::Distribution> {
        match self {
            Distribution::Global | Distribution::GlobalL2 => None,
            Distribution::Uniform => Some(prune_core::Distribution::Uniform),
            Distribution::Erk => Some(prune_core::Distribution::Erk),
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(ALL.iter().zip(NAMES).find(|(known, _)| *known == self).map_or("", |(_, name)| name))
    }
}

/// A bound on the density of each layer: one for all, or of the layers in a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// The same for every selected layer.
    Every(Density),
    /// By layer name; other layers have none.
    By(BTreeMap<String, Density>),
}

impl Bound {
    /// The bound of a layer.
    pub fn of(&self, layer: &str) -> Option<Density> {
        match self {
            Bound::Every(density) => Some(*density),
            Bound::By(layers) => layers.get(layer).copied(),
        }
    }

    fn write(&self) -> Value {
        match self {
            Bound::Every(density) => Value::Float(density.get()),
            Bound::By(layers) => Value::Table(
                layers
                    .iter()
                    .map(|(name, density)| (Value::text(name).into(), Value::Float(density.get()).into()))
                    .collect(),
            ),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Every(density) => f.pad(&percent(density.get())),
            Bound::By(layers) => {
                let each = |(name, density): (&String, &Density)| {
                    format!("{} {}", prune_core::printable(name), percent(density.get()))
                };
                f.pad(&layers.iter().map(each).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

pub(super) const OPTION: EventOption =
    EventOption { fields: &["distribution", "min_density", "max_density"], read, write, tell: |_, event| tell(event) };

fn read(written: &Written<'_, '_>, mut event: Event) -> Result<Event, StrategyError> {
    if let Some(node) = written.get("distribution") {
        let distribution = word("distribution", WANTED, &NAMES, node).map(|index| ALL[index]);
        event = distribution.and_then(|distribution| event.distribution(distribution)).map_err(written.at(node))?;
    }
    if let Some(node) = written.get("min_density") {
        event =
            bound(written, "min_density", node).and_then(|bound| event.min_density(bound)).map_err(written.at(node))?;
    }
    if let Some(node) = written.get("max_density") {
        event =
            bound(written, "max_density", node).and_then(|bound| event.max_density(bound)).map_err(written.at(node))?;
    }
    Ok(event)
}

fn bound(written: &Written<'_, '_>, field: &'static str, node: &Node) -> Result<Bound, StrategyError> {
    let density = |node: &Node| -> Result<Density, StrategyError> {
        let number = number(field, "a density such as 0.05, or a table from layers to densities", node)?;
        Ok(Density::new(number).map_err(Problem::from)?)
    };
    match &node.value {
        Value::Table(entries) => Ok(Bound::By(written.layers(entries, density)?)),
        _ => density(node).map(Bound::Every),
    }
}

fn write(event: &Event) -> Vec<(&'static str, Value)> {
    let distribution = Some(event.distributed()).filter(|&by| by != Distribution::Global);
    let fields = [
        distribution.map(|by| ("distribution", Value::text(by.to_string()))),
        event.least().map(|bound| ("min_density", bound.write())),
        event.most().map(|bound| ("max_density", bound.write())),
    ];
    fields.into_iter().flatten().collect()
}

fn tell(event: &Event) -> Option<String> {
    let distribution = match event.distributed() {
        Distribution::Global => None,
        Distribution::GlobalL2 => Some("scores over their layer's norm".to_owned()),
        Distribution::Uniform => Some("shared out uniformly".to_owned()),
        Distribution::Erk => Some("shared out by ERK".to_owned()),
    };
    let least = event.least().map(|bound| format!("no layer below {bound}"));
    let most = event.most().map(|bound| format!("no layer above {bound}"));
    let told = [distribution, least, most].into_iter().flatten().collect::<Vec<_>>().join(", ");
    (!told.is_empty()).then_some(told)
}
