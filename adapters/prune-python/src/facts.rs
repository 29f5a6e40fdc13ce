//! What is known of a model's layers besides names and shapes.

use prune_schedule::LayerFacts as CoreFacts;
use prune_schedule::names::{AxisEvidence, Class, Role};
use pyo3::prelude::*;

use crate::array::named;
use crate::error::{refused, refused_in};
use crate::number::{lengths, shown};

/// What is known of a layer besides its name and shape, such as from the class of the module that holds it.
///
/// weight: whether events select it without being told its name; by default where it has two axes or more.
/// inputs, outputs: its axes over which inputs are summed, and of its outputs, each a whole number or several; give both or
/// neither. Without them names and shapes tell. bias: the name of the bias that goes with its outputs.
/// kind: the class, such as "Linear".
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
pub(crate) fn facts_of(layers: &Bound<'_, PyAny>) -> PyResult<Vec<(String, CoreFacts)>> {
    let fact = |(name, value): (String, Bound<'_, PyAny>)| match value.cast::<LayerFacts>() {
        Ok(facts) => Ok((name, facts.get().facts.clone())),
        Err(_) => Err(refused_in(
            &format!("layer `{}`", prune_core::printable(&name)),
            format!("LayerFacts are needed, this is {}", shown(&value)),
        )),
    };
    named(layers, "layers")?.into_iter().map(fact).collect()
}
