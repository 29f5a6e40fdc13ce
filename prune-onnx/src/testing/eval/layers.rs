//! Products of matrices, convolutions and pools.

use super::{T, broadcast, indices, ints};
use crate::Node;

pub(super) fn matmul(a: &T, b: &T) -> T {
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

pub(super) fn conv(node: &Node, x: &T, w: &T, bias: Option<&T>) -> T {
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

pub(super) fn conv_transpose(node: &Node, x: &T, w: &T, bias: Option<&T>) -> T {
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

pub(super) fn pool(node: &Node, x: &T) -> T {
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
