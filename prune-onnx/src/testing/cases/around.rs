//! Networks around an operator under test: a first layer, a last layer, or a constant whose axes nothing pins.

use crate::testing::net::{Built, Net, list};

/// A first convolution over an image. Returns the name of its output.
pub(super) fn image(net: &mut Net, channels: usize) -> String {
    let inputs = net.draw.range(1, 3);
    let size = net.draw.range(3, 4);
    let x = net.input(&[2, inputs, size, size]);
    net.conv(&x, inputs, channels)
}

/// Rows of features after a first layer.
pub(super) fn rows(net: &mut Net, features: usize) -> String {
    let inputs = net.draw.range(1, 3);
    let x = net.input(&[2, inputs]);
    net.linear(&x, inputs, features)
}

/// Sequences of features after a first layer.
pub(super) fn sequence(net: &mut Net, length: usize, features: usize) -> String {
    let inputs = net.draw.range(1, 3);
    let open = net.draw.yes();
    let x = net.input_where(&[2, length, inputs], |axis| open && axis < 2);
    net.linear(&x, inputs, features)
}

/// A constant whose axes nothing pins, an operator, and a sum over one random axis of its result. If the operator
/// forgets to pin or join something on that axis, the result is wrong.
pub(super) fn wide(mut net: Net, dims: &[usize], apply: impl FnOnce(&mut Net, &str) -> (String, Vec<usize>)) -> Built {
    let x = net.weight(dims);
    let (y, dims) = apply(&mut net, &x);
    sum_over_one(net, &y, &dims)
}

/// A weight over one random axis.
pub(super) fn sum_over_one(mut net: Net, y: &str, dims: &[usize]) -> Built {
    let axis = net.draw.range(0, dims.len() - 1);
    let mut order: Vec<i64> = (0..dims.len() as i64).filter(|&a| a != axis as i64).collect();
    order.push(axis as i64);
    let y = net.node("Transpose", &[y], &[("perm", list(&order))]);
    end_rows(net, &y, dims[axis])
}

/// True for one network in three, in which every axis is free.
pub(super) fn is_wide(net: &mut Net) -> bool {
    net.draw.range(0, 2) == 0
}

/// A last convolution.
pub(super) fn end(mut net: Net, x: &str, channels: usize) -> Built {
    let y = net.conv(x, channels, 2);
    net.finish(&[&y])
}

/// A last layer over the last axis.
pub(super) fn end_rows(mut net: Net, x: &str, features: usize) -> Built {
    let y = net.linear(x, features, 2);
    net.finish(&[&y])
}

/// A list with a single element, made from a scalar.
pub(super) fn unsqueezed(net: &mut Net, x: &str) -> String {
    if net.opset < 13 {
        net.node("Unsqueeze", &[x], &[("axes", list(&[0]))])
    } else {
        let axes = net.ints(&[0]);
        net.node("Unsqueeze", &[x, &axes], &[])
    }
}
