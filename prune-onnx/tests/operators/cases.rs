//! For each rule of the table a generator of networks in which an index is removed through its operator.

use prune_onnx::DataType;

use crate::net::{Built, Net, int, list, text};

/// A generator of networks.
pub(crate) type Case = fn(Net) -> Built;

/// The first operator of a rule, and networks in which something goes through it.
pub(crate) const CASES: &[(&str, Case)] = &[
    ("Conv", conv),
    ("ConvTranspose", conv_transpose),
    ("Gemm", gemm),
    ("MatMul", matmul),
    ("BatchNormalization", batch_norm),
    ("InstanceNormalization", instance_norm),
    ("GroupNormalization", group_norm),
    ("LayerNormalization", layer_norm),
    ("LRN", lrn),
    ("Identity", elementwise),
    ("Cast", cast),
    ("Clip", clip),
    ("Dropout", dropout),
    ("Add", arithmetic),
    ("PRelu", prelu),
    ("Where", where_op),
    ("Concat", concat),
    ("Split", split),
    ("Slice", slice),
    ("Gather", gather),
    ("Pad", pad),
    ("Resize", resize),
    ("MaxPool", pool),
    ("GlobalAveragePool", global_pool),
    ("ReduceSum", reduce),
    ("Softmax", softmax),
    ("Transpose", transpose),
    ("Reshape", reshape),
    ("Flatten", flatten),
    ("Squeeze", squeeze),
    ("Unsqueeze", unsqueeze),
    ("Expand", expand),
    ("Shape", shape),
    ("Constant", constant),
    ("ConstantOfShape", constant_of_shape),
];

/// An image, a first convolution, the name and number of its channels.
fn image(net: &mut Net, channels: usize) -> String {
    let inputs = net.draw.range(1, 3);
    let size = net.draw.range(3, 4);
    let x = net.input(&[2, inputs, size, size]);
    net.conv(&x, inputs, channels)
}

/// Rows of features after a first layer.
fn rows(net: &mut Net, features: usize) -> String {
    let inputs = net.draw.range(1, 3);
    let x = net.input(&[2, inputs]);
    net.linear(&x, inputs, features)
}

/// Sequences of features after a first layer.
fn sequence(net: &mut Net, length: usize, features: usize) -> String {
    let inputs = net.draw.range(1, 3);
    let open = net.draw.yes();
    let x = net.input_where(&[2, length, inputs], |axis| open && axis < 2);
    net.linear(&x, inputs, features)
}

/// A constant of which nothing pins any axis, an operator, and a sum over one drawn axis of its result: whatever the operator
/// forgets to pin or to join on that axis goes wrong.
fn wide(mut net: Net, dims: &[usize], apply: impl FnOnce(&mut Net, &str) -> (String, Vec<usize>)) -> Built {
    let x = net.weight(dims);
    let (y, dims) = apply(&mut net, &x);
    sum_over_one(net, &y, &dims)
}

/// A weight over one drawn axis.
fn sum_over_one(mut net: Net, y: &str, dims: &[usize]) -> Built {
    let axis = net.draw.range(0, dims.len() - 1);
    let mut order: Vec<i64> = (0..dims.len() as i64).filter(|&a| a != axis as i64).collect();
    order.push(axis as i64);
    let y = net.node("Transpose", &[y], &[("perm", list(&order))]);
    end_rows(net, &y, dims[axis])
}

/// One network in three has every axis free.
fn is_wide(net: &mut Net) -> bool {
    net.draw.range(0, 2) == 0
}

/// A last convolution.
fn end(mut net: Net, x: &str, channels: usize) -> Built {
    let y = net.conv(x, channels, 2);
    net.finish(&[&y])
}

/// A last layer over the last axis.
fn end_rows(mut net: Net, x: &str, features: usize) -> Built {
    let y = net.linear(x, features, 2);
    net.finish(&[&y])
}

fn conv(mut net: Net) -> Built {
    if is_wide(&mut net) {
        return wide(net, &[3, 2, 4, 5], |net, x| {
            let w = net.weight(&[3, 2, 2, 2]);
            (net.node("Conv", &[x, &w], &[]), vec![3, 3, 3, 4])
        });
    }
    let (groups, local, outputs) = match net.draw.range(0, 2) {
        0 => (1, net.draw.range(2, 6), net.draw.range(2, 6)),
        1 => (net.draw.range(2, 5), 1, net.draw.range(1, 2)),
        _ => (net.draw.range(2, 3), net.draw.range(2, 4), net.draw.range(2, 4)),
    };
    let (channels, outputs) = (groups * local, groups * outputs);
    let x = image(&mut net, channels);
    let x = net.node("Relu", &[&x], &[]);
    let (w, b) = (net.weight(&[outputs, local, 3, 3]), net.weight(&[outputs]));
    let inputs = if net.draw.yes() { vec![x.as_str(), &w, &b] } else { vec![x.as_str(), &w] };
    let stride = net.draw.range(1, 2) as i64;
    let attributes = [("group", int(groups as i64)), ("pads", list(&[1, 1, 1, 1])), ("strides", list(&[stride; 2]))];
    let y = net.node("Conv", &inputs, &attributes);
    end(net, &y, outputs)
}

