//! Facts about a model's layers that their names and shapes do not give.

use prune_schedule::names::{AxisEvidence, Class, Role};
use prune_schedule::{Defaults, LayerFacts as CoreFacts, Pruner as CorePruner};
use pyo3::prelude::*;

use crate::array::named;
use crate::error::{refused, refused_in};
use crate::number::{axis as axis_of, lengths, one_of, shown};

/// Facts about a layer that its name and shape do not give, for example from the class of its module.
///
/// weight: if events select it without naming it; by default, if it has two axes or more. inputs, outputs: the axes
/// over which inputs are summed, and the axes of outputs, each a whole number or several; give both or neither. Without
/// them, names and shapes decide. bias: the name of the bias that belongs to its outputs. kind: the class, such as
/// "Linear".
#[pyclass(module = "prune_rs", name = "LayerFacts", frozen)]
pub(crate) struct LayerFacts {
    facts: CoreFacts,
}

#[pymethods]
impl LayerFacts {
    #[new]
    #[pyo3(signature = (*, weight=None, inputs=None, outputs=None, bias=None, kind=""))]
    fn new(
        weight: Option<bool>,
        inputs: Option<&Bound<'_, PyAny>>,
        outputs: Option<&Bound<'_, PyAny>>,
        bias: Option<String>,
        kind: &str,
    ) -> PyResult<Self> {
        let role = match (inputs, outputs) {
            (None, None) => None,
            (Some(inputs), Some(outputs)) => Some(Role {
                class: Class::Weight,
                entry: kind.to_owned(),
                inputs: lengths("inputs", inputs)?,
                outputs: lengths("outputs", outputs)?,
                evidence: Some(AxisEvidence::Class),
            }),
            _ => return Err(refused("give the axes of inputs and of outputs, or neither")),
        };
        Ok(LayerFacts { facts: CoreFacts { weight, role, bias } })
    }

    fn __repr__(&self) -> String {
        format!("<{:?}>", self.facts)
    }
}

/// Facts by layer.
fn facts_of(layers: &Bound<'_, PyAny>) -> PyResult<Vec<(String, CoreFacts)>> {
    let fact = |(name, value): (String, Bound<'_, PyAny>)| match value.cast::<LayerFacts>() {
        Ok(facts) => Ok((name, facts.get().facts.clone())),
        Err(_) => Err(refused_in(
            &format!("layer `{}`", prune_core::printable(&name)),
            format!("LayerFacts are needed, this is {}", shown(&value)),
        )),
    };
    named(layers, "layers")?.into_iter().map(fact).collect()
}

/// The settings that a saved state does not contain.
#[derive(Clone)]
pub(crate) struct ModelFacts {
    defaults: Defaults,
    couplings: Vec<Vec<(String, usize)>>,
    layers: Vec<(String, CoreFacts)>,
}

impl ModelFacts {
    /// From the arguments of a call.
    pub(crate) fn of(
        defaults: &str,
        couplings: Option<&Bound<'_, PyAny>>,
        layers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let defaults = one_of("defaults", defaults, &[("library", Defaults::LIBRARY), ("files", Defaults::FILES)])?;
        let couplings = couplings.map_or(Ok(Vec::new()), couplings_of)?;
        Ok(ModelFacts { defaults, couplings, layers: layers.map_or(Ok(Vec::new()), facts_of)? })
    }

    /// Gives these settings to a pruner.
    pub(crate) fn put_into(&self, pruner: CorePruner) -> CorePruner {
        pruner.with_defaults(self.defaults).with_couplings(self.couplings.clone()).with_facts(self.layers.clone())
    }
}

/// Lists of (name, axis), or dicts from names to axes.
fn couplings_of(couplings: &Bound<'_, PyAny>) -> PyResult<Vec<Vec<(String, usize)>>> {
    let unfit = || refused(format!("couplings are lists of (name, axis), these are {}", shown(couplings)));
    let member = |(name, axis): (String, Bound<'_, PyAny>)| {
        Ok((name, usize::try_from(axis_of("axis", &axis)?).map_err(|_| unfit())?))
    };
    let coupling = |coupling: PyResult<Bound<'_, PyAny>>| {
        let coupling = coupling?;
        let members = match coupling.extract::<Vec<(String, Bound<'_, PyAny>)>>() {
            Ok(members) => members,
            Err(_) => named(&coupling, "couplings").map_err(|_| unfit())?,
        };
        members.into_iter().map(member).collect()
    };
    couplings.try_iter().map_err(|_| unfit())?.map(coupling).collect()
}
