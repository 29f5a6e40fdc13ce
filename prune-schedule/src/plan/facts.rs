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
