//! Names that something other than a node of the main graph reads: graphs in attributes, training, quantisation.

use std::collections::HashSet;

use crate::model::{AttributeValue, Graph, Model};

/// Every name that a graph in an attribute of the main graph reads or returns, at any depth. Names that such a graph
/// defines itself are among them, since it is safe to pin too many.
pub(crate) fn captured(model: &Model) -> HashSet<&str> {
    let mut names = HashSet::new();
    let mut graphs: Vec<&Graph> = inner(model.graph()).collect();
    while let Some(graph) = graphs.pop() {
        names.extend(graph.nodes().iter().flat_map(|node| node.inputs()).map(String::as_str));
        names.extend(graph.outputs().iter().map(|output| output.name()));
        graphs.extend(inner(graph));
    }
    names
}

/// The graphs in attributes of a graph's nodes.
fn inner(graph: &Graph) -> impl Iterator<Item = &Graph> {
    let attributes = graph.nodes().iter().flat_map(|node| node.attributes());
    attributes.flat_map(|attribute| match attribute.value() {
        AttributeValue::Graph(graph) => std::slice::from_ref(graph),
        AttributeValue::Graphs(graphs) => graphs,
        _ => &[],
    })
}