fn conv_transpose(mut net: Net) -> Built {
    if is_wide(&mut net) {
        return wide(net, &[3, 2, 3, 2], |net, x| {
            let w = net.weight(&[2, 3, 2, 2]);
            (net.node("ConvTranspose", &[x, &w], &[]), vec![3, 3, 4, 3])
        });
    }
    let (groups, local, outputs) = match net.draw.range(0, 2) {
        0 => (1, net.draw.range(2, 6), net.draw.range(2, 6)),
        1 => (net.draw.range(2, 5), 1, net.draw.range(1, 2)),
        _ => (net.draw.range(2, 3), net.draw.range(2, 4), net.draw.range(2, 4)),
    };
    let channels = groups * local;
    let x = image(&mut net, channels);
    let x = net.node("Relu", &[&x], &[]);
    let (w, b) = (net.weight(&[channels, outputs, 2, 2]), net.weight(&[groups * outputs]));
    let inputs = if net.draw.yes() { vec![x.as_str(), &w, &b] } else { vec![x.as_str(), &w] };
    let attributes = [("group", int(groups as i64)), ("strides", list(&[2, 2]))];
    let y = net.node("ConvTranspose", &inputs, &attributes);
    end(net, &y, groups * outputs)
}

fn gemm(mut net: Net) -> Built {
    let n = net.draw.range(2, 6);
    let x = rows(&mut net, n);
    let m = net.draw.range(2, 6);
    if net.draw.range(0, 3) == 0 {
        // The weight on the left: columns of the activation are rows of the result.
        let w = net.weight(&[m, n]);
        let y = net.node("Gemm", &[&w, &x], &[("transB", int(1))]);
        let y = net.node("Transpose", &[&y], &[]);
        return end_rows(net, &y, m);
    }
    let turned = net.draw.yes();
    let w = net.weight(&if turned { [m, n] } else { [n, m] });
    let bias = match net.draw.range(0, 3) {
        0 => net.weight(&[m]),
        1 => net.weight(&[1, m]),
        2 => net.weight(&[1]),
        _ => String::new(),
    };
    let inputs = if bias.is_empty() { vec![x.as_str(), &w] } else { vec![x.as_str(), &w, &bias] };
    let y = net.node("Gemm", &inputs, &[("transB", int(i64::from(turned)))]);
    let y = net.node("Relu", &[&y], &[]);
    end_rows(net, &y, m)
}

fn matmul(mut net: Net) -> Built {
    if is_wide(&mut net) {
        return wide(net, &[2, 3, 4], |net, x| {
            let w = net.weight(&[4, 3]);
            (net.node("MatMul", &[x, &w], &[]), vec![2, 3, 3])
        });
    }
    match net.draw.range(0, 4) {
        0 => {
            let n = net.draw.range(2, 6);
            let x = sequence(&mut net, 3, n);
            end_rows(net, &x, n)
        }
        1 => attention(net, 1),
        2 => {
            let groups = net.draw.range(1, 3);
            attention(net, groups)
        }
        3 => one_head(net),
        _ => {
            // A list on the right: its axis is summed away.
            let n = net.draw.range(2, 6);
            let x = sequence(&mut net, 3, n);
            let w = net.weight(&[n]);
            let y = net.node("MatMul", &[&x, &w], &[]);
            net.finish(&[&y])
        }
    }
}

/// Attention without a cut into heads: the axis that is summed over goes where a factor is 0 without its index, and stays
/// behind a function that is not 0 at 0.
fn one_head(mut net: Net) -> Built {
    let (inputs, width, length) = (net.draw.range(2, 3), net.draw.range(2, 5), 3);
    let x = net.input(&[2, length, inputs]);
    let mut q = net.linear(&x, inputs, width);
    let mut k = net.linear(&x, inputs, width);
    if net.draw.yes() {
        q = net.node("Sigmoid", &[&q], &[]);
    }
    if net.draw.yes() {
        k = net.node("Exp", &[&k], &[]);
    }
    let k = net.node("Transpose", &[&k], &[("perm", list(&[0, 2, 1]))]);
    let scores = net.node("MatMul", &[&q, &k], &[]);
    let scores = net.node("Softmax", &[&scores], &[("axis", int(2))]);
    let v = net.linear(&x, inputs, width);
    let y = net.node("MatMul", &[&scores, &v], &[]);
    end_rows(net, &y, width)
}

