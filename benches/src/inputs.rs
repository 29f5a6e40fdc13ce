//! The inputs of the masks: random weights, and inputs that are known to be hard.

use rayon::prelude::*;

/// A number in [0, 1), evenly spread; the same for the same index everywhere.
fn uniform(index: usize, stream: u64) -> f64 {
    let mut z = (index as u64 ^ stream << 56).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ z >> 31) >> 11) as f64 / (1u64 << 53) as f64
}

/// Bell-shaped around zero, like trained weights.
pub(crate) fn weight(index: usize) -> f64 {
    (1..=4).map(|stream| uniform(index, stream)).sum::<f64>() - 2.0
}

/// `len` values in parallel.
pub(crate) fn make<E: Send>(len: usize, value: impl Fn(usize) -> E + Sync + Send) -> Vec<E> {
    (0..len).into_par_iter().map(value).collect()
}

/// The value at an index, given the number of elements.
type Value = fn(usize, usize) -> f32;

/// Inputs that must not be much slower than random ones.
pub(crate) const HARD: &[(&str, Value)] = &[
    ("all equal", |_, _| 0.5),
    ("90% exact zeros", |i, _| if uniform(i, 7) < 0.9 { 0.0 } else { weight(i) as f32 }),
    ("two values", |i, _| if uniform(i, 7) < 0.5 { 0.25 } else { -0.75 }),
    ("sorted up", |i, len| i as f32 / len as f32),
    ("sorted down", |i, len| (len - i) as f32 / len as f32),
    ("tails over 60 binary orders", |i, _| (60.0 * uniform(i, 7) - 30.0).exp2() as f32),
    ("periodic, stride 64", |i, _| (i % 64) as f32 + 1e-3 * uniform(i, 7) as f32),
    ("periodic, stride 763", |i, _| (i % 763) as f32),
    ("NaN at the end", |i, len| if i + 1 == len { f32::NAN } else { weight(i) as f32 }),
];
