//! The tables, one file each: the runs that it needs, and the content that it shows.

mod arm;
mod examples;
mod further;
mod han;
mod lottery;
mod snip;
mod sparse;
mod strategies;

use clap::ValueEnum;

use super::data::DataUse;
use super::picture::Picture;
use super::queue::Outcomes;
use super::recipe::Scale;
use super::settings::Settings;

/// A table of `cargo xtask paper`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Table {
    /// Han et al. 2015: LeNet-300-100 and LeNet-5 at 12x.
    Han,
    /// Error against compression, up to about 100x.
    Further,
    /// The original project's two examples, on its CNN.
    Examples,
    /// Frankle and Carbin 2019: the lottery ticket on LeNet-300-100.
    Lottery,
    /// Lee et al. 2019 (SNIP): LeNet-300-100 and LeNet-5 pruned before they are trained.
    Snip,
    /// Sparse training on LeNet-300-100 (SET, RigL) against gradual pruning, and RigL's network without idle neurons.
    Sparse,
}

/// The context in which tables are made.
pub(super) struct TableContext {
    pub(super) scale: Scale,
    pub(super) data: DataUse,
}

/// The content of a table.
pub(super) struct TableContent {
    pub(super) text: String,
    pub(super) pictures: Vec<Picture>,
}

impl Table {
    /// All tables, in printing order.
    pub(super) const ALL: [Self; 6] =
        [Self::Han, Self::Further, Self::Examples, Self::Lottery, Self::Snip, Self::Sparse];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Han => "han",
            Self::Further => "further",
            Self::Examples => "examples",
            Self::Lottery => "lottery",
            Self::Snip => "snip",
            Self::Sparse => "sparse",
        }
    }

    /// The files of its pictures, without their endings.
    pub(super) fn pictures(self) -> &'static [&'static str] {
        match self {
            Self::Han => &["layers", "pixels"],
            Self::Further => &["lenet300", "lenet5"],
            Self::Examples => &["examples"],
            Self::Lottery => &["lottery"],
            Self::Snip => &["snip", "snip-layers", "snip-pixels"],
            Self::Sparse => &["sparse"],
        }
    }

    /// Every file that the table writes.
    pub(super) fn files(self) -> Vec<String> {
        let pictures = self.pictures().iter().flat_map(|name| [format!("{name}.svg"), format!("{name}.png")]);
        [format!("{}.txt", self.name())].into_iter().chain(pictures).collect()
    }

    /// Every run that it reads, each after its name in the table.
    pub(super) fn runs(self, context: &TableContext) -> Vec<(String, Settings)> {
        let arms = match self {
            Self::Han => han::arms(context),
            Self::Further => further::arms(context),
            Self::Examples => examples::arms(context),
            Self::Lottery => lottery::arms(context),
            Self::Snip => snip::arms(context),
            Self::Sparse => sparse::arms(context),
        };
        arms.into_iter().flat_map(|arm| arm.runs.into_iter().map(move |run| (arm.name.clone(), run))).collect()
    }

    /// The table of finished runs.
    pub(super) fn show(self, context: &TableContext, outcomes: &Outcomes) -> TableContent {
        match self {
            Self::Han => han::show(context, outcomes),
            Self::Further => further::show(context, outcomes),
            Self::Examples => examples::show(context, outcomes),
            Self::Lottery => lottery::show(context, outcomes),
            Self::Snip => snip::show(context, outcomes),
            Self::Sparse => sparse::show(context, outcomes),
        }
    }
}
