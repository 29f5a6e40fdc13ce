//! Convolutions and dense layers.

use super::around::{end, end_rows, image, is_wide, rows, wide};
use crate::testing::net::{Built, Net, int, list};

pub(super) fn conv(mut net: Net) -> Built {
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

pub(super) fn conv_transpose(mut net: Net) -> Built {
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

pub(super) fn gemm(mut net: Net) -> Built {
    let n = net.draw.range(2, 6);
    let x = rows(&mut net, n);
    let m = net.draw.range(2, 6);
    if net.draw.range(0, 3) == 0 {
        // The weight is on the left: columns of the activation are rows of the result.
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
