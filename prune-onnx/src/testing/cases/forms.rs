//! New shapes for the same elements, lengths as values, and constants.

use super::around::{end, end_rows, image, rows};
use super::attention::{attention, merged_heads};
use crate::testing::net::{self, Built, Net, int, list};

pub(super) fn transpose(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let y = net.node("Transpose", &[&x], &[("perm", list(&[2, 0, 3, 1]))]);
    end_rows(net, &y, c)
}

pub(super) fn reshape(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    match net.draw.range(0, 5) {
        5 => merged_heads(net),
        0 => {
            let x = net.input(&[2, 2, 2, 3]);
            let x = net.conv(&x, 2, c);
            let flat = (c * 6) as i64;
            let shape = net.draw.pick(&[[0, -1], [0, flat], [-1, flat], [2, flat]]);
            let shape = net.ints(&shape);
            let y = net.node("Reshape", &[&x, &shape], &[]);
            end_rows(net, &y, c * 6)
        }
        1 => {
            // A shuffle of channels between grouped convolutions.
            let (groups, local) = (2, 2 * net.draw.range(1, 3));
            let c = groups * local;
            let x = net.input(&[2, 2, 3, 3]);
            let x = net.conv(&x, 2, c);
            let (g, l) = (groups as i64, local as i64);
            let shape = net.ints(&[2, g, l, 3, 3]);
            let y = net.node("Reshape", &[&x, &shape], &[]);
            let y = net.node("Transpose", &[&y], &[("perm", list(&[0, 2, 1, 3, 4]))]);
            let shape = net.draw.pick(&[[2, g * l, 3, 3], [2, -1, 3, 3]]);
            let shape = net.ints(&shape);
            let y = net.node("Reshape", &[&y, &shape], &[]);
            if net.draw.yes() {
                let w = net.weight(&[4, local, 1, 1]);
                let y = net.node("Conv", &[&y, &w], &[("group", int(g))]);
                return end(net, &y, 4);
            }
            end(net, &y, c)
        }
        2 => attention(net, 1),
        3 => {
            // Channels last: the channels are the innermost factor.
            let x = net.input(&[2, 2, 2, 3]);
            let x = net.conv(&x, 2, c);
            let x = net.node("Transpose", &[&x], &[("perm", list(&[0, 2, 3, 1]))]);
            let shape = net.ints(&[0, -1]);
            let y = net.node("Reshape", &[&x, &shape], &[]);
            end_rows(net, &y, c * 6)
        }
        _ => {
            // Spatial axes of unknown length are merged beside the channels.
            let x = net.input_where(&[2, 2, 2, 3], |axis| axis != 1);
            let x = net.conv(&x, 2, c);
            let shape = net.draw.pick(&[[0, 0, -1], [0, c as i64, -1]]);
            let shape = net.ints(&shape);
            let y = net.node("Reshape", &[&x, &shape], &[]);
            let y = net.node("Transpose", &[&y], &[("perm", list(&[0, 2, 1]))]);
            end_rows(net, &y, c)
        }
    }
}

pub(super) fn flatten(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = net.input(&[2, 2, 2, 3]);
    let x = net.conv(&x, 2, c);
    let axis = net.draw.pick(&[1, -3]);
    let y = net.node("Flatten", &[&x], &[("axis", int(axis))]);
    end_rows(net, &y, c * 6)
}

pub(super) fn squeeze(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let x = net.node("GlobalAveragePool", &[&x], &[]);
    let y = if net.opset < 13 {
        net.node("Squeeze", &[&x], &[("axes", list(&[2, 3]))])
    } else {
        let axes = net.ints(&[-1, 2]);
        net.node("Squeeze", &[&x, &axes], &[])
    };
    end_rows(net, &y, c)
}

pub(super) fn unsqueeze(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = rows(&mut net, c);
    let y = if net.opset < 13 {
        net.node("Unsqueeze", &[&x], &[("axes", list(&[2, 3]))])
    } else {
        let axes = net.ints(&[-1, 2]);
        net.node("Unsqueeze", &[&x, &axes], &[])
    };
    end(net, &y, c)
}

pub(super) fn expand(mut net: Net) -> Built {
    if net.draw.yes() {
        let shared = net.draw.range(2, 3);
        net.opset = 13;
        return attention(net, shared);
    }
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let x = net.node("GlobalAveragePool", &[&x], &[]);
    let lengths = net.draw.pick(&[[1, 1, 2, 3], [2, c as i64, 2, 3], [1, c as i64, 1, 2]]);
    let lengths = net.ints(&lengths);
    let y = net.node("Expand", &[&x, &lengths], &[]);
    end(net, &y, c)
}

