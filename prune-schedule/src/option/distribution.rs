//! The fields `distribution`, `min_density` and `max_density`: the shares of layers in a density of all layers
//! together.

use prune_core::Density;

use super::EventOption;
use super::read::{number, word};
use crate::error::{Problem, StrategyError};
use crate::event::Event;
use crate::tree::{EventFields, Node, NodeValue};
use crate::value::{DensityBounds, DistributionRule};

const WANTED: &str = "'global', 'global_l2', 'uniform' or 'erk'";

pub(super) const OPTION: EventOption =
    EventOption { fields: &["distribution", "min_density", "max_density"], read, write, tell: |_, event| tell(event) };

fn read(written: &EventFields<'_, '_>, event: Event) -> Result<Event, StrategyError> {
    let event = written.put("distribution", event, |node, event| {
        event.with_distribution(DistributionRule::ALL[word("distribution", WANTED, &DistributionRule::NAMES, node)?])
    })?;
    let least = |node: &Node, event: Event| event.with_min_density(bound(written, "min_density", node)?);
    let most = |node: &Node, event: Event| event.with_max_density(bound(written, "max_density", node)?);
    written.put("max_density", written.put("min_density", event, least)?, most)
}

fn bound(written: &EventFields<'_, '_>, field: &'static str, node: &Node) -> Result<DensityBounds, StrategyError> {
    let density = |node: &Node| -> Result<Density, StrategyError> {
        let number = number(field, "a density such as 0.05, or a table from layers to densities", node)?;
        Ok(Density::new(number).map_err(Problem::from)?)
    };
    match &node.value {
        NodeValue::Table(entries) => Ok(DensityBounds::By(written.layers(entries, density)?)),
        _ => density(node).map(DensityBounds::Every),
    }
}

fn write(event: &Event) -> Vec<(&'static str, NodeValue)> {
    let distribution = Some(event.distribution()).filter(|&by| by != DistributionRule::Global);
    let fields = [
        distribution.map(|by| ("distribution", NodeValue::text(by.to_string()))),
        event.min_density().map(|bound| ("min_density", written_as(bound))),
        event.max_density().map(|bound| ("max_density", written_as(bound))),
    ];
    fields.into_iter().flatten().collect()
}

fn tell(event: &Event) -> Option<String> {
    let distribution = match event.distribution() {
        DistributionRule::Global => None,
        DistributionRule::GlobalL2 => Some("scores over their layer's norm".to_owned()),
        DistributionRule::Uniform => Some("shared out uniformly".to_owned()),
        DistributionRule::Erk => Some("shared out by ERK".to_owned()),
    };
    let least = event.min_density().map(|bound| format!("no layer below {bound}"));
    let most = event.max_density().map(|bound| format!("no layer above {bound}"));
    let told = [distribution, least, most].into_iter().flatten().collect::<Vec<_>>().join(", ");
    (!told.is_empty()).then_some(told)
}

fn written_as(bound: &DensityBounds) -> NodeValue {
    match bound {
        DensityBounds::Every(density) => NodeValue::Float(density.get()),
        DensityBounds::By(layers) => {
            let entry = |(name, density): (&String, &Density)| {
                (NodeValue::text(name).into(), NodeValue::Float(density.get()).into())
            };
            NodeValue::Table(layers.iter().map(entry).collect())
        }
    }
}
