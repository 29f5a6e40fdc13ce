//! The layers that a door prunes: known weights, narrowed and widened by its user.

use core::fmt;

use crate::glob::{Glob, leave};
use crate::names::{Class, Role};

/// Narrows and widens what a door that knows tensors by their names alone takes for layers.
///
/// A floating tensor of rank 2 or more is pruned where its [`Role`] is that of a weight. `also` adds tensors whose names no
/// entry knows, `all` every floating tensor of rank 2 or more; `include` and `exclude` then only narrow.
///
/// # Examples
///
/// ```
/// use prune_schedule::names::{ModelFacts, roles};
/// use prune_schedule::{Filter, LeftDense};
///
/// let tensors: [(&str, &[usize]); 3] = [("fc.weight", &[8, 4]), ("norm.weight", &[8, 4]), ("table", &[8, 4])];
/// let roles = roles(&ModelFacts::unknown(), &tensors);
/// let left = |filter: &Filter| -> Vec<Option<LeftDense>> {
///     tensors.iter().zip(&roles).map(|((name, shape), role)| filter.leaves(name, true, shape.len(), role)).collect()
/// };
/// assert_eq!(left(&Filter::default()), [None, Some(LeftDense::Other("norm")), Some(LeftDense::Unknown)]);
/// let also = Filter { also: vec!["t*".into()], ..Filter::default() };
/// assert_eq!(left(&also), [None, Some(LeftDense::Other("norm")), None]);
/// let all = Filter { all: true, exclude: vec!["t*".into()], ..Filter::default() };
/// assert_eq!(left(&all), [None, None, Some(LeftDense::Pattern)]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Patterns of which a layer must match one; with none, every layer may be pruned.
    pub include: Vec<Glob>,
    /// Patterns of which a layer must match none.
    pub exclude: Vec<Glob>,
    /// Patterns of tensors that are pruned though no entry knows their names.
    pub also: Vec<Glob>,
    /// Whether every floating tensor of rank 2 or more is pruned, whatever its name.
    pub all: bool,
}

/// Why a tensor is left dense.
///
/// Displays as the reason in a few words, such as `norm` or `unknown name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LeftDense {
    /// Its name says that it is something else than a weight.
    Other(&'static str),
    /// No entry knows its name.
    Unknown,
    /// `include` or `exclude` leave it out.
    Pattern,
    /// It has fewer than two axes.
    Rank,
    /// Its type is not one of those that are pruned.
    Type,
}

impl fmt::Display for LeftDense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            LeftDense::Other(reason) => reason,
            LeftDense::Unknown => "unknown name",
            LeftDense::Pattern => "left out by a pattern",
            LeftDense::Rank => "rank below 2",
            LeftDense::Type => "type",
        })
    }
}

impl Filter {
    /// Why a tensor is left dense; `None` where it may be pruned. `floating` says whether its type is one of those that are
    /// pruned.
    pub fn leaves(&self, name: &str, floating: bool, rank: usize, role: &Role) -> Option<LeftDense> {
        if !floating {
            return Some(LeftDense::Type);
        }
        if rank < 2 {
            return Some(LeftDense::Rank);
        }
        match role.class {
            _ if self.all => {}
            Class::Weight => {}
            Class::Other(reason) => return Some(LeftDense::Other(reason)),
            Class::Unknown if self.also.iter().any(|glob| glob.matches(name)) => {}
            Class::Unknown => return Some(LeftDense::Unknown),
        }
        (!leave(&self.include, &self.exclude, name)).then_some(LeftDense::Pattern)
    }

    /// The same filter without `include` and `exclude`: what they narrow.
    #[must_use]
    pub fn widened(&self) -> Filter {
        Filter { also: self.also.clone(), all: self.all, ..Filter::default() }
    }
}
