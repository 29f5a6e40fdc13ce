//! What a user should know of an event, though it is no error.

use core::fmt;

use prune_core::{NmPattern, printable};
use serde::{Deserialize, Serialize};

use crate::key::Key;

/// What a user should know, though it is no error.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "warning", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// An event left nothing of a layer.
    Emptied {
        /// The key of the event.
        epoch: String,
        /// The layer.
        layer: String,
        /// How many elements it has.
        elements: usize,
    },
    /// A layer's lanes are shorter than a group, so they keep more than the pattern's share.
    ShortLanes {
        /// The key of the event.
        epoch: String,
        /// The layer.
        layer: String,
        /// The axis of its groups.
        axis: usize,
        /// How long its lanes are.
        lane: usize,
        /// The pattern.
        pattern: NmPattern,
    },
    /// More than half of a layer is zero, and no mask keeps it so: training will fill it.
    MostlyZero {
        /// The layer.
        layer: String,
        /// How many of its elements are zero.
        zeros: usize,
        /// How many elements it has.
        elements: usize,
    },
    /// A layer's elements cannot be had, so that it is in no figure.
    Opaque {
        /// The layer.
        layer: String,
        /// Why they cannot.
        why: String,
    },
}

impl Warning {
    /// The layer that it is about.
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
    /// What it says without the epoch or step, where that is known otherwise.
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
        let (Warning::Emptied { epoch, .. } | Warning::ShortLanes { epoch, .. }) = self else {
            return f.write_str(&self.without_moment());
        };
        // The key is text here, which any format can hold.
        let named = epoch.parse::<Key>().map_or_else(|_| format!("epoch {epoch}"), Key::named);
        write!(f, "{named}, {}", self.without_moment())
    }
}
