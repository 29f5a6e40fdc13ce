//! Normalisations.

use super::around::{end, end_rows, image, is_wide, sequence, wide};
use crate::testing::net::{Built, Net, int};

pub(super) fn batch_norm(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let [scale, shift, mean] = [0; 3].map(|_| net.weight(&[c]));
    let variance = net.positive(&[c]);
    let y = net.node("BatchNormalization", &[&x, &scale, &shift, &mean, &variance], &[]);
    end(net, &y, c)
}

pub(super) fn instance_norm(mut net: Net) -> Built {
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

pub(super) fn group_norm(mut net: Net) -> Built {
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
        // The form that exporters write for older engines: an instance normalisation over regrouped values.
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

pub(super) fn layer_norm(mut net: Net) -> Built {
    if is_wide(&mut net) {
        let operator = net.operator(&["LayerNormalization"]);
        net.opset = if operator == "RMSNormalization" { 23 } else { 17 };
        return wide(net, &[3, 2, 4, 3], |net, x| {
            let axis = net.draw.range(2, 3);
            let dims = [4, 3];
            let scale = net.weight(&dims[axis - 2..]);
            (net.node(operator, &[x, &scale], &[("axis", int(axis as i64))]), vec![3, 2, 4, 3])
        });
    }
    let c = net.draw.range(2, 6);
    let x = net.input(&[2, 2, 3, 3]);
    let x = net.conv(&x, 2, c);
    let [scale, shift] = [0; 2].map(|_| net.weight(&[3]));
    let y = if net.operator(&["RMSNormalization", "LayerNormalization"]) == "RMSNormalization" {
        net.opset = 23;
        net.node("RMSNormalization", &[&x, &scale], &[("axis", int(-1))])
    } else {
        net.opset = 17;
        net.node("LayerNormalization", &[&x, &scale, &shift], &[("axis", int(3))])
    };
    end(net, &y, c)
}

pub(super) fn lrn(mut net: Net) -> Built {
    if is_wide(&mut net) {
        return wide(net, &[3, 4, 4, 3], |net, x| (net.node("LRN", &[x], &[("size", int(3))]), vec![3, 4, 4, 3]));
    }
    let n = net.draw.range(2, 6);
    let x = sequence(&mut net, 4, n);
    let y = net.node("LRN", &[&x], &[("size", int(3))]);
    end_rows(net, &y, n)
}
