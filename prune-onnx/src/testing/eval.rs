//! A naive evaluator of ONNX graphs in f64: plain loops over indices, written for clearness. It shares no code with the
//! crate beyond the parsed model, so that it can stand as an oracle.

use std::collections::HashMap;

use crate::{AttributeValue, Model, Node};

/// A tensor of any type as f64.
#[derive(Debug, Clone, PartialEq)]
pub struct T {
    /// The shape.
    pub dims: Vec<usize>,
    /// The elements in logical order.
    pub data: Vec<f64>,
}

/// Tensors by name.
pub type Values = HashMap<String, T>;

impl T {
    /// A tensor.
    ///
    /// # Panics
    ///
    /// Panics if the shape has another number of elements.
    pub fn new(dims: &[usize], data: Vec<f64>) -> T {
        assert_eq!(dims.iter().product::<usize>(), data.len(), "{dims:?}");
        T { dims: dims.to_vec(), data }
    }

    fn from(dims: &[usize], f: impl Fn(&[usize]) -> f64) -> T {
        let data = indices(dims).map(|index| f(&index)).collect();
        T::new(dims, data)
    }

    fn list(values: &[usize]) -> T {
        T::new(&[values.len()], values.iter().map(|&v| v as f64).collect())
    }

    fn rank(&self) -> usize {
        self.dims.len()
    }

    fn at(&self, index: &[usize]) -> f64 {
        assert_eq!(index.len(), self.dims.len());
        let mut flat = 0;
        for (i, n) in index.iter().zip(&self.dims) {
            assert!(i < n, "index {index:?} of shape {:?}", self.dims);
            flat = flat * n + i;
        }
        self.data[flat]
    }

    /// The element at an index of a shape that this one broadcasts to.
    fn spread(&self, index: &[usize]) -> f64 {
        let own = &index[index.len() - self.rank()..];
        let own: Vec<usize> = own.iter().zip(&self.dims).map(|(&i, &n)| if n == 1 { 0 } else { i }).collect();
        self.at(&own)
    }

    fn ints(&self) -> Vec<i64> {
        self.data.iter().map(|&v| v as i64).collect()
    }
}

/// Every index of a shape, in logical order.
pub fn indices(dims: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let dims = dims.to_vec();
    let total: usize = dims.iter().product();
    (0..total).map(move |mut flat| {
        let mut index = vec![0; dims.len()];
        for axis in (0..dims.len()).rev() {
            index[axis] = flat % dims[axis];
            flat /= dims[axis];
        }
        index
    })
}

fn broadcast(shapes: &[&[usize]]) -> Vec<usize> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut out = vec![1; rank];
    for shape in shapes {
        for (axis, &n) in shape.iter().enumerate() {
            let at = axis + rank - shape.len();
            assert!(out[at] == 1 || n == 1 || out[at] == n, "{shapes:?} do not broadcast");
            if n != 1 {
                out[at] = n;
            }
        }
    }
    out
}

fn axis(axis: i64, rank: usize) -> usize {
    if axis < 0 { (axis + rank as i64) as usize } else { axis as usize }
}

/// Runs a model. `constants` stand in for the model's own of the same names.
///
/// # Panics
///
/// Panics on a model that is not valid, and on an operator that no generated network has.
pub fn run(model: &Model, inputs: &Values, constants: &Values) -> Vec<T> {
    let mut values: Values = inputs.clone();
    for tensor in model.graph().initializers() {
        values.insert(tensor.name().to_owned(), T::new(tensor.dims(), tensor.floats().expect("numbers")));
    }
    values.extend(constants.iter().map(|(name, t)| (name.clone(), t.clone())));
    for node in model.graph().nodes() {
        let read: Vec<Option<T>> = node.inputs().iter().map(|name| values.get(name).cloned()).collect();
        for (slot, name) in node.inputs().iter().enumerate() {
            assert!(name.is_empty() || read[slot].is_some(), "{} reads `{name}`", node.op_type());
        }
        let written = step(node, &read, model.opset());
        for (name, t) in node.outputs().iter().zip(written) {
            let t = constants.get(name).cloned().unwrap_or(t);
            values.insert(name.clone(), t);
        }
    }
    model.graph().outputs().iter().map(|output| values[output.name()].clone()).collect()
}

fn ints(node: &Node, name: &str, default: Vec<i64>) -> Vec<i64> {
    node.ints(name).map(<[i64]>::to_vec).unwrap_or(default)
}

