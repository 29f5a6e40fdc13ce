//! Types of the values that nodes write, for lists of integers that a removal replaces.

use std::collections::HashMap;

use crate::data_type::DataType;
use crate::model::{AttributeValue, Model, Node, ValueInfo};

/// The types of inputs, constants and first outputs of nodes, as far as they can be derived.
pub(super) fn types(model: &Model) -> HashMap<&str, DataType> {
    let graph = model.graph();
    let stated = |info: &ValueInfo| info.data_type();
    let mut types: HashMap<&str, DataType> =
        graph.inputs().iter().filter_map(|info| Some((info.name(), stated(info)?))).collect();
    types.extend(graph.initializers().iter().map(|tensor| (tensor.name(), tensor.data_type())));
    for node in graph.nodes().iter().filter(|node| node.domain().is_empty()) {
        if let (Some(name), Some(data_type)) = (node.output(0), written(node, &types)) {
            types.insert(name, data_type);
        }
    }
    types
}

/// The type that an operator on lists of integers writes. Operators that are not listed write the type of their first
/// input.
fn written(node: &Node, types: &HashMap<&str, DataType>) -> Option<DataType> {
    match node.op_type() {
        "Cast" => i32::try_from(node.int("to")?).ok().map(DataType::from_code),
        "Constant" | "ConstantOfShape" => match node.attribute("value") {
            Some(AttributeValue::Tensor(tensor)) => Some(tensor.data_type()),
            _ => Some(DataType::Int64),
        },
        "Shape" | "Size" => Some(DataType::Int64),
        "Where" => types.get(node.input(1)?).copied(),
        _ => types.get(node.input(0)?).copied(),
    }
}