/// Attention with heads; `shared` query heads share a head of keys and values.
pub(crate) fn attention(mut net: Net, shared: usize) -> Built {
    let (heads, width, length) = (net.draw.range(2, 4), net.draw.range(1, 3), 3);
    let inputs = net.draw.range(2, 3);
    let chained = net.draw.yes();
    let open = chained && net.draw.yes();
    let x = net.input_where(&[2, length, inputs], |axis| open && axis < 2);
    let q = net.linear(&x, inputs, heads * shared * width);
    let k = net.linear(&x, inputs, heads * width);
    let v = net.linear(&x, inputs, heads * width);
    // Lengths of batch and sequence as exporters compute them.
    let dims = chained.then(|| {
        let shape = net.node("Shape", &[&x], &[]);
        [0, 1].map(|axis| {
            let at = net.scalar(axis);
            let length = net.node("Gather", &[&shape, &at], &[("axis", int(0))]);
            unsqueezed(&mut net, &length)
        })
    });
    let target = |net: &mut Net, rest: &[i64]| match &dims {
        None => net.ints(&[&[2, length as i64], rest].concat()),
        Some([batch, sequence]) => {
            let rest: Vec<String> = rest.iter().map(|&n| net.ints(&[n])).collect();
            let mut all = vec![batch.as_str(), sequence.as_str()];
            all.extend(rest.iter().map(String::as_str));
            net.node("Concat", &all, &[("axis", int(0))])
        }
    };
    let cut = |net: &mut Net, x: &str, heads: usize| {
        let shape = target(net, &[heads as i64, width as i64]);
        let x = net.node("Reshape", &[x, &shape], &[]);
        net.node("Transpose", &[&x], &[("perm", list(&[0, 2, 1, 3]))])
    };
    let q = cut(&mut net, &q, heads * shared);
    let mut k = cut(&mut net, &k, heads);
    let mut v = cut(&mut net, &v, heads);
    if shared > 1 {
        let repeat = |net: &mut Net, x: &str| {
            let axes = net.ints(&[2]);
            let x = net.node("Unsqueeze", &[x, &axes], &[]);
            let of = |net: &mut Net, lengths: [i64; 5]| match &dims {
                None => net.ints(&lengths),
                Some([batch, sequence]) => {
                    let [h, r, w] = [lengths[1], lengths[2], lengths[4]].map(|n| net.ints(&[n]));
                    net.node("Concat", &[batch, &h, &r, sequence, &w], &[("axis", int(0))])
                }
            };
            let expanded = of(net, [2, heads as i64, shared as i64, length as i64, width as i64]);
            let x = net.node("Expand", &[&x, &expanded], &[]);
            let merged = match &dims {
                None => net.ints(&[2, (heads * shared) as i64, length as i64, width as i64]),
                Some([batch, sequence]) => {
                    let [h, w] = [heads * shared, width].map(|n| net.ints(&[n as i64]));
                    net.node("Concat", &[batch, &h, sequence, &w], &[("axis", int(0))])
                }
            };
            net.node("Reshape", &[&x, &merged], &[])
        };
        k = repeat(&mut net, &k);
        v = repeat(&mut net, &v);
    }
    let k = net.node("Transpose", &[&k], &[("perm", list(&[0, 1, 3, 2]))]);
    let scores = net.node("MatMul", &[&q, &k], &[]);
    let scores = net.node("Softmax", &[&scores], &[("axis", int(3))]);
    let y = net.node("MatMul", &[&scores, &v], &[]);
    let y = net.node("Transpose", &[&y], &[("perm", list(&[0, 2, 1, 3]))]);
    let shape = target(&mut net, &[(heads * shared * width) as i64]);
    let y = net.node("Reshape", &[&y, &shape], &[]);
    end_rows(net, &y, heads * shared * width)
}

/// A list of one element from a single one.
fn unsqueezed(net: &mut Net, x: &str) -> String {
    if net.opset < 13 {
        net.node("Unsqueeze", &[x], &[("axes", list(&[0]))])
    } else {
        let axes = net.ints(&[0]);
        net.node("Unsqueeze", &[x, &axes], &[])
    }
}

