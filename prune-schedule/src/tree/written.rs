//! The written fields of one event. Each is known, and written once.

use std::collections::{BTreeMap, HashMap};

use super::node::{Node, NodeValue};
use super::source::SourceText;
use crate::error::{Problem, StrategyError};
use crate::words::{clip, nearest};

/// The fields of an event, and the text that holds them.
pub(crate) struct EventFields<'t, 'n> {
    source: SourceText<'t>,
    entries: BTreeMap<&'static str, (&'n Node, &'n Node)>,
}

impl<'t, 'n> EventFields<'t, 'n> {
    /// Refuses fields that are unknown or written twice.
    pub(crate) fn read(
        source: SourceText<'t>,
        entries: &'n [(Node, Node)],
        known: &[&'static str],
    ) -> Result<Self, StrategyError> {
        let mut fields: BTreeMap<&'static str, (&Node, &Node)> = BTreeMap::new();
        for (key, value) in entries {
            let NodeValue::Text(name) = &key.value else {
                return source.refuse(key, Problem::FieldKind { found: key.value.describe() });
            };
            let Some(&field) = known.iter().find(|known| *known == name) else {
                let nearest = nearest(name, known.iter().copied()).map(str::to_owned);
                return source.refuse(key, Problem::UnknownField { field: clip(name), nearest, known: known.to_vec() });
            };
            if let Some((first, _)) = fields.insert(field, (key, value)) {
                let other = source.position(first.at);
                return source.refuse(key, Problem::FieldTwice { field, other });
            }
        }
        Ok(EventFields { source, entries: fields })
    }

    /// The value of a field, if it is written.
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        self.entry(name).map(|(_, value)| value)
    }

    /// The key and the value of a field.
    pub(crate) fn entry(&self, name: &str) -> Option<(&'n Node, &'n Node)> {
        self.entries.get(name).copied()
    }

    /// The error for a problem, with its place.
    pub(crate) fn refuse<T>(&self, node: &Node, problem: Problem) -> Result<T, StrategyError> {
        self.source.refuse(node, problem)
    }

    /// Applies a field to `before`, if the field is written. An error gets the place of the field.
    pub(crate) fn put<T>(
        &self,
        name: &str,
        before: T,
        put: impl FnOnce(&'n Node, T) -> Result<T, StrategyError>,
    ) -> Result<T, StrategyError> {
        match self.get(name) {
            Some(node) => put(node, before).map_err(self.at(node)),
            None => Ok(before),
        }
    }

    /// Adds the place of a node to an error that has none yet.
    pub(crate) fn at(&self, node: &Node) -> impl Fn(StrategyError) -> StrategyError + use<'t> {
        self.source.at(node)
    }

    /// A table from layers to values, in which each layer occurs once.
    pub(crate) fn layers<T>(
        &self,
        entries: &[(Node, Node)],
        read: impl Fn(&Node) -> Result<T, StrategyError>,
    ) -> Result<BTreeMap<String, T>, StrategyError> {
        let source = self.source;
        let mut seen: HashMap<&str, Option<usize>> = HashMap::with_capacity(entries.len());
        let mut layers = BTreeMap::new();
        for (key, node) in entries {
            let NodeValue::Text(name) = &key.value else {
                return source.refuse(key, Problem::LayerKind { found: key.value.describe() });
            };
            if let Some(first) = seen.insert(name, key.at) {
                let problem = Problem::LayerTwice { other: source.position(first) };
                return Err(source.at(key)(StrategyError::from(problem).in_layer(name)));
            }
            let value = read(node).map_err(|error| source.at(node)(error.in_layer(name)))?;
            layers.insert(name.clone(), value);
        }
        Ok(layers)
    }
}
