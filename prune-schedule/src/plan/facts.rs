//! The facts that a door knows of a layer and that neither its name nor its shape tells.

use std::collections::BTreeMap;

use super::info::LayerInfo;
use crate::names::Role;

/// The facts that a door knows of a layer and that neither its name nor its shape tells: see
/// [`Pruner::with_facts`](crate::Pruner::with_facts).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayerFacts {
    /// True if events select the layer without being told its name; by default where it has two axes or more.
    pub weight: Option<bool>,
    /// Its axes; by default what names and shapes tell.
    pub role: Option<Role>,
    /// The bias that goes with its outputs; by default the one of its name.
    pub bias: Option<String>,
}

/// Facts by layer.
pub(crate) type FactsByLayer = BTreeMap<String, LayerFacts>;

impl<'a> LayerInfo<'a> {
    /// The same with what is known of the layer.
    pub(crate) fn with_facts(self, facts: &'a FactsByLayer) -> Self {
        let Some(LayerFacts { weight, role, bias }) = facts.get(self.name) else { return self };
        let weight = weight.unwrap_or(self.weight);
        LayerInfo { weight, role: role.as_ref().or(self.role), bias: bias.as_deref().or(self.bias), ..self }
    }
}
