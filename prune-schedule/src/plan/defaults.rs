//! The defaults of a door, which decide what a strategy leaves open, and the defaults that an event has used.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::method::ScopeKind;
use crate::value::GroupAxis;

/// The defaults of a door, which decide what a strategy leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Defaults {
    /// The axis of N:M groups if none is written.
    pub axis: GroupAxis,
    /// The way in which the door tells weights from other layers, for reports.
    /// [`LayerInfo::weight`](super::LayerInfo::weight) holds the result.
    pub weights: WeightsBy,
}

/// The way in which a door tells weights from other layers, if a strategy does not name its layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WeightsBy {
    /// Every layer of rank 2 or more is a weight.
    Rank,
    /// The table of [`names`](crate::names).
    Names,
    /// The classes of the modules that hold the layers.
    Modules,
}

impl fmt::Display for WeightsBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            WeightsBy::Rank => "the layers of rank 2 or more",
            WeightsBy::Names => "what the table of names says",
            WeightsBy::Modules => "what the classes of modules say",
        })
    }
}

impl Defaults {
    /// The defaults of the library: the last axis, and every layer of rank 2 or more.
    pub const LIBRARY: Defaults = Defaults { axis: GroupAxis::LAST, weights: WeightsBy::Rank };
    /// The defaults of files: the axis of inputs, and the table of names.
    pub const FILES: Defaults = Defaults { axis: GroupAxis::Reduction, weights: WeightsBy::Names };

    /// These defaults with another axis.
    #[must_use]
    pub fn with_axis(self, axis: GroupAxis) -> Self {
        Defaults { axis, ..self }
    }

    /// These defaults with another way to tell weights.
    #[must_use]
    pub fn with_weights(self, weights: WeightsBy) -> Self {
        Defaults { weights, ..self }
    }
}

impl Default for Defaults {
    fn default() -> Self {
        Defaults::LIBRARY
    }
}

/// The defaults that decided what an event left open. Displays as a line of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UsedDefaults {
    /// The axis of groups, channels or outputs, if the event does not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axis: Option<GroupAxis>,
    /// The way to tell weights, if the event does not name its layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<WeightsBy>,
}

impl UsedDefaults {
    /// The door's defaults that an event uses.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_schedule::{Defaults, Strategy, UsedDefaults};
    ///
    /// let strategy: Strategy = "{1: {'method': 'str_unified_local', 'pattern': '2:4'}, \
    ///                            2: {'method': 'unstr_local', 'density': {'fc.weight': 0.5}}}".parse()?;
    /// let used: Vec<_> = strategy.events().map(|(_, event)| UsedDefaults::of(event, &Defaults::FILES)).collect();
    /// assert_eq!(used[0].to_string(), "by default: the axis is that of the inputs; weights are what the table of names says");
    /// assert!(used[1].is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(event: &Event, defaults: &Defaults) -> Self {
        UsedDefaults {
            axis: if event.axis().is_none() { event.axis_or(defaults.axis) } else { None },
            weights: (event.method().scope != ScopeKind::Local).then_some(defaults.weights),
        }
    }

    /// True if the event leaves nothing open.
    pub fn is_empty(&self) -> bool {
        *self == UsedDefaults::default()
    }
}

impl fmt::Display for UsedDefaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let axis = self.axis.map(|axis| match axis {
            GroupAxis::LAST => "the axis is the last".to_owned(),
            GroupAxis::Index(index) => format!("the axis is {index}"),
            GroupAxis::Reduction => "the axis is that of the inputs".to_owned(),
            GroupAxis::Output => "the axis is that of the outputs".to_owned(),
        });
        let weights = self.weights.map(|weights| format!("weights are {weights}"));
        let used: Vec<String> = axis.into_iter().chain(weights).collect();
        f.pad(&format!("by default: {}", if used.is_empty() { "nothing".to_owned() } else { used.join("; ") }))
    }
}
