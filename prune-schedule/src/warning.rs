//! Warnings about an event, for the user.

use core::fmt;

use prune_core::{NmPattern, printable};
use serde::{Deserialize, Serialize};

use crate::key::Key;

/// A warning for the user, which is not an error.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "warning", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// An event kept nothing of a layer.
    Emptied {
        /// The key of the event.
        #[serde(rename = "epoch")]
        key: String,
        /// The layer.
        layer: String,
        /// The number of its elements.
        elements: usize,
    },
    /// A layer's lanes are shorter than a group, so they keep more than the pattern's share.
    ShortLanes {
        /// The key of the event.
        #[serde(rename = "epoch")]
        key: String,
        /// The layer.
        layer: String,
        /// The axis of its groups.
        axis: usize,
        /// The length of its lanes.
        lane: usize,
        /// The pattern.
        pattern: NmPattern,
    },
    /// More than half of a layer is zero, and no mask keeps these zeros: training will fill them.
    MostlyZero {
        /// The layer.
        layer: String,
        /// The number of its zero elements.
        zeros: usize,
        /// The number of its elements.
        elements: usize,
    },
    /// A layer's elements are not accessible, so no figure includes them.
    Opaque {
        /// The layer.
        layer: String,
        /// The reason.
        why: String,
    },
}

impl Warning {
    /// The layer that the warning is about.
    pub fn layer(&self) -> &str {
        match self {
            Warning::Emptied { layer, .. }
            | Warning::ShortLanes { layer, .. }
            | Warning::MostlyZero { layer, .. }
            | Warning::Opaque { layer, .. } => layer,
        }
    }
}

impl Warning {
    /// The message without the epoch or step, for a reader who knows it already.
    pub fn without_moment(&self) -> String {
        match self {
            Warning::Emptied { layer, elements, .. } => {
                format!("layer `{}`: none of its {elements} elements is kept", printable(layer))
            }
            Warning::MostlyZero { layer, zeros, elements } => format!(
                "layer `{}`: {zeros} of {elements} are zero, but it has no mask and training will fill it; \
                 `Masks::from_zeros` makes one",
                printable(layer)
            ),
            Warning::Opaque { layer, why } => format!("layer `{}` is left out of all figures: {why}", printable(layer)),
            Warning::ShortLanes { layer, axis, lane, pattern, .. } => format!(
                "layer `{}`: its lanes along axis {axis} are {lane} long, shorter than a group of {pattern}; each keeps {} of \
                 {lane}",
                printable(layer),
                pattern.kept_of_lane(*lane)
            ),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Warning::Emptied { key, .. } | Warning::ShortLanes { key, .. }) = self else {
            return f.write_str(&self.without_moment());
        };
        // The key is stored as text, which any format can hold.
        let named = key.parse::<Key>().map_or_else(|_| format!("epoch {key}"), Key::named);
        write!(f, "{named}, {}", self.without_moment())
    }
}
