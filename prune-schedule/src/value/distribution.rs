//! The shares of layers in a density of all layers together.

use std::collections::BTreeMap;

use core::fmt;

use prune_core::Density;

use crate::percent::percent;

/// The way in which the density of all selected layers together is shared out among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum DistributionRule {
    /// One ranking over all of them by their plain scores.
    #[default]
    Global,
    /// One ranking over all of them by scores divided by their layer's L2 norm.
    GlobalL2,
    /// The same density in each, adjusted so that the total is exact to the element:
    /// [`prune_core::Distribution::Uniform`].
    Uniform,
    /// Erdos-Renyi-Kernel: [`prune_core::Distribution::Erk`].
    Erk,
}

impl DistributionRule {
    pub(crate) const NAMES: [&str; 4] = ["global", "global_l2", "uniform", "erk"];
    pub(crate) const ALL: [DistributionRule; 4] =
        [DistributionRule::Global, DistributionRule::GlobalL2, DistributionRule::Uniform, DistributionRule::Erk];

    /// The distribution that fixes the counts of the layers before anything is ranked, if it is such a one.
    pub(crate) fn shares(self) -> Option<prune_core::Distribution> {
        match self {
            DistributionRule::Global | DistributionRule::GlobalL2 => None,
            DistributionRule::Uniform => Some(prune_core::Distribution::Uniform),
            DistributionRule::Erk => Some(prune_core::Distribution::Erk),
        }
    }
}

impl fmt::Display for DistributionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Self::ALL.iter().zip(Self::NAMES).find(|(known, _)| *known == self).map_or("", |(_, name)| name))
    }
}

/// A bound on the density of each layer: one for all layers, or a table of layers.
#[derive(Debug, Clone, PartialEq)]
pub enum DensityBounds {
    /// The same for every selected layer.
    Every(Density),
    /// By layer name; other layers have no bound.
    By(BTreeMap<String, Density>),
}

impl DensityBounds {
    /// The bound of a layer.
    pub fn of(&self, layer: &str) -> Option<Density> {
        match self {
            DensityBounds::Every(density) => Some(*density),
            DensityBounds::By(layers) => layers.get(layer).copied(),
        }
    }
}

impl fmt::Display for DensityBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DensityBounds::Every(density) => f.pad(&percent(density.get())),
            DensityBounds::By(layers) => {
                let each = |(name, density): (&String, &Density)| {
                    format!("{} {}", prune_core::printable(name), percent(density.get()))
                };
                f.pad(&layers.iter().map(each).collect::<Vec<_>>().join(", "))
            }
        }
    }
}
