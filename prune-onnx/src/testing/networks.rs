//! Small versions of whole networks as people train them: residual, depthwise and grouped, attention, shuffled, digits.

use super::cases::Case;
use super::net::{Built, Net, int, list};

/// The networks: a name and a generator for each.
pub const NETWORKS: &[(&str, Case)] = &[
    ("residual", residual),
    ("depthwise", depthwise),
    ("attention", attention),
    ("shuffle", shuffle),
    ("digits", digits),
];

/// A convolution of kernel 3 that keeps the spatial size, and a batch normalisation with a shift other than 0.
fn conv_norm(net: &mut Net, x: &str, [inputs, outputs, groups]: [usize; 3]) -> String {
    let w = net.weight(&[outputs, inputs / groups, 3, 3]);
    let attributes = [
        ("group", int(groups as i64)),
        ("kernel_shape", list(&[3, 3])),
        ("pads", list(&[1, 1, 1, 1])),
        ("strides", list(&[1, 1])),
    ];
    let y = net.node("Conv", &[x, &w], &attributes);
    norm(net, &y, outputs)
}

fn norm(net: &mut Net, x: &str, channels: usize) -> String {
    let [scale, shift, mean] = [0; 3].map(|_| net.weight(&[channels]));
    // About as large as the values, so that these neither grow nor vanish from layer to layer.
    let variance: Vec<f64> = (0..channels).map(|_| 4.0 + 4.0 * net.draw.float().abs()).collect();
    let variance = net.floats(&[channels], &variance);
    net.node("BatchNormalization", &[x, &scale, &shift, &mean, &variance], &[])
}

fn relu(net: &mut Net, x: &str) -> String {
    net.node("Relu", &[x], &[])
}

/// Scores of classes from the mean of each channel.
fn head(mut net: Net, x: &str, channels: usize) -> Built {
    let x = net.node("GlobalAveragePool", &[x], &[]);
    let x = net.node("Flatten", &[&x], &[("axis", int(1))]);
    let (w, b) = (net.weight(&[5, channels]), net.weight(&[5]));
    let y = net.node("Gemm", &[&x, &w, &b], &[("transB", int(1))]);
    net.finish(&[&y])
}

/// Blocks of two convolutions with a skip connection.
fn residual(mut net: Net) -> Built {
    let (width, inner) = (net.draw.range(6, 12), net.draw.range(4, 20));
    let x = net.input(&[2, 3, 6, 6]);
    let x = conv_norm(&mut net, &x, [3, width, 1]);
    let mut x = relu(&mut net, &x);
    for _ in 0..2 {
        let y = conv_norm(&mut net, &x, [width, inner, 1]);
        let y = relu(&mut net, &y);
        let y = conv_norm(&mut net, &y, [inner, width, 1]);
        let sum = net.node("Add", &[&y, &x], &[]);
        x = relu(&mut net, &sum);
    }
    head(net, &x, width)
}

/// A wide depthwise layer between two narrow ones, a gate for each channel, and a grouped layer.
fn depthwise(mut net: Net) -> Built {
    let (narrow, groups) = (net.draw.range(4, 8), net.draw.range(2, 3));
    let wide = groups * net.draw.range(4, 7);
    let x = net.input(&[2, 3, 6, 6]);
    let x = conv_norm(&mut net, &x, [3, narrow, 1]);
    let y = net.conv(&x, narrow, wide);
    let y = norm(&mut net, &y, wide);
    let y = relu(&mut net, &y);
    let y = conv_norm(&mut net, &y, [wide, wide, wide]);
    let y = relu(&mut net, &y);
    let mean = net.node("GlobalAveragePool", &[&y], &[]);
    let gate = net.conv(&mean, wide, 3);
    let gate = relu(&mut net, &gate);
    let gate = net.conv(&gate, 3, wide);
    let gate = net.node("Sigmoid", &[&gate], &[]);
    let y = net.node("Mul", &[&y, &gate], &[]);
    let y = net.conv(&y, wide, narrow);
    let x = net.node("Add", &[&x, &y], &[]);
    let y = net.conv(&x, narrow, wide);
    let y = conv_norm(&mut net, &y, [wide, 2 * wide, groups]);
    let y = relu(&mut net, &y);
    head(net, &y, 2 * wide)
}

