//! How a density of all layers together is shared out.

use std::collections::BTreeMap;

use core::fmt;

use prune_core::Density;

use crate::percent::percent;

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
    pub(crate) const NAMES: [&str; 4] = ["global", "global_l2", "uniform", "erk"];
    pub(crate) const ALL: [Distribution; 4] =
        [Distribution::Global, Distribution::GlobalL2, Distribution::Uniform, Distribution::Erk];

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
        f.pad(Self::ALL.iter().zip(Self::NAMES).find(|(known, _)| *known == self).map_or("", |(_, name)| name))
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