fn batch_norm(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let [scale, shift, mean] = [0; 3].map(|_| net.weight(&[c]));
    let variance = net.positive(&[c]);
    let y = net.node("BatchNormalization", &[&x, &scale, &shift, &mean, &variance], &[]);
    end(net, &y, c)
}

fn instance_norm(mut net: Net) -> Built {
    if is_wide(&mut net) {
        return wide(net, &[3, 2, 4, 3], |net, x| {
            let (scale, shift) = (net.weight(&[2]), net.weight(&[2]));
            (net.node("InstanceNormalization", &[x, &scale, &shift], &[]), vec![3, 2, 4, 3])
        });
    }
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let [scale, shift] = [0; 2].map(|_| net.weight(&[c]));
    let y = net.node("InstanceNormalization", &[&x, &scale, &shift], &[]);
    end(net, &y, c)
}

fn group_norm(mut net: Net) -> Built {
    if is_wide(&mut net) {
        net.opset = 21;
        return wide(net, &[3, 4, 4, 3], |net, x| {
            let (scale, shift) = (net.weight(&[4]), net.weight(&[4]));
            (net.node("GroupNormalization", &[x, &scale, &shift], &[("num_groups", int(2))]), vec![3, 4, 4, 3])
        });
    }
    let (groups, local) = (net.draw.range(2, 4), net.draw.range(1, 3));
    let c = groups * local;
    let x = image(&mut net, c);
    if net.draw.yes() {
        // As exporters write it for older engines: an instance normalisation over regrouped values.
        let shape = net.ints(&[0, groups as i64, -1]);
        let flat = net.node("Reshape", &[&x, &shape], &[]);
        let (one, zero) = (net.positive(&[groups]), net.weight(&[groups]));
        let flat = net.node("InstanceNormalization", &[&flat, &one, &zero], &[]);
        let shape = net.node("Shape", &[&x], &[]);
        let y = net.node("Reshape", &[&flat, &shape], &[]);
        let scale = net.weight(&[c, 1, 1]);
        let y = net.node("Mul", &[&y, &scale], &[]);
        let g = net.positive(&[c]);
        let s = net.weight(&[c]);
        net.opset = 21;
        let y = net.node("GroupNormalization", &[&y, &g, &s], &[("num_groups", int(groups as i64))]);
        return end(net, &y, c);
    }
    let per = if net.draw.yes() { c } else { groups };
    net.opset = if per == c { 21 } else { 18 };
    let [scale, shift] = [0; 2].map(|_| net.weight(&[per]));
    let y = net.node("GroupNormalization", &[&x, &scale, &shift], &[("num_groups", int(groups as i64))]);
    end(net, &y, c)
}

fn layer_norm(mut net: Net) -> Built {
    if is_wide(&mut net) {
        net.opset = 17;
        return wide(net, &[3, 2, 4, 3], |net, x| {
            let axis = net.draw.range(2, 3);
            let dims = [4, 3];
            let scale = net.weight(&dims[axis - 2..]);
            (net.node("LayerNormalization", &[x, &scale], &[("axis", int(axis as i64))]), vec![3, 2, 4, 3])
        });
    }
    let c = net.draw.range(2, 6);
    let x = net.input(&[2, 2, 3, 3]);
    let x = net.conv(&x, 2, c);
    let [scale, shift] = [0; 2].map(|_| net.weight(&[3]));
    let rms = net.draw.yes();
    let y = if rms {
        net.opset = 23;
        net.node("RMSNormalization", &[&x, &scale], &[("axis", int(-1))])
    } else {
        net.opset = 17;
        net.node("LayerNormalization", &[&x, &scale, &shift], &[("axis", int(3))])
    };
    end(net, &y, c)
}

fn lrn(mut net: Net) -> Built {
    if is_wide(&mut net) {
        return wide(net, &[3, 4, 4, 3], |net, x| (net.node("LRN", &[x], &[("size", int(3))]), vec![3, 4, 4, 3]));
    }
    let n = net.draw.range(2, 6);
    let x = sequence(&mut net, 4, n);
    let y = net.node("LRN", &[&x], &[("size", int(3))]);
    end_rows(net, &y, n)
}

fn elementwise(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let operators = [
        "Identity",
        "Relu",
        "LeakyRelu",
        "Sigmoid",
        "HardSigmoid",
        "HardSwish",
        "Tanh",
        "Exp",
        "Abs",
        "Neg",
        "Softplus",
        "Floor",
    ];
    let operator = net.draw.pick(&operators);
    let y = net.node(operator, &[&x], &[]);
    // A weight behind an Identity, as some exporters share them.
    let w = net.weight(&[2, c, 1, 1]);
    let w = net.node("Identity", &[&w], &[]);
    let y = net.node("Conv", &[&y, &w], &[]);
    net.finish(&[&y])
}