/// A block of an encoder: heads, a skip connection, and two dense layers.
fn attention(mut net: Net) -> Built {
    let (heads, width, length, inner) = (net.draw.range(3, 6), net.draw.range(2, 5), 5, net.draw.range(8, 20));
    let all = heads * width;
    let x = net.input(&[2, length, 4]);
    let x = net.linear(&x, 4, 6);
    let cut = |net: &mut Net, x: &str, order: &[i64]| {
        let y = net.linear(x, 6, all);
        let shape = net.ints(&[2, length as i64, heads as i64, width as i64]);
        let y = net.node("Reshape", &[&y, &shape], &[]);
        net.node("Transpose", &[&y], &[("perm", list(order))])
    };
    let q = cut(&mut net, &x, &[0, 2, 1, 3]);
    let k = cut(&mut net, &x, &[0, 2, 3, 1]);
    let v = cut(&mut net, &x, &[0, 2, 1, 3]);
    let scores = net.node("MatMul", &[&q, &k], &[]);
    let root = net.floats(&[], &[(width as f64).sqrt()]);
    let scores = net.node("Div", &[&scores, &root], &[]);
    let scores = net.node("Softmax", &[&scores], &[("axis", int(3))]);
    let y = net.node("MatMul", &[&scores, &v], &[]);
    let y = net.node("Transpose", &[&y], &[("perm", list(&[0, 2, 1, 3]))]);
    let shape = net.ints(&[2, length as i64, all as i64]);
    let y = net.node("Reshape", &[&y, &shape], &[]);
    let y = net.linear(&y, all, 6);
    let x = net.node("Add", &[&x, &y], &[]);
    let y = net.linear(&x, 6, inner);
    let y = relu(&mut net, &y);
    let y = net.linear(&y, inner, 6);
    let y = net.node("Add", &[&x, &y], &[]);
    let y = net.linear(&y, 6, 3);
    net.finish(&[&y])
}

/// Grouped layers with the channels shuffled between them.
fn shuffle(mut net: Net) -> Built {
    let (groups, local) = (net.draw.range(2, 3), net.draw.range(3, 6));
    let channels = groups * local;
    let x = net.input(&[2, 3, 6, 6]);
    let x = conv_norm(&mut net, &x, [3, channels, 1]);
    let mut x = relu(&mut net, &x);
    for _ in 0..2 {
        let y = conv_norm(&mut net, &x, [channels, channels, groups]);
        let shape = net.ints(&[2, groups as i64, local as i64, 6, 6]);
        let y = net.node("Reshape", &[&y, &shape], &[]);
        let y = net.node("Transpose", &[&y], &[("perm", list(&[0, 2, 1, 3, 4]))]);
        let shape = net.ints(&[2, channels as i64, 6, 6]);
        let y = net.node("Reshape", &[&y, &shape], &[]);
        let y = conv_norm(&mut net, &y, [channels, channels, channels]);
        x = relu(&mut net, &y);
    }
    head(net, &x, channels)
}

/// Two convolutions with pools, and two dense layers, as networks for MNIST have them.
fn digits(mut net: Net) -> Built {
    let (first, second, hidden) = (net.draw.range(4, 10), net.draw.range(4, 12), net.draw.range(8, 20));
    let x = net.input(&[2, 1, 8, 8]);
    let pool = |net: &mut Net, x: &str| {
        let x = net.node("Relu", &[x], &[]);
        net.node("MaxPool", &[&x], &[("kernel_shape", list(&[2, 2])), ("strides", list(&[2, 2]))])
    };
    let x = conv_norm(&mut net, &x, [1, first, 1]);
    let x = pool(&mut net, &x);
    let x = conv_norm(&mut net, &x, [first, second, 1]);
    let x = pool(&mut net, &x);
    let x = net.node("Flatten", &[&x], &[("axis", int(1))]);
    let (w, b) = (net.weight(&[hidden, second * 4]), net.weight(&[hidden]));
    let x = net.node("Gemm", &[&x, &w, &b], &[("transB", int(1))]);
    let x = relu(&mut net, &x);
    let (w, b) = (net.weight(&[10, hidden]), net.weight(&[10]));
    let y = net.node("Gemm", &[&x, &w, &b], &[("transB", int(1))]);
    net.finish(&[&y])
}
