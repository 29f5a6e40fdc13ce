//! Facts about a layer that the door knows, beyond its name and shape.

use std::collections::BTreeMap;

use super::info::LayerInfo;
use crate::names::Role;

/// Facts about a layer that the door knows, beyond its name and shape: see
/// [`Pruner::with_facts`](crate::Pruner::with_facts).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayerFacts {
    /// True if events select the layer without naming it. By default this holds for layers with two axes or more.
    pub weight: Option<bool>,
    /// Its axes. By default names and shapes tell them.
    pub role: Option<Role>,
    /// The bias that goes with its outputs. By default its name tells.
    pub bias: Option<String>,
}

impl LayerFacts {
    /// These facts, and those of `others` where these leave something open.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_schedule::LayerFacts;
    ///
    /// let told = LayerFacts { weight: Some(false), ..LayerFacts::default() };
    /// let known = LayerFacts { weight: Some(true), bias: Some("shift".to_owned()), ..LayerFacts::default() };
    /// let facts = told.or(known);
    /// assert_eq!((facts.weight, facts.bias.as_deref()), (Some(false), Some("shift")));
    /// ```
    #[must_use]
    pub fn or(self, others: LayerFacts) -> LayerFacts {
        LayerFacts {
            weight: self.weight.or(others.weight),
            role: self.role.or(others.role),
            bias: self.bias.or(others.bias),
        }
    }
}

/// Facts by layer name.
pub(crate) type FactsByLayer = BTreeMap<String, LayerFacts>;

impl<'a> LayerInfo<'a> {
    /// This layer with the facts that are known about it.
    pub(crate) fn with_facts(self, facts: &'a FactsByLayer) -> Self {
        let Some(LayerFacts { weight, role, bias }) = facts.get(self.name) else { return self };
        let weight = weight.unwrap_or(self.weight);
        LayerInfo { weight, role: role.as_ref().or(self.role), bias: bias.as_deref().or(self.bias), ..self }
    }
}