fn cast(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let y = net.node("Cast", &[&x], &[("to", int(11))]);
    end(net, &y, c)
}

fn clip(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let (low, high) = (net.draw.float() * 0.1, net.draw.range(1, 6) as f64);
    let y = if net.opset < 11 {
        net.opset = 10;
        let bounds =
            [("min", prune_onnx::AttributeValue::Float(low as f32)), ("max", prune_onnx::AttributeValue::Float(6.0))];
        net.node("Clip", &[&x], &bounds)
    } else {
        let (low, high) = (net.floats(&[], &[low]), net.floats(&[], &[high]));
        net.node("Clip", &[&x, &low, &high], &[])
    };
    end(net, &y, c)
}

fn dropout(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let y = net.node("Dropout", &[&x], &[]);
    end(net, &y, c)
}

fn arithmetic(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let inputs = net.draw.range(1, 3);
    let x = net.input(&[2, inputs, 3, 3]);
    let a = net.conv(&x, inputs, c);
    let operator = net.draw.pick(&["Add", "Sub", "Mul", "Max", "Min", "Sum", "Div", "Pow"]);
    let b = match operator {
        "Div" => {
            let rank = net.draw.range(1, 2);
            net.positive(&[1, c, 1, 1][2 - rank..])
        }
        "Pow" => net.floats(&[], &[2.0]),
        _ => match net.draw.range(0, 5) {
            0 => net.weight(&[c, 1, 1]),
            1 => net.weight(&[1, c, 1, 1]),
            2 => net.weight(&[]),
            3 => net.weight(&[1]),
            4 => {
                // A gate for each channel.
                let pooled = net.node("GlobalAveragePool", &[&a], &[]);
                let squeezed = net.conv(&pooled, c, 2);
                let squeezed = net.node("Relu", &[&squeezed], &[]);
                let gate = net.conv(&squeezed, 2, c);
                net.node("Sigmoid", &[&gate], &[])
            }
            _ => net.conv(&x, inputs, c),
        },
    };
    let turned = !matches!(operator, "Div" | "Pow") && net.draw.yes();
    let y = net.node(operator, if turned { [b.as_str(), &a] } else { [a.as_str(), &b] }.as_slice(), &[]);
    end(net, &y, c)
}

fn prelu(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let slope = if net.draw.yes() { net.weight(&[c, 1, 1]) } else { net.weight(&[1]) };
    let y = net.node("PRelu", &[&x, &slope], &[]);
    end(net, &y, c)
}

fn where_op(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let inputs = net.draw.range(1, 3);
    let x = net.input(&[2, inputs, 3, 3]);
    let (a, b) = (net.conv(&x, inputs, c), net.conv(&x, inputs, c));
    let condition = if net.draw.yes() {
        let bound = net.weight(&[c, 1, 1]);
        net.node("Greater", &[&a, &bound], &[])
    } else {
        let bits: Vec<u8> = (0..c).map(|_| u8::from(net.draw.yes())).collect();
        net.constant(DataType::Bool, &[c, 1, 1], &bits)
    };
    let other = if net.draw.yes() { b } else { net.weight(&[]) };
    let y = net.node("Where", &[&condition, &a, &other], &[]);
    end(net, &y, c)
}

fn concat(mut net: Net) -> Built {
    let (c, d) = (net.draw.range(2, 5), net.draw.range(2, 5));
    let inputs = net.draw.range(1, 3);
    let x = net.input(&[2, inputs, 3, 3]);
    let a = net.conv(&x, inputs, c);
    if net.draw.range(0, 2) == 0 {
        let b = net.conv(&x, inputs, c);
        let y = net.node("Concat", &[&a, &b, &a], &[("axis", int(-1))]);
        return end(net, &y, c);
    }
    let b = net.conv(&x, inputs, d);
    let y = net.node("Concat", &[&b, &a, &x], &[("axis", int(1))]);
    end(net, &y, c + d + inputs)
}

