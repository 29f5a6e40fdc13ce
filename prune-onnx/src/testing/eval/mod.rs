//! A naive evaluator of ONNX graphs in f64. It uses plain loops over indices, to be easy to check. Apart from the
//! parsed model, it shares no code with the crate, so that it can serve as an oracle.

mod attention;
mod functions;
mod layers;
mod step;
mod sums;

use std::collections::HashMap;

use crate::{AttributeValue, Graph, Model, Node};
use step::step;

/// A tensor of any type, with elements as f64.
#[derive(Debug, Clone, PartialEq)]
pub struct T {
    /// The shape.
    pub dims: Vec<usize>,
    /// The elements in logical order.
    pub data: Vec<f64>,
}

/// Tensors by name.
pub type Values = HashMap<String, T>;

impl T {
    /// A tensor.
    ///
    /// # Panics
    ///
    /// If `data` does not have as many elements as the shape.
    pub fn new(dims: &[usize], data: Vec<f64>) -> T {
        assert_eq!(dims.iter().product::<usize>(), data.len(), "{dims:?}");
        T { dims: dims.to_vec(), data }
    }

    fn from(dims: &[usize], f: impl Fn(&[usize]) -> f64) -> T {
        let data = indices(dims).map(|index| f(&index)).collect();
        T::new(dims, data)
    }

    fn list(values: &[usize]) -> T {
        T::new(&[values.len()], values.iter().map(|&v| v as f64).collect())
    }

    fn rank(&self) -> usize {
        self.dims.len()
    }

    fn at(&self, index: &[usize]) -> f64 {
        assert_eq!(index.len(), self.dims.len());
        let mut flat = 0;
        for (i, n) in index.iter().zip(&self.dims) {
            assert!(i < n, "index {index:?} of shape {:?}", self.dims);
            flat = flat * n + i;
        }
        self.data[flat]
    }

    /// The element at an index of a shape that this one broadcasts to.
    fn spread(&self, index: &[usize]) -> f64 {
        let own = &index[index.len() - self.rank()..];
        let own: Vec<usize> = own.iter().zip(&self.dims).map(|(&i, &n)| if n == 1 { 0 } else { i }).collect();
        self.at(&own)
    }

    fn ints(&self) -> Vec<i64> {
        self.data.iter().map(|&v| v as i64).collect()
    }
}

/// Every index of a shape, in logical order.
pub fn indices(dims: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let dims = dims.to_vec();
    let total: usize = dims.iter().product();
    (0..total).map(move |mut flat| {
        let mut index = vec![0; dims.len()];
        for axis in (0..dims.len()).rev() {
            index[axis] = flat % dims[axis];
            flat /= dims[axis];
        }
        index
    })
}

fn broadcast(shapes: &[&[usize]]) -> Vec<usize> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut out = vec![1; rank];
    for shape in shapes {
        for (axis, &n) in shape.iter().enumerate() {
            let at = axis + rank - shape.len();
            assert!(out[at] == 1 || n == 1 || out[at] == n, "{shapes:?} do not broadcast");
            if n != 1 {
                out[at] = n;
            }
        }
    }
    out
}

fn axis(axis: i64, rank: usize) -> usize {
    if axis < 0 { (axis + rank as i64) as usize } else { axis as usize }
}

/// Runs a model. `constants` replace the model's own constants of the same names.
///
/// # Panics
///
/// If the model is not valid, or has an operator that no generated network has.
pub fn run(model: &Model, inputs: &Values, constants: &Values) -> Vec<T> {
    let mut values: Values = inputs.clone();
    for tensor in model.graph().initializers() {
        values.insert(tensor.name().to_owned(), T::new(tensor.dims(), tensor.floats().expect("numbers")));
    }
    values.extend(constants.iter().map(|(name, t)| (name.clone(), t.clone())));
    walk(model.graph(), &mut values, constants, model.opset());
    model.graph().outputs().iter().map(|output| values[output.name()].clone()).collect()
}

/// Runs the nodes of a graph.
fn walk(graph: &Graph, values: &mut Values, constants: &Values, opset: i64) {
    for node in graph.nodes() {
        let read: Vec<Option<T>> = node.inputs().iter().map(|name| values.get(name).cloned()).collect();
        for (slot, name) in node.inputs().iter().enumerate() {
            assert!(name.is_empty() || read[slot].is_some(), "{} reads `{name}`", node.op_type());
        }
        let written = match node.op_type() {
            "If" => branch(node, &read, values, constants, opset),
            _ => step(node, &read, opset),
        };
        for (name, t) in node.outputs().iter().zip(written) {
            let t = constants.get(name).cloned().unwrap_or(t);
            values.insert(name.clone(), t);
        }
    }
}

/// The outputs of the graph that a condition selects. That graph may read the values around it.
fn branch(node: &Node, read: &[Option<T>], values: &Values, constants: &Values, opset: i64) -> Vec<T> {
    let holds = read[0].as_ref().expect("a condition").data[0] != 0.0;
    let name = if holds { "then_branch" } else { "else_branch" };
    let Some(AttributeValue::Graph(inner)) = node.attribute(name) else { panic!("an If without {name}") };
    let mut values = values.clone();
    walk(inner, &mut values, constants, opset);
    inner.outputs().iter().map(|output| values[output.name()].clone()).collect()
}

fn ints(node: &Node, name: &str, default: Vec<i64>) -> Vec<i64> {
    node.ints(name).map(<[i64]>::to_vec).unwrap_or(default)
}
