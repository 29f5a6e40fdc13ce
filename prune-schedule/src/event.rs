//! One event: a method with what it is to reach, and which layers it is for.

use std::collections::BTreeMap;

use core::fmt;

use prune_core::{Density, NmPattern};

use crate::axis::GroupAxis;
use crate::error::{Problem, StrategyError};
use crate::glob::Glob;
use crate::method::{Method, ScopeKind, Structure};
use crate::percent::BothWays;
use crate::reopen::Reopen;

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
    Unstructured(Scope<Density>),
    /// Keeps N of every M consecutive elements along an axis.
    NOfM {
        /// The pattern and the layers it is for.
        scope: Scope<NmPattern>,
        /// Along which axis groups run. `Scope::Global` has none: there groups run over all selected layers, one after
        /// the other.
        axis: GroupAxis,
    },
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

/// A method with what it is to reach, and which layers it is for.
///
/// # Examples
///
/// ```
/// use prune_core::Density;
/// use prune_schedule::{Event, Scope, Strategy};
///
/// let event = Event::unstructured(Scope::Global(Density::new(0.1)?))?.exclude(["Dense_1*"])?;
/// let strategy = Strategy::new([(10, event)])?;
/// assert_eq!(strategy, "{10: {'method': 'unstr_global', 'density': 0.1, 'exclude': 'Dense_1*'}}".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    rule: Rule,
    include: Vec<Glob>,
    exclude: Vec<Glob>,
    reopen: Option<Reopen>,
}

impl Event {
    /// An event that keeps single elements, to a density.
    ///
    /// # Errors
    ///
    /// [`Problem::EmptyTable`] for a table that names no layer.
    pub fn unstructured(scope: Scope<Density>) -> Result<Self, StrategyError> {
        Self::new(Rule::Unstructured(scope))
    }

    /// An event that keeps N of every M consecutive elements along the last axis.
    ///
    /// # Errors
    ///
    /// [`Problem::EmptyTable`] for a table that names no layer.
    pub fn n_of_m(scope: Scope<NmPattern>) -> Result<Self, StrategyError> {
        Self::new(Rule::NOfM { scope, axis: GroupAxis::LAST })
    }

    fn new(rule: Rule) -> Result<Self, StrategyError> {
        let event = Event { rule, include: Vec::new(), exclude: Vec::new(), reopen: None };
        if event.targets().is_empty() {
            return Err(Problem::EmptyTable { method: event.method().name() }.into());
        }
        Ok(event)
    }

    /// The same with groups along another axis than the last.
    ///
    /// # Errors
    ///
    /// [`Problem::AxisUnstructured`] and [`Problem::AxisGlobal`]: only `str_unified_local` and `str_local` have an axis.
    pub fn axis(mut self, along: GroupAxis) -> Result<Self, StrategyError> {
        let method = self.method().name();
        match &mut self.rule {
            Rule::Unstructured(_) => Err(Problem::AxisUnstructured { method }.into()),
            Rule::NOfM { scope: Scope::Global(_), .. } => Err(Problem::AxisGlobal.into()),
            Rule::NOfM { axis, .. } => {
                *axis = along;
                Ok(self)
            }
        }
    }

    /// The same, selecting only prunable layers that one of the patterns matches.
    ///
    /// # Errors
    ///
    /// [`Problem::IncludeEmpty`] without a pattern, [`Problem::GlobWithTable`] where a table names the layers already.
    pub fn include<G: Into<Glob>>(mut self, patterns: impl IntoIterator<Item = G>) -> Result<Self, StrategyError> {
        self.refuse_table("include")?;
        self.include = patterns.into_iter().map(Into::into).collect();
        if self.include.is_empty() { Err(Problem::IncludeEmpty.into()) } else { Ok(self) }
    }

    /// The same, leaving out every prunable layer that one of the patterns matches.
    ///
    /// # Errors
    ///
    /// [`Problem::GlobWithTable`] where a table names the layers already.
    pub fn exclude<G: Into<Glob>>(mut self, patterns: impl IntoIterator<Item = G>) -> Result<Self, StrategyError> {
        self.refuse_table("exclude")?;
        self.exclude = patterns.into_iter().map(Into::into).collect();
        Ok(self)
    }

    fn refuse_table(&self, field: &'static str) -> Result<(), StrategyError> {
        match self.method() {
            method if method.scope == ScopeKind::Local => {
                Err(Problem::GlobWithTable { field, method: method.name() }.into())
            }
            _ => Ok(()),
        }
    }

    /// The same, allowed to open elements again where it asks for more than is alive.
    #[must_use]
    pub fn reopen(mut self, how: Reopen) -> Self {
        self.reopen = Some(how);
        self
    }

    /// The method.
    pub fn method(&self) -> Method {
        match &self.rule {
            Rule::Unstructured(scope) => Method { structure: Structure::Unstructured, scope: scope.kind() },
            Rule::NOfM { scope, .. } => Method { structure: Structure::NOfM, scope: scope.kind() },
        }
    }

    /// What it does.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Patterns of which a layer must match one; with none, every prunable layer is selected.
    pub fn included(&self) -> &[Glob] {
        &self.include
    }

    /// Patterns of which a layer must match none.
    pub fn excluded(&self) -> &[Glob] {
        &self.exclude
    }

    /// How elements are opened again, if they may be.
    pub fn reopens(&self) -> Option<Reopen> {
        self.reopen
    }

    /// What is to be reached in which layers; `None` is every selected layer.
    pub fn targets(&self) -> Vec<(Option<&str>, Target)> {
        match &self.rule {
            Rule::Unstructured(scope) => {
                scope.values().into_iter().map(|(name, density)| (name, Target::Density(*density))).collect()
            }
            Rule::NOfM { scope, .. } => {
                scope.values().into_iter().map(|(name, pattern)| (name, Target::Pattern(*pattern))).collect()
            }
        }
    }

    /// Along which axis groups run, where there are groups with an axis.
    pub fn group_axis(&self) -> Option<GroupAxis> {
        match &self.rule {
            Rule::NOfM { scope: Scope::UnifiedLocal(_) | Scope::Local(_), axis } => Some(*axis),
            _ => None,
        }
    }

    /// Whether the event is for a layer of this name and rank.
    ///
    /// A table is for the layers it names. Other events are for prunable layers, those of rank 2 or more, which
    /// [`Event::include`] and [`Event::exclude`] narrow.
    pub fn selects(&self, name: &str, rank: usize) -> bool {
        match &self.rule {
            Rule::Unstructured(Scope::Local(layers)) => layers.contains_key(name),
            Rule::NOfM { scope: Scope::Local(layers), .. } => layers.contains_key(name),
            _ => {
                rank >= 2
                    && (self.include.is_empty() || self.include.iter().any(|glob| glob.matches(name)))
                    && !self.exclude.iter().any(|glob| glob.matches(name))
            }
        }
    }
}
