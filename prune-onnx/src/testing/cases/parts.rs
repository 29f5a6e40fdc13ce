//! Operators that concatenate axes or cut them apart.

use super::around::{end, end_rows, image, is_wide, sequence, wide};
use crate::DataType;
use crate::testing::net::{Built, Net, int, list};

pub(super) fn concat(mut net: Net) -> Built {
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

pub(super) fn split(mut net: Net) -> Built {
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

pub(super) fn slice(mut net: Net) -> Built {
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
    // Another reader has the channels that are cut off.
    let a = net.conv(&y, n, 2);
    let b = net.conv(&x, c, 2);
    let y = net.node("Add", &[&a, &b], &[]);
    net.finish(&[&y])
}

pub(super) fn gather(mut net: Net) -> Built {
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
            // One reader takes a single feature, another takes all.
            let x = sequence(&mut net, 3, c);
            let at = net.draw.range(0, c - 1) as i64;
            let at = net.scalar(at);
            let one = net.node("Gather", &[&x, &at], &[("axis", int(2))]);
            let all = net.linear(&x, c, 2);
            net.finish(&[&one, &all])
        }
    }
}

pub(super) fn pad(mut net: Net) -> Built {
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
        net.node("Pad", &[&x], &[("pads", list(&pads)), ("value", crate::AttributeValue::Float(0.5))])
    } else {
        let pads = net.ints(&pads);
        let value = net.floats(&[], &[0.5]);
        net.node("Pad", &[&x, &pads, &value], &[])
    };
    end(net, &y, c)
}
