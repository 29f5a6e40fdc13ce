//! The layers that a door prunes: known weights, which the user can narrow and widen.

use core::fmt;

use crate::glob::{Glob, leave};
use crate::names::{Class, Role};

/// Selects the layers of a door that knows tensors only by their names.
///
/// A floating tensor of rank 2 or more is pruned if its [`Role`] is that of a weight. `also` adds tensors whose names
/// no entry knows, and `all` adds every floating tensor of rank 2 or more. After that, `include` and `exclude` narrow
/// the selection.
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
    /// A layer must match at least one of these patterns. With none, every layer may be pruned.
    pub include: Vec<Glob>,
    /// A layer must match none of these patterns.
    pub exclude: Vec<Glob>,
    /// The patterns of tensors that are pruned although no entry knows their names.
    pub also: Vec<Glob>,
    /// True if every floating tensor of rank 2 or more is pruned, whatever its name.
    pub all: bool,
}

/// The reason why a tensor is left dense.
///
/// Displays as the reason in a few words, such as `norm` or `unknown name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LeftDense {
    /// Its name belongs to something other than a weight.
    Other(&'static str),
    /// No entry knows its name.
    Unknown,
    /// `include` or `exclude` leave it out.
    Pattern,
    /// It has fewer than two axes.
    Rank,
    /// Tensors of its type are not pruned.
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
    /// The reason why a tensor is left dense; `None` if it may be pruned. `floating` is true if tensors of its type are
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

    /// This filter without `include` and `exclude`: the selection that they narrow.
    #[must_use]
    pub fn widened(&self) -> Filter {
        Filter { also: self.also.clone(), all: self.all, ..Filter::default() }
    }
}
