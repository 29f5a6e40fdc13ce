//! Attention of queries to keys, head by head.

use super::T;
use super::layers::matmul;
use super::sums::reduce;
use crate::Node;

pub(super) fn attention(node: &Node, [q, k, v]: [&T; 3], mask: Option<&T>) -> T {
    let is_flat = q.rank() == 3;
    let cut = |t: &T, heads: &str| {
        if !is_flat {
            return t.clone();
        }
        let heads = node.int(heads).expect("a number of heads") as usize;
        let held = t.dims[2] / heads;
        assert_eq!(heads * held, t.dims[2], "values of heads");
        T::from(&[t.dims[0], heads, t.dims[1], held], |i| t.at(&[i[0], i[2], i[1] * held + i[3]]))
    };
    let (q, k, v) = (cut(q, "q_num_heads"), cut(k, "kv_num_heads"), cut(v, "kv_num_heads"));
    assert_eq!((k.dims[1], k.dims[2], q.dims[3]), (v.dims[1], v.dims[2], k.dims[3]), "keys and values");
    let shared = q.dims[1] / k.dims[1];
    assert_eq!(shared * k.dims[1], q.dims[1], "queries that share a head");
    let spread =
        |t: &T| T::from(&[t.dims[0], q.dims[1], t.dims[2], t.dims[3]], |i| t.at(&[i[0], i[1] / shared, i[2], i[3]]));
    let (k, v) = (spread(&k), spread(&v));
    let turned = T::from(&[k.dims[0], k.dims[1], k.dims[3], k.dims[2]], |i| k.at(&[i[0], i[1], i[3], i[2]]));
    let scale = node.float("scale").map_or(1.0 / (q.dims[3] as f64).sqrt(), f64::from);
    let is_causal = node.int("is_causal").unwrap_or(0) != 0;
    let product = matmul(&q, &turned);
    let scores = T::from(&product.dims, |i| {
        let added = mask.map_or(0.0, |mask| mask.spread(i));
        if is_causal && i[3] > i[2] { 0.0 } else { (scale * product.at(i) + added).exp() }
    });
    let sums = reduce("ReduceSum", &scores, &[3], true);
    let y = matmul(&T::from(&scores.dims, |i| scores.at(i) / sums.spread(i)), &v);
    if !is_flat {
        return y;
    }
    let held = y.dims[3];
    T::from(&[y.dims[0], y.dims[2], y.dims[1] * held], |i| y.at(&[i[0], i[2] / held, i[1], i[2] % held]))
}
