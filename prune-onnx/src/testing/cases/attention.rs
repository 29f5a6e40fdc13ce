//! Products of matrices, and attention as exporters write it.

use super::around::{end_rows, is_wide, sequence, sum_over_one, unsqueezed, wide};
use crate::testing::net::{Built, Net, int, list};

pub(super) fn matmul(mut net: Net) -> Built {
    if is_wide(&mut net) {
        return wide(net, &[2, 3, 4], |net, x| {
            let w = net.weight(&[4, 3]);
            (net.node("MatMul", &[x, &w], &[]), vec![2, 3, 3])
        });
    }
    match net.draw.range(0, 5) {
        5 => merged_heads(net),
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
            // A list on the right. The sum goes over its only axis.
            let n = net.draw.range(2, 6);
            let x = sequence(&mut net, 3, n);
            let w = net.weight(&[n]);
            let y = net.node("MatMul", &[&x, &w], &[]);
            net.finish(&[&y])
        }
    }
}

/// Attention without heads. An index of the axis that is summed over can go if a factor is 0 there. It stays behind a
/// function that is not 0 at 0.
pub(super) fn one_head(mut net: Net) -> Built {
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

/// Attention as one operator: queries, keys and values of rank 3 or 4, perhaps with a mask for each head.
pub(super) fn operator(mut net: Net) -> Built {
    net.opset = net.opset.max(23);
    let keys = net.draw.range(1, 3);
    let queries = keys * net.draw.range(if keys == 1 { 2 } else { 1 }, 2);
    let (width, held, length) = (net.draw.range(1, 3), net.draw.range(1, 3), 3);
    let is_flat = net.draw.yes();
    let is_free = is_wide(&mut net);
    let x = if is_free { String::new() } else { net.input_where(&[2, length, 2], |_| false) };
    let heads = |net: &mut Net, heads: usize, held: usize| {
        if is_free {
            let dims = if is_flat { vec![2, length, heads * held] } else { vec![2, heads, length, held] };
            return net.weight(&dims);
        }
        let x = net.linear(&x, 2, heads * held);
        if is_flat {
            return x;
        }
        let shape = net.ints(&[2, length as i64, heads as i64, held as i64]);
        let x = net.node("Reshape", &[&x, &shape], &[]);
        net.node("Transpose", &[&x], &[("perm", list(&[0, 2, 1, 3]))])
    };
    let (q, k, v) = (heads(&mut net, queries, width), heads(&mut net, keys, width), heads(&mut net, keys, held));
    let mask = match net.draw.range(0, 3) {
        0 => Some(net.weight(&[length, length])),
        1 => Some(net.weight(&[queries, length, length])),
        2 => Some(net.weight(&[2, queries, 1, length])),
        _ => None,
    };
    let numbers = [("q_num_heads", int(queries as i64)), ("kv_num_heads", int(keys as i64))];
    let mut attributes = vec![("is_causal", int(i64::from(net.draw.yes())))];
    attributes.extend(if is_flat { numbers.to_vec() } else { Vec::new() });
    let inputs: Vec<&str> = [q.as_str(), &k, &v].into_iter().chain(mask.as_deref()).collect();
    let y = net.node("Attention", &inputs, &attributes);
    if is_free {
        let dims = if is_flat { vec![2, length, queries * held] } else { vec![2, queries, length, held] };
        return sum_over_one(net, &y, &dims);
    }
    let y = if is_flat {
        y
    } else {
        let y = net.node("Transpose", &[&y], &[("perm", list(&[0, 2, 1, 3]))]);
        let shape = net.ints(&[2, length as i64, (queries * held) as i64]);
        net.node("Reshape", &[&y, &shape], &[])
    };
    end_rows(net, &y, queries * held)
}

/// Attention as torch writes it. The sequence comes first. Batch and heads are merged into one axis and cut again.
/// Sequence and batch may be merged before the last layer. Only the last cut shows that the batch stays.
pub fn merged_heads(mut net: Net) -> Built {
    let (batch, length) = (net.draw.range(2, 3), 4);
    let (heads, width, inputs) = (net.draw.range(2, 4), net.draw.range(1, 3), net.draw.range(2, 3));
    let features = heads * width;
    let open = net.draw.yes();
    let x = net.input_where(&[batch, length, inputs], |axis| open && axis == 0);
    // The size of an open batch is computed from a shape, as exporters do it.
    let count = open.then(|| {
        let (shape, at) = (net.node("Shape", &[&x], &[]), net.ints(&[0]));
        net.node("Gather", &[&shape, &at], &[])
    });
    let x = net.node("Transpose", &[&x], &[("perm", list(&[1, 0, 2]))]);
    // Each length has a flag, which is true if the length is multiplied by the batch.
    let reshaped = |net: &mut Net, x: &str, shape: &[(usize, bool)]| {
        let length = |net: &mut Net, &(n, times_batch): &(usize, bool)| match &count {
            Some(count) if times_batch => {
                let n = net.ints(&[n as i64]);
                net.node("Mul", &[count, &n], &[])
            }
            _ => net.ints(&[if times_batch { n * batch } else { n } as i64]),
        };
        let shape: Vec<String> = shape.iter().map(|n| length(net, n)).collect();
        let shape: Vec<&str> = shape.iter().map(String::as_str).collect();
        let shape = net.node("Concat", &shape, &[("axis", int(0))]);
        net.node("Reshape", &[x, &shape], &[])
    };
    let [q, k, v] = [0; 3].map(|_| {
        let x = net.linear(&x, inputs, features);
        let x = reshaped(&mut net, &x, &[(length, false), (heads, true), (width, false)]);
        let x = net.node("Transpose", &[&x], &[("perm", list(&[1, 0, 2]))]);
        reshaped(&mut net, &x, &[(1, true), (heads, false), (length, false), (width, false)])
    });
    let k = net.node("Transpose", &[&k], &[("perm", list(&[0, 1, 3, 2]))]);
    let scores = net.node("MatMul", &[&q, &k], &[]);
    let scores = net.node("Softmax", &[&scores], &[("axis", int(3))]);
    let y = net.node("MatMul", &[&scores, &v], &[]);
    let y = net.node("Transpose", &[&y], &[("perm", list(&[2, 0, 1, 3]))]);
    let y = if net.draw.yes() {
        let y = reshaped(&mut net, &y, &[(length, true), (features, false)]);
        let y = net.linear(&y, features, inputs);
        reshaped(&mut net, &y, &[(length, false), (1, true), (inputs, false)])
    } else {
        let y = reshaped(&mut net, &y, &[(length, false), (1, true), (features, false)]);
        net.linear(&y, features, inputs)
    };
    let y = net.node("Transpose", &[&y], &[("perm", list(&[1, 0, 2]))]);
    net.finish(&[&y])
}

/// Attention with heads; `shared` query heads share a head of keys and values.
pub(super) fn attention(mut net: Net, shared: usize) -> Built {
    let (heads, width, length) = (net.draw.range(2, 4), net.draw.range(1, 3), 3);
    let inputs = net.draw.range(2, 3);
    let chained = net.draw.yes();
    let open = chained && net.draw.yes();
    let x = net.input_where(&[2, length, inputs], |axis| open && axis < 2);
    let q = net.linear(&x, inputs, heads * shared * width);
    let k = net.linear(&x, inputs, heads * width);
    let v = net.linear(&x, inputs, heads * width);
    // The lengths of batch and sequence, computed as exporters do it.
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