fn split(mut net: Net) -> Built {
    if is_wide(&mut net) {
        net.opset = net.opset.min(12);
        return wide(net, &[3, 4, 5], |net, x| {
            let y = net.node_many("Split", &[x], 2, &[("axis", int(1)), ("split", list(&[2, 2]))]);
            (net.node("Add", &[&y[0], &y[1]], &[]), vec![3, 2, 5])
        });
    }
    let count = net.draw.range(2, 3);
    let mut parts: Vec<usize> = (0..count).map(|_| net.draw.range(1, 4)).collect();
    let form = net.draw.range(0, 2);
    if form != 0 {
        parts = vec![parts[0]; count];
    }
    let c: usize = parts.iter().sum();
    let x = image(&mut net, c);
    let ints: Vec<i64> = parts.iter().map(|&n| n as i64).collect();
    let y = match form {
        2 => {
            net.opset = 18;
            net.node_many("Split", &[&x], count, &[("axis", int(1)), ("num_outputs", int(count as i64))])
        }
        0 if net.opset < 13 => net.node_many("Split", &[&x], count, &[("axis", int(1)), ("split", list(&ints))]),
        0 => {
            let ints = net.ints(&ints);
            net.node_many("Split", &[&x, &ints], count, &[("axis", int(-3))])
        }
        _ => {
            net.opset = net.opset.min(17);
            net.node_many("Split", &[&x], count, &[("axis", int(1))])
        }
    };
    let mut sum = net.conv(&y[0], parts[0], 2);
    for (part, &n) in y.iter().zip(&parts).skip(1) {
        let part = net.conv(part, n, 2);
        sum = net.node("Add", &[&sum, &part], &[]);
    }
    net.finish(&[&sum])
}

fn slice(mut net: Net) -> Built {
    if is_wide(&mut net) {
        net.opset = net.opset.max(10);
        return wide(net, &[3, 4, 5], |net, x| {
            let step = net.draw.pick(&[1, 2, -1]);
            let (from, to) = if step > 0 { (1, 4) } else { (3, 0) };
            let even = step == 2;
            let [from, to, axis, step] = [from, to, 2, step].map(|n| net.ints(&[n]));
            let y = net.node("Slice", &[x, &from, &to, &axis, &step], &[]);
            (y, vec![3, 4, if even { 2 } else { 3 }])
        });
    }
    let c = net.draw.range(4, 7);
    let x = image(&mut net, c);
    let start = net.draw.range(0, 2);
    let end_at = net.draw.range(start + 2, c);
    let from_end = |at: usize, net: &mut Net| if net.draw.yes() { at as i64 - c as i64 } else { at as i64 };
    let first = from_end(start, &mut net);
    let last = if end_at == c { i64::MAX } else { from_end(end_at, &mut net) };
    let y = if net.opset < 10 {
        net.node("Slice", &[&x], &[("starts", list(&[first])), ("ends", list(&[last])), ("axes", list(&[1]))])
    } else {
        let [first, last, axis] = [first, last, 1].map(|n| net.ints(&[n]));
        net.node("Slice", &[&x, &first, &last, &axis], &[])
    };
    let n = end_at - start;
    // What is cut off is read elsewhere.
    let a = net.conv(&y, n, 2);
    let b = net.conv(&x, c, 2);
    let y = net.node("Add", &[&a, &b], &[]);
    net.finish(&[&y])
}

fn gather(mut net: Net) -> Built {
    if is_wide(&mut net) {
        return wide(net, &[3, 4, 5], |net, x| {
            let at: Vec<u8> = [0i64, 2, 1, 3, 3, 1].iter().flat_map(|v| v.to_le_bytes()).collect();
            let indices = net.constant(DataType::Int64, &[2, 3], &at);
            (net.node("Gather", &[x, &indices], &[("axis", int(1))]), vec![3, 2, 3, 5])
        });
    }
    let c = net.draw.range(4, 7);
    match net.draw.range(0, 2) {
        0 => {
            let x = image(&mut net, c);
            let n = net.draw.range(2, 6);
            let chosen: Vec<i64> = (0..n).map(|_| net.draw.range(0, 2 * c - 1) as i64 - c as i64).collect();
            let indices = net.ints(&chosen);
            let y = net.node("Gather", &[&x, &indices], &[("axis", int(1))]);
            let a = net.conv(&y, n, 2);
            let b = net.conv(&x, c, 2);
            let y = net.node("Add", &[&a, &b], &[]);
            net.finish(&[&y])
        }
        1 => {
            let x = sequence(&mut net, 3, c);
            let at = net.scalar(1);
            let y = net.node("Gather", &[&x, &at], &[("axis", int(1))]);
            end_rows(net, &y, c)
        }
        _ => {
            // A single feature, and all of them.
            let x = sequence(&mut net, 3, c);
            let at = net.draw.range(0, c - 1) as i64;
            let at = net.scalar(at);
            let one = net.node("Gather", &[&x, &at], &[("axis", int(2))]);
            let all = net.linear(&x, c, 2);
            net.finish(&[&one, &all])
        }
    }
}

