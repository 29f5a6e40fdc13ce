//! One node: its outputs from its inputs.

use super::attention::attention;
use super::functions::function;
use super::layers::{conv, conv_transpose, matmul, pool};
use super::sums::{normalise, reduce};
use super::{T, axis, broadcast, ints};
use crate::{AttributeValue, Node};

pub(super) fn step(node: &Node, x: &[Option<T>], opset: i64) -> Vec<T> {
    let input = |slot: usize| x.get(slot).and_then(Option::as_ref);
    let a = || input(0).expect("first input");
    let b = || input(1).expect("second input");
    let map = |f: &dyn Fn(f64) -> f64| vec![T::new(&a().dims, a().data.iter().map(|&v| f(v)).collect())];
    let fold = |f: &dyn Fn(f64, f64) -> f64| {
        let all: Vec<&T> = x.iter().flatten().collect();
        let dims = broadcast(&all.iter().map(|t| t.dims.as_slice()).collect::<Vec<_>>());
        vec![T::from(&dims, |i| all[1..].iter().fold(all[0].spread(i), |sum, t| f(sum, t.spread(i))))]
    };
    let truth = |f: bool| f64::from(u8::from(f));
    if let Some(f) = function(node) {
        return map(&*f);
    }
    match node.op_type() {
        "Identity" => vec![a().clone()],
        "Cast" => map(&|v| if matches!(node.int("to"), Some(6 | 7)) { v.trunc() } else { v }),
        "Dropout" => vec![a().clone(), T::from(&a().dims, |_| 1.0)],
        "Clip" => {
            let low = input(1).map_or(node.float("min").map_or(f64::MIN, f64::from), |t| t.data[0]);
            let high = input(2).map_or(node.float("max").map_or(f64::MAX, f64::from), |t| t.data[0]);
            map(&|v| v.clamp(low, high))
        }
        "Add" | "Sum" => fold(&|p, q| p + q),
        "Sub" => fold(&|p, q| p - q),
        "Mul" => fold(&|p, q| p * q),
        "Div" => fold(&|p, q| p / q),
        "Max" => fold(&f64::max),
        "Min" => fold(&f64::min),
        "Pow" => fold(&f64::powf),
        "Mod" => fold(&|p, q| p % q),
        "Mean" => {
            let sum = fold(&|p, q| p + q).remove(0);
            vec![T::new(&sum.dims, sum.data.iter().map(|v| v / x.len() as f64).collect())]
        }
        "Equal" => fold(&|p, q| truth(p == q)),
        "Greater" => fold(&|p, q| truth(p > q)),
        "GreaterOrEqual" => fold(&|p, q| truth(p >= q)),
        "Less" => fold(&|p, q| truth(p < q)),
        "LessOrEqual" => fold(&|p, q| truth(p <= q)),
        "And" => fold(&|p, q| truth(p != 0.0 && q != 0.0)),
        "Or" => fold(&|p, q| truth(p != 0.0 || q != 0.0)),
        "Xor" => fold(&|p, q| truth((p != 0.0) != (q != 0.0))),
        "PRelu" => fold(&|v, s| if v < 0.0 { v * s } else { v }),
        "Where" => {
            let (yes, no) = (b(), input(2).expect("third input"));
            let dims = broadcast(&[&a().dims, &yes.dims, &no.dims]);
            vec![T::from(&dims, |i| if a().spread(i) != 0.0 { yes.spread(i) } else { no.spread(i) })]
        }
        "Conv" => vec![conv(node, a(), b(), input(2))],
        "ConvTranspose" => vec![conv_transpose(node, a(), b(), input(2))],
        "Gemm" => {
            let turned = |t: &T, turn: bool| {
                if turn { T::from(&[t.dims[1], t.dims[0]], |i| t.at(&[i[1], i[0]])) } else { t.clone() }
            };
            let p = turned(a(), node.int("transA").unwrap_or(0) != 0);
            let q = turned(b(), node.int("transB").unwrap_or(0) != 0);
            let (alpha, beta) = (node.float("alpha").unwrap_or(1.0), node.float("beta").unwrap_or(1.0));
            let product = matmul(&p, &q);
            vec![T::from(&product.dims, |i| {
                f64::from(alpha) * product.at(i) + input(2).map_or(0.0, |c| f64::from(beta) * c.spread(i))
            })]
        }
        "MatMul" => vec![matmul(a(), b())],
        "Attention" => vec![attention(node, [a(), b(), input(2).expect("values")], input(3))],
        "BatchNormalization" => {
            let [s, shift, mean, var] = [1, 2, 3, 4].map(|slot| input(slot).expect("five inputs"));
            let eps = f64::from(node.float("epsilon").unwrap_or(1e-5));
            vec![T::from(&a().dims, |i| {
                let c = [i[1]];
                (a().at(i) - mean.at(&c)) / (var.at(&c) + eps).sqrt() * s.at(&c) + shift.at(&c)
            })]
        }
        "InstanceNormalization" => {
            let n = normalise(a(), |i, j| i[0] == j[0] && i[1] == j[1], true);
            vec![T::from(&n.dims, |i| n.at(i) * b().at(&[i[1]]) + input(2).expect("shift").at(&[i[1]]))]
        }
        "GroupNormalization" => {
            let groups = node.int("num_groups").expect("groups") as usize;
            let local = a().dims[1] / groups;
            assert_eq!(local * groups, a().dims[1]);
            let n = normalise(a(), |i, j| i[0] == j[0] && i[1] / local == j[1] / local, true);
            let by = |t: &T, c: usize| if t.dims[0] == a().dims[1] { t.at(&[c]) } else { t.at(&[c / local]) };
            vec![T::from(&n.dims, |i| n.at(i) * by(b(), i[1]) + by(input(2).expect("shift"), i[1]))]
        }
        "LayerNormalization" | "RMSNormalization" => {
            let from = axis(node.int("axis").unwrap_or(-1), a().rank());
            let n = normalise(a(), |i, j| i[..from] == j[..from], node.op_type() == "LayerNormalization");
            vec![T::from(&n.dims, |i| n.at(i) * b().spread(i) + input(2).map_or(0.0, |t| t.spread(i)))]
        }
        "LRN" => {
            let size = node.int("size").expect("size") as usize;
            vec![T::from(&a().dims, |i| {
                let low = i[1].saturating_sub((size - 1) / 2);
                let high = (i[1] + size / 2).min(a().dims[1] - 1);
                let squares: f64 = (low..=high).map(|c| a().at(&[&[i[0], c], &i[2..]].concat()).powi(2)).sum();
                a().at(i) / (1.0 + 0.0001 / size as f64 * squares).powf(0.75)
            })]
        }
        "Concat" => {
            let all: Vec<&T> = x.iter().flatten().collect();
            let along = axis(node.int("axis").unwrap_or(0), all[0].rank());
            let mut dims = all[0].dims.clone();
            dims[along] = all.iter().map(|t| t.dims[along]).sum();
            for t in &all {
                for (other, n) in dims.iter().enumerate() {
                    assert!(other == along || t.dims[other] == *n, "parts of different shapes");
                }
            }
            vec![T::from(&dims, |i| {
                let mut at = i.to_vec();
                for t in &all {
                    if at[along] < t.dims[along] {
                        return t.at(&at);
                    }
                    at[along] -= t.dims[along];
                }
                unreachable!("the parts make up the whole")
            })]
        }
        "Split" => {
            let along = axis(node.int("axis").unwrap_or(0), a().rank());
            let count = node.outputs().len();
            let part = a().dims[along].div_ceil(count) as i64;
            let mut equal = vec![part; count];
            equal[count - 1] = a().dims[along] as i64 - part * (count as i64 - 1);
            let parts = input(1).map_or_else(|| ints(node, "split", equal), T::ints);
            assert_eq!(parts.iter().sum::<i64>(), a().dims[along] as i64, "parts of a split");
            let mut from = 0;
            parts
                .iter()
                .map(|&n| {
                    let mut dims = a().dims.clone();
                    dims[along] = n as usize;
                    let t = T::from(&dims, |i| {
                        let mut at = i.to_vec();
                        at[along] += from;
                        a().at(&at)
                    });
                    from += n as usize;
                    t
                })
                .collect()
        }
        "Slice" => {
            let starts = input(1).map_or_else(|| ints(node, "starts", vec![]), T::ints);
            let ends = input(2).map_or_else(|| ints(node, "ends", vec![]), T::ints);
            let all = (0..starts.len() as i64).collect();
            let axes = input(3).map_or_else(|| ints(node, "axes", all), T::ints);
            let steps = input(4).map_or(vec![1; starts.len()], T::ints);
            let mut picked: Vec<Vec<usize>> = a().dims.iter().map(|&n| (0..n).collect()).collect();
            for k in 0..starts.len() {
                let along = axis(axes[k], a().rank());
                let n = a().dims[along] as i64;
                let bound = |v: i64| if v < 0 { v.saturating_add(n) } else { v };
                picked[along] = if steps[k] > 0 {
                    let (s, e) = (bound(starts[k]).clamp(0, n), bound(ends[k]).clamp(0, n));
                    (s..e).step_by(steps[k] as usize).map(|v| v as usize).collect()
                } else {
                    let (s, e) = (bound(starts[k]).clamp(0, n - 1), bound(ends[k]).clamp(-1, n - 1));
                    (0..).map(|j| s + j * steps[k]).take_while(|&v| v > e).map(|v| v as usize).collect()
                };
            }
            let dims: Vec<usize> = picked.iter().map(Vec::len).collect();
            vec![T::from(&dims, |i| a().at(&i.iter().zip(&picked).map(|(&i, p)| p[i]).collect::<Vec<_>>()))]
        }
        "Gather" => {
            let along = axis(node.int("axis").unwrap_or(0), a().rank());
            let dims = [&a().dims[..along], &b().dims, &a().dims[along + 1..]].concat();
            vec![T::from(&dims, |i| {
                let middle = along + b().rank();
                let picked = axis(b().at(&i[along..middle]) as i64, a().dims[along]);
                a().at(&[&i[..along], &[picked], &i[middle..]].concat())
            })]
        }
        "Pad" => {
            let pads = input(1).map_or_else(|| ints(node, "pads", vec![]), T::ints);
            let value = input(2).map_or(node.float("value").map_or(0.0, f64::from), |t| t.data[0]);
            let rank = a().rank();
            let dims: Vec<usize> =
                (0..rank).map(|k| (a().dims[k] as i64 + pads[k] + pads[k + rank]) as usize).collect();
            vec![T::from(&dims, |i| {
                let at: Vec<i64> = (0..rank).map(|k| i[k] as i64 - pads[k]).collect();
                if (0..rank).all(|k| at[k] >= 0 && at[k] < a().dims[k] as i64) {
                    a().at(&at.iter().map(|&v| v as usize).collect::<Vec<_>>())
                } else {
                    value
                }
            })]
        }
        "Resize" | "Upsample" => {
            let old = node.op_type() == "Upsample" || opset < 11;
            let dims: Vec<usize> = match input(3).filter(|_| !old) {
                Some(sizes) => sizes.ints().iter().map(|&v| v as usize).collect(),
                None => {
                    let scales = input(if old { 1 } else { 2 }).expect("scales");
                    a().dims.iter().zip(&scales.data).map(|(&n, s)| (n as f64 * s).floor() as usize).collect()
                }
            };
            vec![T::from(&dims, |i| {
                let at = i.iter().enumerate().map(|(k, &v)| v * a().dims[k] / dims[k]);
                a().at(&at.collect::<Vec<_>>())
            })]
        }
        "MaxPool" | "AveragePool" | "LpPool" => vec![pool(node, a())],
        "GlobalAveragePool" | "GlobalMaxPool" | "GlobalLpPool" => {
            let over: Vec<usize> = (2..a().rank()).collect();
            let how = match node.op_type() {
                "GlobalAveragePool" => "ReduceMean",
                "GlobalMaxPool" => "ReduceMax",
                _ => "ReduceL2",
            };
            vec![reduce(how, a(), &over, true)]
        }
        name if name.starts_with("Reduce") => {
            let all = input(1).map_or_else(|| ints(node, "axes", vec![]), T::ints);
            let over: Vec<usize> = if all.is_empty() {
                (0..a().rank()).collect()
            } else {
                all.iter().map(|&k| axis(k, a().rank())).collect()
            };
            vec![reduce(name, a(), &over, node.int("keepdims").unwrap_or(1) != 0)]
        }
        "Hardmax" => {
            let flat = opset < 13;
            let along = axis(node.int("axis").unwrap_or(if flat { 1 } else { -1 }), a().rank());
            let over: Vec<usize> = (0..a().rank()).filter(|&k| k == along || flat && k > along).collect();
            let most = reduce("ReduceMax", a(), &over, true);
            vec![T::from(&a().dims, |i| truth(a().at(i) == most.spread(i)))]
        }
        "Softmax" | "LogSoftmax" => {
            let flat = opset < 13;
            let along = axis(node.int("axis").unwrap_or(if flat { 1 } else { -1 }), a().rank());
            let over: Vec<usize> = (0..a().rank()).filter(|&k| k == along || flat && k > along).collect();
            let e = T::new(&a().dims, a().data.iter().map(|v| v.exp()).collect());
            let sum = reduce("ReduceSum", &e, &over, true);
            vec![T::from(&e.dims, |i| {
                let p = e.at(i) / sum.spread(i);
                if node.op_type() == "Softmax" { p } else { p.ln() }
            })]
        }
        "Transpose" => {
            let order = ints(node, "perm", (0..a().rank() as i64).rev().collect());
            let dims: Vec<usize> = order.iter().map(|&k| a().dims[k as usize]).collect();
            vec![T::from(&dims, |i| {
                let mut at = vec![0; i.len()];
                order.iter().enumerate().for_each(|(to, &from)| at[from as usize] = i[to]);
                a().at(&at)
            })]
        }
        "Reshape" => {
            let mut dims: Vec<i64> = b().ints();
            for (k, v) in dims.iter_mut().enumerate() {
                if *v == 0 && node.int("allowzero").unwrap_or(0) == 0 {
                    *v = a().dims[k] as i64;
                }
            }
            let known: i64 = dims.iter().filter(|&&v| v != -1).product();
            let dims: Vec<usize> =
                dims.iter().map(|&v| if v == -1 { a().data.len() / known as usize } else { v as usize }).collect();
            vec![T::new(&dims, a().data.clone())]
        }
        "Flatten" => {
            let at = node.int("axis").unwrap_or(1);
            let at = if at < 0 { axis(at, a().rank()) } else { at as usize };
            let (p, q) = a().dims.split_at(at);
            vec![T::new(&[p.iter().product(), q.iter().product()], a().data.clone())]
        }
        "Squeeze" => {
            let all = input(1).map_or_else(|| ints(node, "axes", vec![]), T::ints);
            let drop: Vec<usize> = all.iter().map(|&k| axis(k, a().rank())).collect();
            let goes = |k: usize, n: usize| if drop.is_empty() { n == 1 } else { drop.contains(&k) };
            let dims = a().dims.iter().enumerate().filter(|&(k, &n)| !goes(k, n)).map(|(_, &n)| n);
            vec![T::new(&dims.collect::<Vec<_>>(), a().data.clone())]
        }
        "Unsqueeze" => {
            let all = input(1).map_or_else(|| ints(node, "axes", vec![]), T::ints);
            let rank = a().rank() + all.len();
            let added: Vec<usize> = all.iter().map(|&k| axis(k, rank)).collect();
            let mut old = a().dims.iter();
            let dims = (0..rank).map(|k| if added.contains(&k) { 1 } else { *old.next().expect("an axis") });
            vec![T::new(&dims.collect::<Vec<_>>(), a().data.clone())]
        }
        "Expand" => {
            let target: Vec<usize> = b().ints().iter().map(|&v| v as usize).collect();
            let dims = broadcast(&[&a().dims, &target]);
            vec![T::from(&dims, |i| a().spread(i))]
        }
        "Shape" => {
            let n = a().rank() as i64;
            let bound = |v: i64| (if v < 0 { v + n } else { v }).clamp(0, n) as usize;
            vec![T::list(&a().dims[bound(node.int("start").unwrap_or(0))..bound(node.int("end").unwrap_or(n))])]
        }
        "CumSum" => {
            let along = axis(b().ints()[0], a().rank());
            vec![T::from(&a().dims, |i| {
                (0..=i[along]).map(|at| a().at(&[&i[..along], &[at], &i[along + 1..]].concat())).sum()
            })]
        }
        "Range" => {
            let [from, to, by] = [0, 1, 2].map(|slot| input(slot).expect("three inputs").data[0]);
            let count = ((to - from) / by).ceil().max(0.0) as usize;
            vec![T::from(&[count], |i| from + i[0] as f64 * by)]
        }
        "Size" => vec![T::new(&[], vec![a().data.len() as f64])],
        "Constant" => vec![match node.attributes()[0].value() {
            AttributeValue::Tensor(t) => T::new(t.dims(), t.floats().expect("numbers")),
            AttributeValue::Int(v) => T::new(&[], vec![*v as f64]),
            AttributeValue::Ints(v) => T::new(&[v.len()], v.iter().map(|&v| v as f64).collect()),
            AttributeValue::Float(v) => T::new(&[], vec![f64::from(*v)]),
            other => panic!("constant {other:?}"),
        }],
        "ConstantOfShape" => {
            let value = match node.attribute("value") {
                Some(AttributeValue::Tensor(t)) => t.floats().expect("numbers")[0],
                _ => 0.0,
            };
            let dims: Vec<usize> = a().ints().iter().map(|&v| v as usize).collect();
            vec![T::from(&dims, |_| value)]
        }
        other => panic!("the evaluator lacks {other}"),
    }
}
