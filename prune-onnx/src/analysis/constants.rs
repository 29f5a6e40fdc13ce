//! Constants of the model and their uses.

use std::collections::HashMap;

use prune_graph::TensorId;

use crate::edits::TensorPlace;
use crate::model::{AttributeValue, Model, Tensor};

/// A constant: its tensor, and its place in the model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Constant<'m> {
    pub(crate) tensor: &'m Tensor,
    pub(crate) place: TensorPlace,
}

/// One use of a constant by a node, or all uses of a constant whose uses are tied.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    /// The constant's name.
    pub(crate) name: String,
    /// The tensor in the graph of classes.
    pub(crate) id: TensorId,
    /// Nodes and slots that read it.
    pub(crate) readers: Vec<(usize, usize)>,
}

/// Every constant by name: initializers and tensors of `Constant` nodes.
pub(crate) fn constants(model: &Model) -> HashMap<&str, Constant<'_>> {
    let graph = model.graph();
    let initializers = graph.initializers().iter().enumerate();
    let mut all: HashMap<&str, Constant<'_>> = initializers
        .map(|(at, tensor)| (tensor.name(), Constant { tensor, place: TensorPlace::Initializer(at) }))
        .collect();
    for (at, node) in graph.nodes().iter().enumerate() {
        if node.op_type() == "Constant"
            && node.domain().is_empty()
            && let (Some(name), Some(AttributeValue::Tensor(tensor))) = (node.output(0), node.attribute("value"))
        {
            all.insert(name, Constant { tensor, place: TensorPlace::Constant(at) });
        }
    }
    all
}

/// True for a constant with at most one axis longer than 1: a bias, a scale, a number. A copy of it costs next to
/// nothing, so each of its uses is a tensor of its own. Layers that share it because their values happen to be equal
/// are thus not tied.
pub(crate) fn is_vector(tensor: &Tensor) -> bool {
    tensor.dims().iter().filter(|&&n| n != 1).count() <= 1
}
