//! Operators that no rule follows, and readers outside of a network's nodes.

use super::around::{end, end_rows, image, rows};
use crate::testing::net::{Built, Net, int};
use crate::wire::put_bytes;
use crate::wire::schema::model;
use crate::{DataType, Dim, GraphBuilder};

/// A node of another domain. The evaluator runs ONNX's own operator of that name; the analysis knows nothing about it.
fn foreign_node(net: &mut Net, op: &str, x: &str) -> String {
    let out = net.fresh("f");
    net.graph().node_of("mine", op, "", &[x], &[&out], &[]);
    out
}

/// The length of axis 1, as a scalar.
fn length(net: &mut Net, x: &str) -> String {
    let shape = net.node("Shape", &[x], &[]);
    let one = net.scalar(1);
    net.node("Gather", &[&shape, &one], &[("axis", int(0))])
}

/// A last layer over rows. A scalar is added to its result.
fn end_with(mut net: Net, x: &str, features: usize, single: &str) -> Built {
    let code = net.float_code();
    let single = net.node("Cast", &[single], &[("to", int(code))]);
    let y = net.linear(x, features, 2);
    let y = net.node("Add", &[&y, &single], &[]);
    net.finish(&[&y])
}

/// A cumulative sum over channels.
pub(super) fn opaque(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let axis = net.scalar(1);
    let y = net.node("CumSum", &[&x, &axis], &[]);
    end(net, &y, c)
}

/// A list with an element for each feature.
pub(super) fn opaque_length(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = rows(&mut net, c);
    let (from, to, by) = (net.scalar(0), length(&mut net, &x), net.scalar(1));
    let all = net.node("Range", &[&from, &to, &by], &[]);
    let sum = net.node("ReduceSum", &[&all], &[("keepdims", int(0))]);
    end_with(net, &x, c, &sum)
}

/// An operator of another domain between two layers. In half of the networks, the file states the shape of its result.
pub(super) fn foreign(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = rows(&mut net, c);
    let y = foreign_node(&mut net, "Relu", &x);
    if net.draw.yes() {
        let float = net.float;
        net.graph().value_info(&y, float, &[Dim::Named("rows".to_owned()), Dim::Known(c as i64)]);
    }
    end_rows(net, &y, c)
}

/// An operator of another domain that reads a length.
pub(super) fn foreign_length(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = rows(&mut net, c);
    let length = length(&mut net, &x);
    let read = foreign_node(&mut net, "Identity", &length);
    end_with(net, &x, c, &read)
}

/// A product plus a value of unknown rank: the rule stops after it has followed the factors.
pub(super) fn unknown_rank(mut net: Net) -> Built {
    let (c, d) = (net.draw.range(2, 6), net.draw.range(2, 6));
    let x = rows(&mut net, c);
    let (w, b) = (net.weight(&[c, d]), net.weight(&[d]));
    let b = foreign_node(&mut net, "Identity", &b);
    let y = net.node("Gemm", &[&x, &w, &b], &[]);
    end_rows(net, &y, d)
}

/// A grouped transposed convolution. The file leaves the number of its input channels open, so the rule stops after it
/// has declared the channels of the result.
pub(super) fn unknown_groups(mut net: Net) -> Built {
    let local = net.draw.range(1, 3);
    let x = net.input_where(&[2, 4, 3, 3], |axis| axis == 1);
    let w = net.weight(&[4, local, 1, 1]);
    let y = net.node("ConvTranspose", &[&x, &w], &[("group", int(2))]);
    end(net, &y, 2 * local)
}

/// The caller receives hidden features, a length and a weight.
pub(super) fn output(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = net.input(&[2, 3]);
    let w = net.weight(&[3, c]);
    let x = net.node("MatMul", &[&x, &w], &[]);
    let other = match net.draw.range(0, 2) {
        0 => x.clone(),
        1 => net.node("Shape", &[&x], &[]),
        _ => w,
    };
    let y = net.linear(&x, c, 2);
    net.finish(&[&y, &other])
}

/// A graph in an attribute reads hidden features or a weight.
pub(super) fn subgraph(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = net.input(&[2, 3]);
    let w = net.weight(&[3, c]);
    let x = net.node("MatMul", &[&x, &w], &[]);
    let mut inner = GraphBuilder::new("inner");
    inner.node("Neg", &[if net.draw.yes() { &x } else { &w }], &["negative"], &[]);
    inner.output("negative", DataType::Double, &[]);
    let holds = u8::from(net.draw.yes());
    let condition = net.constant(DataType::Bool, &[], &[holds]);
    let chosen = net.fresh("v");
    let branches = [("then_branch", &inner), ("else_branch", &inner)];
    net.graph().node_with_graphs("If", &[&condition], &[&chosen], &branches);
    let y = net.linear(&x, c, 2);
    net.finish(&[&y, &chosen])
}

/// An annotation names the weight of a hidden layer.
pub(super) fn annotation(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = net.input(&[2, 3]);
    let w = net.weight(&[3, c]);
    net.graph().annotate(&w);
    let x = net.node("MatMul", &[&x, &w], &[]);
    end_rows(net, &x, c)
}

/// The file holds instructions for training.
pub(super) fn training(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = rows(&mut net, c);
    let mut built = end_rows(net, &x, c);
    put_bytes(&mut built.bytes, model::TRAINING_INFO, &[]);
    built
}