fn step(node: &Node, x: &[Option<T>], opset: i64) -> Vec<T> {
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
    match node.op_type() {
        "Identity" => vec![a().clone()],
        "Cast" => map(&|v| if node.int("to") == Some(7) { v.trunc() } else { v }),
        "Dropout" => vec![a().clone(), T::from(&a().dims, |_| 1.0)],
        "Relu" => map(&|v| v.max(0.0)),
        "LeakyRelu" => map(&|v| if v < 0.0 { v * f64::from(node.float("alpha").unwrap_or(0.01)) } else { v }),
        "Sigmoid" => map(&|v| 1.0 / (1.0 + (-v).exp())),
        "HardSigmoid" => map(&|v| (f64::from(node.float("alpha").unwrap_or(0.2)) * v + 0.5).clamp(0.0, 1.0)),
        "HardSwish" => map(&|v| v * (v / 6.0 + 0.5).clamp(0.0, 1.0)),
        "Tanh" => map(&f64::tanh),
        "Exp" => map(&f64::exp),
        "Abs" => map(&f64::abs),
        "Neg" => map(&|v| -v),
        "Softplus" => map(&|v| v.exp().ln_1p()),
        "Floor" => map(&f64::floor),
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
        "Equal" => fold(&|p, q| truth(p == q)),
        "Greater" => fold(&|p, q| truth(p > q)),
        "Less" => fold(&|p, q| truth(p < q)),
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

fn matmul(a: &T, b: &T) -> T {
    let p = if a.rank() == 1 { T::new(&[1, a.dims[0]], a.data.clone()) } else { a.clone() };
    let q = if b.rank() == 1 { T::new(&[b.dims[0], 1], b.data.clone()) } else { b.clone() };
    let (m, k, n) = (p.dims[p.rank() - 2], p.dims[p.rank() - 1], q.dims[q.rank() - 1]);
    assert_eq!(k, q.dims[q.rank() - 2], "{:?} x {:?}", a.dims, b.dims);
    let batch = broadcast(&[&p.dims[..p.rank() - 2], &q.dims[..q.rank() - 2]]);
    let cell = |t: &T, i: &[usize], r: usize, c: usize| {
        let own = &i[batch.len() - (t.rank() - 2)..batch.len()];
        let own: Vec<usize> = own.iter().zip(&t.dims).map(|(&i, &n)| if n == 1 { 0 } else { i }).collect();
        t.at(&[own.as_slice(), &[r, c]].concat())
    };
    let full = [batch.as_slice(), &[m, n]].concat();
    let out = T::from(&full, |i| {
        let (r, c) = (i[batch.len()], i[batch.len() + 1]);
        (0..k).map(|e| cell(&p, i, r, e) * cell(&q, i, e, c)).sum()
    });
    let mut dims = batch.clone();
    dims.extend((a.rank() > 1).then_some(m));
    dims.extend((b.rank() > 1).then_some(n));
    T::new(&dims, out.data)
}

fn conv(node: &Node, x: &T, w: &T, bias: Option<&T>) -> T {
    let s = x.rank() - 2;
    let (strides, dilations) = (ints(node, "strides", vec![1; s]), ints(node, "dilations", vec![1; s]));
    let pads = ints(node, "pads", vec![0; 2 * s]);
    let groups = node.int("group").unwrap_or(1) as usize;
    let (m, c) = (w.dims[0], w.dims[1]);
    assert_eq!(c * groups, x.dims[1], "channels of a convolution");
    assert_eq!(m % groups, 0);
    let mut dims = vec![x.dims[0], m];
    for k in 0..s {
        let reach = dilations[k] * (w.dims[2 + k] as i64 - 1) + 1;
        dims.push(((x.dims[2 + k] as i64 + pads[k] + pads[k + s] - reach) / strides[k] + 1) as usize);
    }
    T::from(&dims, |i| {
        let group = i[1] / (m / groups);
        let mut sum = bias.map_or(0.0, |b| b.at(&[i[1]]));
        for e in 0..c {
            for at in indices(&w.dims[2..]) {
                let place: Vec<i64> =
                    (0..s).map(|k| i[2 + k] as i64 * strides[k] + at[k] as i64 * dilations[k] - pads[k]).collect();
                if (0..s).all(|k| place[k] >= 0 && place[k] < x.dims[2 + k] as i64) {
                    let place: Vec<usize> = place.iter().map(|&v| v as usize).collect();
                    sum += x.at(&[&[i[0], group * c + e], place.as_slice()].concat())
                        * w.at(&[&[i[1], e], at.as_slice()].concat());
                }
            }
        }
        sum
    })
}

fn conv_transpose(node: &Node, x: &T, w: &T, bias: Option<&T>) -> T {
    let s = x.rank() - 2;
    let strides = ints(node, "strides", vec![1; s]);
    let pads = ints(node, "pads", vec![0; 2 * s]);
    let groups = node.int("group").unwrap_or(1) as usize;
    let (inputs, local) = (w.dims[0], w.dims[1]);
    assert_eq!(inputs, x.dims[1], "channels of a transposed convolution");
    assert_eq!(inputs % groups, 0);
    let mut dims = vec![x.dims[0], local * groups];
    for k in 0..s {
        let length = strides[k] * (x.dims[2 + k] as i64 - 1) + w.dims[2 + k] as i64 - pads[k] - pads[k + s];
        dims.push(length as usize);
    }
    let mut out = T::from(&dims, |i| bias.map_or(0.0, |b| b.at(&[i[1]])));
    for i in indices(&x.dims) {
        let group = i[1] / (inputs / groups);
        for j in 0..local {
            for at in indices(&w.dims[2..]) {
                let place: Vec<i64> = (0..s).map(|k| i[2 + k] as i64 * strides[k] + at[k] as i64 - pads[k]).collect();
                if (0..s).all(|k| place[k] >= 0 && place[k] < dims[2 + k] as i64) {
                    let mut flat = i[0] * dims[1] + group * local + j;
                    (0..s).for_each(|k| flat = flat * dims[2 + k] + place[k] as usize);
                    out.data[flat] += x.at(&i) * w.at(&[&[i[1], j], at.as_slice()].concat());
                }
            }
        }
    }
    out
}

fn pool(node: &Node, x: &T) -> T {
    let s = x.rank() - 2;
    let kernel = ints(node, "kernel_shape", vec![]);
    let strides = ints(node, "strides", vec![1; s]);
    let mut dims = x.dims[..2].to_vec();
    (0..s).for_each(|k| dims.push(((x.dims[2 + k] as i64 - kernel[k]) / strides[k] + 1) as usize));
    let window: Vec<usize> = kernel.iter().map(|&k| k as usize).collect();
    T::from(&dims, |i| {
        let all = indices(&window).map(|at| {
            let place: Vec<usize> = (0..s).map(|k| i[2 + k] * strides[k] as usize + at[k]).collect();
            x.at(&[&i[..2], place.as_slice()].concat())
        });
        match node.op_type() {
            "MaxPool" => all.fold(f64::NEG_INFINITY, f64::max),
            "AveragePool" => all.sum::<f64>() / window.iter().product::<usize>() as f64,
            _ => all.map(|v| v * v).sum::<f64>().sqrt(),
        }
    })
}

fn reduce(how: &str, x: &T, over: &[usize], keep: bool) -> T {
    let dims: Vec<usize> = x.dims.iter().enumerate().map(|(k, &n)| if over.contains(&k) { 1 } else { n }).collect();
    let window: Vec<usize> = x.dims.iter().enumerate().map(|(k, &n)| if over.contains(&k) { n } else { 1 }).collect();
    let out = T::from(&dims, |i| {
        let all: Vec<f64> =
            indices(&window).map(|at| x.at(&i.iter().zip(&at).map(|(p, q)| p + q).collect::<Vec<_>>())).collect();
        match how {
            "ReduceSum" => all.iter().sum(),
            "ReduceMean" => all.iter().sum::<f64>() / all.len() as f64,
            "ReduceMax" => all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            "ReduceMin" => all.iter().copied().fold(f64::INFINITY, f64::min),
            "ReduceProd" => all.iter().product(),
            "ReduceL1" => all.iter().map(|v| v.abs()).sum(),
            "ReduceL2" => all.iter().map(|v| v * v).sum::<f64>().sqrt(),
            "ReduceSumSquare" => all.iter().map(|v| v * v).sum(),
            "ReduceLogSumExp" => all.iter().map(|v| v.exp()).sum::<f64>().ln(),
            other => panic!("the evaluator lacks {other}"),
        }
    });
    if keep {
        return out;
    }
    let kept: Vec<usize> = (0..x.rank()).filter(|k| !over.contains(k)).map(|k| x.dims[k]).collect();
    T::new(&kept, out.data)
}

fn normalise(x: &T, together: impl Fn(&[usize], &[usize]) -> bool, centred: bool) -> T {
    let all: Vec<Vec<usize>> = indices(&x.dims).collect();
    T::from(&x.dims, |i| {
        let part: Vec<f64> = all.iter().filter(|j| together(i, j)).map(|j| x.at(j)).collect();
        let mean = if centred { part.iter().sum::<f64>() / part.len() as f64 } else { 0.0 };
        let variance = part.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / part.len() as f64;
        (x.at(i) - mean) / (variance + 1e-5).sqrt()
    })
}
