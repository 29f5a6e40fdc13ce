//! Within which group elements are ranked.

use core::fmt;

use super::axis::GroupAxis;

/// Within which group elements are ranked: each group keeps its own share (rule 1), the best of it (rule 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ranking {
    /// Each layer by itself: what `unified_local` and `local` do unless told otherwise.
    Layer,
    /// All selected layers together: what `global` does.
    Global,
    /// Each output of each layer by itself, so that every neuron or filter keeps as many weights; along the axis that is
    /// written, or that of the outputs without one.
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
