//! The names of the methods, in one table.

use core::fmt;
use core::str::FromStr;

use crate::words::{clip, did_you_mean, nearest, quoted};

/// The piece that is pruned as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Structure {
    /// Single elements, to a density.
    Unstructured,
    /// N of every M consecutive elements along an axis.
    Nm,
    /// Boxes of neighbouring elements, to a density of their number.
    Block,
    /// Channels, to a density of their number.
    Channel,
    /// An update of sparse training that opens elements at random.
    Set,
    /// An update of sparse training that opens elements by gradient.
    Rigl,
}

/// The layers over which a value is spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScopeKind {
    /// The same value in every prunable layer.
    UnifiedLocal,
    /// One ranking over all prunable layers, which may end up at different densities.
    Global,
    /// A table from layers to values; other layers are left alone.
    Local,
}

/// A method by its name in a strategy: a [`Structure`] and a [`ScopeKind`].
///
/// # Examples
///
/// ```
/// use prune_schedule::{Method, ScopeKind, Structure};
///
/// let method: Method = "str_unified_local".parse()?;
/// assert_eq!((method.structure, method.scope), (Structure::Nm, ScopeKind::UnifiedLocal));
/// assert_eq!(method.to_string(), "str_unified_local");
/// # Ok::<(), prune_schedule::MethodError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Method {
    /// The piece that is pruned as a whole.
    pub structure: Structure,
    /// The layers over which a value is spread.
    pub scope: ScopeKind,
}

/// Every method that can be written. A new method is one line here and one file that carries it out.
const METHODS: [(&str, Structure, ScopeKind); 14] = [
    ("unstr_unified_local", Structure::Unstructured, ScopeKind::UnifiedLocal),
    ("unstr_global", Structure::Unstructured, ScopeKind::Global),
    ("unstr_local", Structure::Unstructured, ScopeKind::Local),
    ("str_unified_local", Structure::Nm, ScopeKind::UnifiedLocal),
    ("str_global", Structure::Nm, ScopeKind::Global),
    ("str_local", Structure::Nm, ScopeKind::Local),
    ("block_unified_local", Structure::Block, ScopeKind::UnifiedLocal),
    ("block_global", Structure::Block, ScopeKind::Global),
    ("block_local", Structure::Block, ScopeKind::Local),
    ("channel_unified_local", Structure::Channel, ScopeKind::UnifiedLocal),
    ("channel_global", Structure::Channel, ScopeKind::Global),
    ("channel_local", Structure::Channel, ScopeKind::Local),
    ("set", Structure::Set, ScopeKind::UnifiedLocal),
    ("rigl", Structure::Rigl, ScopeKind::UnifiedLocal),
];

impl Method {
    /// The names of all methods.
    pub fn names() -> impl Iterator<Item = &'static str> {
        METHODS.iter().map(|(name, ..)| *name)
    }

    /// The name in a strategy.
    pub fn name(self) -> &'static str {
        METHODS
            .iter()
            .find(|(_, structure, scope)| (*structure, *scope) == (self.structure, self.scope))
            .map_or("", |(name, ..)| name)
    }
}

/// A name that no method has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown method `{name}`{}; the methods are {}", did_you_mean(nearest), names())]
#[non_exhaustive]
pub struct MethodError {
    /// The name.
    pub name: String,
    /// The nearest name of a method, if any is near.
    pub nearest: Option<String>,
}

/// The names of all methods, in a message.
pub(crate) fn names() -> String {
    quoted(&Method::names().collect::<Vec<_>>())
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Method {
    type Err = MethodError;

    fn from_str(name: &str) -> Result<Self, MethodError> {
        let found = METHODS.iter().find(|(known, ..)| *known == name);
        found
            .map(|&(_, structure, scope)| Method { structure, scope })
            .ok_or_else(|| MethodError { name: clip(name), nearest: nearest(name, Method::names()).map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_method_has_one_name() {
        for structure in [Structure::Unstructured, Structure::Nm] {
            for scope in [ScopeKind::UnifiedLocal, ScopeKind::Global, ScopeKind::Local] {
                let method = Method { structure, scope };
                assert_eq!(method.name().parse::<Method>().unwrap(), method);
            }
        }
        for name in Method::names() {
            assert_eq!(name.parse::<Method>().unwrap().name(), name);
        }
    }
}
