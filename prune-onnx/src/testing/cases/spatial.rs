//! Pools, sums over axes, and other sizes of images.

use super::around::{end, end_rows, image, is_wide, unsqueezed, wide};
use crate::testing::net::{Built, Net, int, list, text};

pub(super) fn resize(mut net: Net) -> Built {
    match net.operator(&["Resize"]) {
        "Upsample" => net.opset = 9,
        _ if net.asks("Resize") => net.opset = net.opset.max(10),
        _ => {}
    }
    if is_wide(&mut net) && !net.asks("Upsample") {
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
                    // One element is both the length of an axis that stays and the length of a new axis.
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

pub(super) fn pool(mut net: Net) -> Built {
    if is_wide(&mut net) {
        return wide(net, &[3, 2, 4, 5], |net, x| {
            let operator = net.operator(&["AveragePool"]);
            (net.node(operator, &[x], &[("kernel_shape", list(&[2, 2]))]), vec![3, 2, 3, 4])
        });
    }
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let operator = net.operator(&["MaxPool", "AveragePool", "LpPool"]);
    let y = net.node(operator, &[&x], &[("kernel_shape", list(&[2, 2])), ("strides", list(&[1, 2]))]);
    end(net, &y, c)
}

pub(super) fn global_pool(mut net: Net) -> Built {
    if is_wide(&mut net) {
        let operator = net.operator(&["GlobalAveragePool"]);
        return wide(net, &[3, 4, 4, 5], |net, x| (net.node(operator, &[x], &[]), vec![3, 4, 1, 1]));
    }
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let operator = net.operator(&["GlobalAveragePool", "GlobalMaxPool"]);
    let y = net.node(operator, &[&x], &[]);
    end(net, &y, c)
}

pub(super) fn reduce(mut net: Net) -> Built {
    if is_wide(&mut net) {
        return wide(net, &[3, 2, 4, 5], |net, x| {
            let keep = net.draw.yes();
            net.opset = net.opset.min(12);
            let attributes = [("axes", list(&[2])), ("keepdims", int(i64::from(keep)))];
            let dims = if keep { vec![3, 2, 1, 5] } else { vec![3, 2, 5] };
            let operator = net.operator(&["ReduceMean"]);
            let x = positive(net, x, operator);
            (net.node(operator, &[&x], &attributes), dims)
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
    let operator = net.operator(&operators);
    let x = positive(&mut net, &x, operator);
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

/// Makes values positive for `ReduceLogSum`, which takes the logarithm of their sum.
fn positive(net: &mut Net, x: &str, operator: &str) -> String {
    if operator == "ReduceLogSum" { net.node("Exp", &[x], &[]) } else { x.to_owned() }
}

pub(super) fn softmax(mut net: Net) -> Built {
    if is_wide(&mut net) {
        net.opset = net.draw.pick(&[11, 13]);
        let operator = net.operator(&["Softmax"]);
        return wide(net, &[3, 2, 4, 5], |net, x| (net.node(operator, &[x], &[("axis", int(2))]), vec![3, 2, 4, 5]));
    }
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let operator = net.operator(&["Softmax", "LogSoftmax"]);
    let y = net.node(operator, &[&x], &[("axis", int(3))]);
    end(net, &y, c)
}