fn pad(mut net: Net) -> Built {
    if is_wide(&mut net) {
        net.opset = net.opset.max(11);
        return wide(net, &[3, 2, 4, 3], |net, x| {
            let pads = net.ints(&[0, 0, 1, 0, 0, 0, 0, 0]);
            (net.node("Pad", &[x, &pads], &[]), vec![3, 2, 5, 3])
        });
    }
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let pads = [0, 0, 1, 0, 0, 0, 0, 2];
    let y = if net.opset < 11 {
        net.node("Pad", &[&x], &[("pads", list(&pads)), ("value", prune_onnx::AttributeValue::Float(0.5))])
    } else {
        let pads = net.ints(&pads);
        let value = net.floats(&[], &[0.5]);
        net.node("Pad", &[&x, &pads, &value], &[])
    };
    end(net, &y, c)
}

fn resize(mut net: Net) -> Built {
    if is_wide(&mut net) {
        net.opset = net.opset.max(11);
        return wide(net, &[3, 6, 3, 4], |net, x| {
            let new = [
                ("mode", text("nearest")),
                ("coordinate_transformation_mode", text("asymmetric")),
                ("nearest_mode", text("floor")),
            ];
            match net.draw.range(0, 2) {
                0 => {
                    let scales = net.singles(&[1.0, 1.0, 2.0, 1.0]);
                    (net.node("Resize", &[x, "", &scales], &new), vec![3, 6, 6, 4])
                }
                1 => {
                    let sizes = net.ints(&[3, 6, 6, 4]);
                    (net.node("Resize", &[x, "", "", &sizes], &new), vec![3, 6, 6, 4])
                }
                _ => {
                    // One element is the length of an axis that stays and of one that is made.
                    let parts = [3, 6, 4].map(|n| net.ints(&[n]));
                    let chain = net.node("Concat", &[&parts[0], &parts[1], &parts[2]], &[("axis", int(0))]);
                    let at = net.ints(&[0, 1, 1, 2]);
                    let sizes = net.node("Gather", &[&chain, &at], &[]);
                    (net.node("Resize", &[x, "", "", &sizes], &new), vec![3, 6, 6, 4])
                }
            }
        });
    }
    let c = net.draw.range(2, 6);
    let inputs = net.draw.range(1, 3);
    let open = net.draw.yes();
    let x = net.input_where(&[2, inputs, 3, 3], |axis| open && axis == 0);
    let x = net.conv(&x, inputs, c);
    let nearest = ("mode", text("nearest"));
    let new =
        [nearest.clone(), ("coordinate_transformation_mode", text("asymmetric")), ("nearest_mode", text("floor"))];
    let y = match net.opset {
        9 => {
            let scales = net.singles(&[1.0, 1.0, 2.0, 2.0]);
            net.node("Upsample", &[&x, &scales], &[nearest])
        }
        10 => {
            let scales = net.singles(&[1.0, 1.0, 2.0, 2.0]);
            net.node("Resize", &[&x, &scales], &[nearest])
        }
        _ => match net.draw.range(0, 3) {
            0 => {
                let scales = net.singles(&[1.0, 1.0, 2.0, 2.0]);
                net.node("Resize", &[&x, "", &scales], &new)
            }
            1 if !open => {
                let sizes = net.ints(&[2, c as i64, 6, 6]);
                net.node("Resize", &[&x, "", "", &sizes], &new)
            }
            2 => {
                let shape = net.node("Shape", &[&x], &[]);
                let [from, to] = [0, 2].map(|n| net.ints(&[n]));
                let shape = net.node("Slice", &[&shape, &from, &to], &[]);
                let rest = net.ints(&[6, 6]);
                let sizes = net.node("Concat", &[&shape, &rest], &[("axis", int(0))]);
                net.node("Resize", &[&x, "", "", &sizes], &new)
            }
            _ => {
                // The number of channels is written into the chain.
                let shape = net.node("Shape", &[&x], &[]);
                let at = net.scalar(0);
                let batch = net.node("Gather", &[&shape, &at], &[]);
                let batch = unsqueezed(&mut net, &batch);
                let rest = net.ints(&[c as i64, 6, 6]);
                let sizes = net.node("Concat", &[&batch, &rest], &[("axis", int(0))]);
                net.node("Resize", &[&x, "", "", &sizes], &new)
            }
        },
    };
    end(net, &y, c)
}