pub(super) fn shape(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    if net.asks("Size") {
        return size(net, c);
    }
    let x = net.input_where(&[2, 2, 2, 3], |axis| axis != 1);
    let x = net.conv(&x, 2, c);
    let shape = net.node("Shape", &[&x], &[]);
    let part = |net: &mut Net, axis: i64| {
        let at = net.ints(&[axis]);
        net.node("Gather", &[&shape, &at], &[])
    };
    match net.draw.range(0, 3) {
        3 => {
            // A length becomes a factor of a shape. Its channels stay, and others go.
            let channels = part(&mut net, 1);
            let two = net.ints(&[2]);
            let double = net.node("Mul", &[&channels, &two], &[]);
            let factor = net.node("Cast", &[&double], &[("to", int(net.float_code()))]);
            let y = net.node("Mul", &[&x, &factor], &[]);
            let y = net.conv(&y, c, 3);
            end(net, &y, 3)
        }
        0 => {
            let (batch, channels) = (part(&mut net, 0), part(&mut net, 1));
            let open = net.ints(&[-1]);
            let target = net.node("Concat", &[&batch, &channels, &open], &[("axis", int(0))]);
            let y = net.node("Reshape", &[&x, &target], &[]);
            let y = net.node("Transpose", &[&y], &[("perm", list(&[0, 2, 1]))]);
            end_rows(net, &y, c)
        }
        1 => {
            // A shape with several open lengths is restored.
            let (batch, spatial) = (part(&mut net, 0), net.ints(&[-1]));
            let channels = net.ints(&[c as i64]);
            let target = net.node("Concat", &[&batch, &channels, &spatial], &[("axis", int(0))]);
            let y = net.node("Reshape", &[&x, &target], &[]);
            let y = net.node("Relu", &[&y], &[]);
            let (h, w) = (part(&mut net, 2), part(&mut net, 3));
            let target = net.node("Concat", &[&batch, &channels, &h, &w], &[("axis", int(0))]);
            let y = net.node("Reshape", &[&y, &target], &[]);
            end(net, &y, c)
        }
        _ => {
            // The network computes with a length. The channels of this tensor stay, and others go.
            let channels = part(&mut net, 1);
            let least = net.ints(&[c as i64]);
            let most = net.node("Max", &[&channels, &least], &[]);
            let (batch, spatial) = (part(&mut net, 0), net.ints(&[-1]));
            let target = net.node("Concat", &[&batch, &most, &spatial], &[("axis", int(0))]);
            let y = net.node("Reshape", &[&x, &target], &[]);
            let y = net.node("Transpose", &[&y], &[("perm", list(&[0, 2, 1]))]);
            let y = net.linear(&y, c, 4);
            let lengths = net.node("Shape", &[&y], &[]);
            let y = net.node("Reshape", &[&y, &lengths], &[]);
            end_rows(net, &y, 4)
        }
    }
}

/// The number of elements of one layer divides another layer. The channels of the first stay; those of the second go.
fn size(mut net: Net, c: usize) -> Built {
    let x = net.input_where(&[2, 2, 2, 3], |axis| axis != 1);
    let (a, b) = (net.conv(&x, 2, c), net.conv(&x, 2, c));
    let size = net.node("Size", &[&a], &[]);
    let size = net.node("Cast", &[&size], &[("to", int(net.float_code()))]);
    let a = net.conv(&a, c, 2);
    let b = net.node("Div", &[&b, &size], &[]);
    let b = net.conv(&b, c, 2);
    let y = net.node("Add", &[&a, &b], &[]);
    net.finish(&[&y])
}

pub(super) fn constant(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let name = net.fresh("c");
    let values: Vec<f64> = (0..2 * c).map(|_| net.draw.float()).collect();
    let (float, values) = (net.float, net::encoded(net.float, &values));
    net.graph().constant(&name, float, &[2, c, 1, 1], &values);
    let y = net.node("Conv", &[&x, &name], &[]);
    net.finish(&[&y])
}

pub(super) fn constant_of_shape(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let zeros = if net.draw.yes() {
        let lengths = net.ints(&[1, c as i64, 1, 1]);
        net.node("ConstantOfShape", &[&lengths], &[])
    } else {
        let shape = net.node("Shape", &[&x], &[]);
        net.node("ConstantOfShape", &[&shape], &[])
    };
    let y = net.node("Add", &[&x, &zeros], &[]);
    end(net, &y, c)
}
