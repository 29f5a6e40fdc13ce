//! The action of an event, its targets, and its layers.

use std::collections::BTreeMap;

use core::fmt;

use prune_core::{Density, NmPattern};

use crate::method::ScopeKind;
use crate::percent::BothWays;
use crate::value::{DensityBounds, DistributionRule, GroupAxis, Piece, Ramp, Ranking, Regrow};

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
    /// A table from layer names to values. If a name occurs twice, the later value counts.
    pub fn local<N: Into<String>>(layers: impl IntoIterator<Item = (N, T)>) -> Self {
        Scope::Local(layers.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// The kind of scope.
    pub fn kind(&self) -> ScopeKind {
        match self {
            Scope::UnifiedLocal(_) => ScopeKind::UnifiedLocal,
            Scope::Global(_) => ScopeKind::Global,
            Scope::Local(_) => ScopeKind::Local,
        }
    }

    /// The values with their layers; `None` stands for every selected layer.
    pub(crate) fn values(&self) -> Vec<(Option<&str>, &T)> {
        match self {
            Scope::UnifiedLocal(value) | Scope::Global(value) => vec![(None, value)],
            Scope::Local(layers) => layers.iter().map(|(name, value)| (Some(name.as_str()), value)).collect(),
        }
    }
}

/// The action of an event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// Keeps single elements, up to a density.
    Unstructured {
        /// The density and the layers it is for.
        scope: Scope<Density>,
        /// The group within which elements are ranked, if it is written.
        ranking: Option<Ranking>,
        /// The shares of the layers in a density of all layers together.
        share: Share,
    },
    /// Keeps N of every M consecutive elements along an axis.
    Nm {
        /// The pattern and the layers it is for.
        scope: Scope<NmPattern>,
        /// The axis along which groups run, if it is written; otherwise the door's default decides
        /// ([`Event::axis_or`]). `Scope::Global` has no axis: its groups run over all selected layers, one after the
        /// other.
        ///
        /// [`Event::axis_or`]: crate::Event::axis_or
        axis: Option<GroupAxis>,
    },
    /// Keeps blocks or channels, up to a density of their number.
    Pieces {
        /// The density and the layers it is for.
        scope: Scope<Density>,
        /// The piece that is pruned as a whole.
        piece: Piece,
        /// The least and the greatest density of each layer, for a density of all layers together.
        share: Share,
    },
    /// Drops some kept elements and opens as many others, in every selected layer that has a mask.
    Regrow(Regrow),
}

impl Rule {
    /// True if two rules differ at most in the group within which elements are ranked.
    pub(super) fn is_alike(&self, other: &Rule) -> bool {
        match (self, other) {
            (Rule::Unstructured { scope, share, .. }, Rule::Unstructured { scope: others, share: other, .. }) => {
                (scope, share) == (others, other)
            }
            (this, that) => this == that,
        }
    }
}

/// The shares of the layers in a density of all layers together. `unstr_global` has all fields; `block_global` and
/// `channel_global` have all but the distribution; other methods have none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Share {
    /// The way in which the density is shared out.
    pub distribution: DistributionRule,
    /// The least density of layers.
    pub least: Option<DensityBounds>,
    /// The greatest density of layers.
    pub most: Option<DensityBounds>,
}

/// The course of an event over a range of epochs or steps.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) enum RampCourse {
    /// The same at every happening.
    #[default]
    Same,
    /// The density moves.
    Ramp(Ramp),
    /// The masks are for the forward pass only until the range ends.
    StraightThrough,
}

/// A target: a density or an N:M pattern.
///
/// Displays the fraction kept and the fraction removed, `keeps 10%, removes 90%`. A pattern comes first:
/// `2:4: keeps 50%, removes 50%`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// A fraction of the elements.
    Density(Density),
    /// N of every M elements.
    Pattern(NmPattern),
}

impl Target {
    /// The density. For a pattern it is the density of full groups.
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
