//! The group within which elements are ranked.

use core::fmt;

use super::axis::GroupAxis;

/// The group within which elements are ranked. Each group keeps its own share (rule 1), the best of its elements (rule
/// 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ranking {
    /// Each layer by itself: the default of `unified_local` and `local`.
    Layer,
    /// All selected layers together: the ranking of `global`.
    Global,
    /// Each output of each layer by itself, so that every neuron or filter keeps equally many weights. The axis is the
    /// written one, or that of the outputs if none is written.
    Output(Option<GroupAxis>),
}

impl Ranking {
    pub(crate) const NAMES: [&str; 3] = ["layer", "global", "output"];
}

impl fmt::Display for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Ranking::Layer => Self::NAMES[0],
            Ranking::Global => Self::NAMES[1],
            Ranking::Output(_) => Self::NAMES[2],
        })
    }
}
