//! Refuses graphs that contradict themselves. Any other code may then assume that a value is written before it is read.

use std::collections::HashSet;

use super::{AttributeValue, Graph, Model, Node};
use crate::error::{Error, GraphProblem};

/// The oldest version of ONNX's operators whose meaning is known.
const FIRST_OPSET: i64 = 9;

/// The newest version of ONNX's operators that the rules of this crate were checked against. Newer versions are read,
/// with a warning.
pub(crate) const NEWEST_OPSET: i64 = 28;

/// Refuses a model whose graph contradicts itself.
pub(crate) fn check(model: &Model) -> Result<(), Error> {
    if model.opset() < FIRST_OPSET {
        return Err(GraphProblem::Opset(model.opset()).into());
    }
    let mut known = HashSet::new();
    graph(&model.graph, &mut known).map_err(Error::from)
}

/// Checks a graph. `known` holds the values that graphs around it have written so far. It is the same afterwards.
fn graph<'g>(graph: &'g Graph, known: &mut HashSet<&'g str>) -> Result<(), GraphProblem> {
    // A name must be new within its own graph only: an inner graph may reuse a name of a graph around it.
    let mut own: HashSet<&str> = HashSet::new();
    let mut added: Vec<&str> = Vec::new();
    let mut write = |name: &'g str, by: &dyn Fn() -> String, known: &mut HashSet<&'g str>| {
        if !own.insert(name) {
            return Err(GraphProblem::Twice { name: name.to_owned(), by: by() });
        }
        if known.insert(name) {
            added.push(name);
        }
        Ok(())
    };
    for input in &graph.inputs {
        write(&input.name, &|| "an input".to_owned(), known)?;
    }
    let inputs: HashSet<&str> = graph.inputs.iter().map(|input| input.name.as_str()).collect();
    let mut constants: HashSet<&str> = HashSet::new();
    let sparse = graph.sparse_initializers.iter().map(String::as_str);
    for name in graph.initializers.iter().map(|tensor| tensor.name.as_str()).chain(sparse) {
        let by = || "an initializer".to_owned();
        if !constants.insert(name) {
            return Err(GraphProblem::Twice { name: name.to_owned(), by: by() });
        }
        if !inputs.contains(name) {
            write(name, &by, known)?;
        }
    }
    for (position, node) in graph.nodes.iter().enumerate() {
        if node.op_type.is_empty() {
            return Err(GraphProblem::NoOperator(position));
        }
        for name in node.inputs.iter().filter(|name| !name.is_empty()) {
            if !known.contains(name.as_str()) {
                return Err(unknown(graph, position, node, name));
            }
        }
        for attribute in &node.attributes {
            match &attribute.value {
                AttributeValue::Graph(inner) => self::graph(inner, known)?,
                AttributeValue::Graphs(inner) => inner.iter().try_for_each(|inner| self::graph(inner, known))?,
                _ => {}
            }
        }
        for name in node.outputs.iter().filter(|name| !name.is_empty()) {
            write(name, &|| node.shown(), known)?;
        }
    }
    if let Some(output) = graph.outputs.iter().find(|output| !known.contains(output.name.as_str())) {
        return Err(GraphProblem::Missing { by: "the graph's output".to_owned(), name: output.name.clone() });
    }
    for name in added {
        known.remove(name);
    }
    Ok(())
}

fn unknown(graph: &Graph, position: usize, node: &Node, name: &str) -> GraphProblem {
    let (by, name) = (node.shown(), name.to_owned());
    let later = graph.nodes[position..].iter().any(|node| node.outputs.contains(&name));
    if later { GraphProblem::Later { by, name } } else { GraphProblem::Missing { by, name } }
}
