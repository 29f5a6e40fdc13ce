//! What an event does, to what, and in which layers.

use std::collections::BTreeMap;

use core::fmt;

use prune_core::{Density, NmPattern};

use crate::method::ScopeKind;
use crate::percent::BothWays;
use crate::value::{Bound, Distribution, GroupAxis, Piece, Ramp, Ranking, Regrow};

/// A value and the layers that it is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Scope<T> {
    /// The same value in every prunable layer that the event selects.
    UnifiedLocal(T),
    /// One ranking over all prunable layers that the event selects; layers may end up at different densities.
    Global(T),
    /// A table from layer names to values. Other layers are left as they are. A layer of rank 1 is pruned only when it
    /// is named here.
    Local(BTreeMap<String, T>),
}

impl<T> Scope<T> {
    /// A table from layer names to values; of two values for one name the later stands.
    pub fn local<N: Into<String>>(layers: impl IntoIterator<Item = (N, T)>) -> Self {
        Scope::Local(layers.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// Which of the three it is.
    pub fn kind(&self) -> ScopeKind {
        match self {
            Scope::UnifiedLocal(_) => ScopeKind::UnifiedLocal,
            Scope::Global(_) => ScopeKind::Global,
            Scope::Local(_) => ScopeKind::Local,
        }
    }

    /// The values with the layers they are for; `None` is every selected layer.
    pub(crate) fn values(&self) -> Vec<(Option<&str>, &T)> {
        match self {
            Scope::UnifiedLocal(value) | Scope::Global(value) => vec![(None, value)],
            Scope::Local(layers) => layers.iter().map(|(name, value)| (Some(name.as_str()), value)).collect(),
        }
    }
}

/// What an event does.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// Keeps single elements, to a density.
    Unstructured {
        /// The density and the layers it is for.
        scope: Scope<Density>,
        /// Within which group elements are ranked, where that is written.
        ranking: Option<Ranking>,
        /// How a density of all layers together is shared out.
        share: Share,
    },
    /// Keeps N of every M consecutive elements along an axis.
    NOfM {
        /// The pattern and the layers it is for.
        scope: Scope<NmPattern>,
        /// Along which axis groups run, where that is written; else the door's default decides ([`Event::axis_or`]).
        /// `Scope::Global` has none: there groups run over all selected layers, one after the other.
        ///
        /// [`Event::axis_or`]: crate::Event::axis_or
        axis: Option<GroupAxis>,
    },
    /// Keeps blocks or channels, to a density of their number.
    Pieces {
        /// The density and the layers it is for.
        scope: Scope<Density>,
        /// What is pruned in one piece.
        piece: Piece,
        /// How little and how much each layer keeps of a density of all layers together.
        share: Share,
    },
    /// Drops some of what is kept and opens as many others, in every selected layer that has a mask.
    Regrow(Regrow),
}

impl Rule {
    /// Whether two do the same but for the group that elements are ranked within.
    pub(super) fn is_alike(&self, other: &Rule) -> bool {
        match (self, other) {
            (Rule::Unstructured { scope, share, .. }, Rule::Unstructured { scope: others, share: other, .. }) => {
                (scope, share) == (others, other)
            }
            (this, that) => this == that,
        }
    }
}

/// How a density of all layers together is shared among them: what only `unstr_global` has, and but for the distribution
/// `block_global` and `channel_global`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Share {
    /// By what it is shared.
    pub distribution: Distribution,
    /// The least density of layers.
    pub least: Option<Bound>,
    /// The greatest density of layers.
    pub most: Option<Bound>,
}

/// What happens over a range of epochs or steps.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) enum Course {
    /// The same at each happening.
    #[default]
    Same,
    /// The density moves.
    Ramp(Ramp),
    /// The masks are for forward passes alone until the range ends.
    StraightThrough,
}

/// What is to be reached: a density or an N:M pattern.
///
/// Displays both ways, `keeps 10%, removes 90%`, and with the pattern where there is one: `2:4: keeps 50%, removes 50%`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// A fraction of the elements.
    Density(Density),
    /// N of every M elements.
    Pattern(NmPattern),
}

impl Target {
    /// The density; for a pattern the one reached where every group is full.
    pub fn density(self) -> Density {
        match self {
            Target::Density(density) => density,
            Target::Pattern(pattern) => pattern.density(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Density(density) => BothWays::from(*density).fmt(f),
            Target::Pattern(pattern) => f.pad(&format!("{pattern}: {}", BothWays::from(*pattern))),
        }
    }
}