fn pool(mut net: Net) -> Built {
    if is_wide(&mut net) {
        return wide(net, &[3, 2, 4, 5], |net, x| {
            (net.node("AveragePool", &[x], &[("kernel_shape", list(&[2, 2]))]), vec![3, 2, 3, 4])
        });
    }
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let operator = net.draw.pick(&["MaxPool", "AveragePool", "LpPool"]);
    let y = net.node(operator, &[&x], &[("kernel_shape", list(&[2, 2])), ("strides", list(&[1, 2]))]);
    end(net, &y, c)
}

fn global_pool(mut net: Net) -> Built {
    if is_wide(&mut net) {
        return wide(net, &[3, 4, 4, 5], |net, x| (net.node("GlobalAveragePool", &[x], &[]), vec![3, 4, 1, 1]));
    }
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let operator = net.draw.pick(&["GlobalAveragePool", "GlobalMaxPool"]);
    let y = net.node(operator, &[&x], &[]);
    end(net, &y, c)
}

fn reduce(mut net: Net) -> Built {
    if is_wide(&mut net) {
        return wide(net, &[3, 2, 4, 5], |net, x| {
            let keep = net.draw.yes();
            net.opset = net.opset.min(12);
            let attributes = [("axes", list(&[2])), ("keepdims", int(i64::from(keep)))];
            let dims = if keep { vec![3, 2, 1, 5] } else { vec![3, 2, 5] };
            (net.node("ReduceMean", &[x], &attributes), dims)
        });
    }
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let operators = [
        "ReduceSum",
        "ReduceMean",
        "ReduceMax",
        "ReduceMin",
        "ReduceProd",
        "ReduceL1",
        "ReduceL2",
        "ReduceSumSquare",
        "ReduceLogSumExp",
    ];
    let operator = net.draw.pick(&operators);
    let keep = net.draw.yes();
    let keepdims = ("keepdims", int(i64::from(keep)));
    let as_input = net.opset >= 18 || operator == "ReduceSum" && net.opset >= 13;
    let y = if as_input {
        let axes = net.ints(&[2, -1]);
        net.node(operator, &[&x, &axes], &[keepdims])
    } else {
        net.node(operator, &[&x], &[keepdims, ("axes", list(&[2, 3]))])
    };
    if keep { end(net, &y, c) } else { end_rows(net, &y, c) }
}

fn softmax(mut net: Net) -> Built {
    if is_wide(&mut net) {
        net.opset = net.draw.pick(&[11, 13]);
        return wide(net, &[3, 2, 4, 5], |net, x| (net.node("Softmax", &[x], &[("axis", int(2))]), vec![3, 2, 4, 5]));
    }
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let operator = net.draw.pick(&["Softmax", "LogSoftmax"]);
    let y = net.node(operator, &[&x], &[("axis", int(3))]);
    end(net, &y, c)
}

fn transpose(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let y = net.node("Transpose", &[&x], &[("perm", list(&[2, 0, 3, 1]))]);
    end_rows(net, &y, c)
}

fn reshape(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    match net.draw.range(0, 4) {
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
            // Groups of channels are shuffled between grouped convolutions.
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
            // Channels last: the channel is the innermost factor.
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

fn flatten(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = net.input(&[2, 2, 2, 3]);
    let x = net.conv(&x, 2, c);
    let axis = net.draw.pick(&[1, -3]);
    let y = net.node("Flatten", &[&x], &[("axis", int(axis))]);
    end_rows(net, &y, c * 6)
}

fn squeeze(mut net: Net) -> Built {
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

fn unsqueeze(mut net: Net) -> Built {
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

fn expand(mut net: Net) -> Built {
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

fn shape(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = net.input_where(&[2, 2, 2, 3], |axis| axis != 1);
    let x = net.conv(&x, 2, c);
    let shape = net.node("Shape", &[&x], &[]);
    let part = |net: &mut Net, axis: i64| {
        let at = net.ints(&[axis]);
        net.node("Gather", &[&shape, &at], &[])
    };
    match net.draw.range(0, 3) {
        3 => {
            // A length that becomes a factor: its channels stay, others go.
            let channels = part(&mut net, 1);
            let two = net.ints(&[2]);
            let double = net.node("Mul", &[&channels, &two], &[]);
            let factor = net.node("Cast", &[&double], &[("to", int(11))]);
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
            // Back to a shape of which several lengths are open.
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
            // A length that is computed with: the channels of this tensor stay, others go.
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

fn constant(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let name = net.fresh("c");
    let values: Vec<u8> = (0..2 * c).flat_map(|_| net.draw.float().to_le_bytes()).collect();
    net.graph().constant(&name, DataType::Double, &[2, c, 1, 1], &values);
    let y = net.node("Conv", &[&x, &name], &[]);
    net.finish(&[&y])
}

fn constant_of_shape(mut net: Net) -> Built {
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
