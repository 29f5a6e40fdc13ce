//! Masks of one tensor, at each size and of each element type.

use std::cell::LazyCell;

use half::{bf16, f16};
use prune_core::PruneExt as _;

use super::{Group, density, must, pattern, side, tensor};
use crate::inputs::{make, weight};
use crate::reading::Words;
use crate::size::{Bar, Rotation};

/// The bar and the aim for an unstructured mask of each size.
const SINGLE: [Bar; 4] = [(1.5, 1.25), (1.8, 1.4), (2.5, 1.8), (3.0, 2.0)];
const HALF: [Bar; 4] = [(2.0, 1.5), (2.5, 1.8), (3.5, 2.5), (4.0, 3.0)];
/// The bar and the aim for 2:4 of each size.
const TWO_OF_FOUR: [Bar; 4] = [(1.4, 1.1), (1.4, 1.1), (1.8, 1.3), (1.8, 1.3)];

pub(super) fn f32_by_size(group: &mut Group<'_>) {
    of::<f32>(group, "f32", |value| value as f32, &[0.1, 0.5, 0.9], SINGLE);
    let args = group.args;
    let x = LazyCell::new(|| Rotation::new(4 * args.largest(), || super::matrix(args.largest())));
    for (n, m, bar) in [(1, 4, (1.4, 1.1)), (4, 8, (2.0, 1.3))] {
        let name = format!("{n}:{m} along the last axis, f32");
        group.against_reading(&name, Some(bar), &x, |x| must(x.mask_n_m(pattern(n, m), -1)));
    }
    let work = |x: &prune_core::PlainTensor<f32>| must(x.mask_n_m(pattern(2, 4), 0));
    group.against_reading("2:4 along the first axis, f32", Some((2.0, 1.3)), &x, work);
}

pub(super) fn other_types(group: &mut Group<'_>) {
    of::<bf16>(group, "bf16", bf16::from_f64, &[0.5], HALF);
    of::<f16>(group, "f16", f16::from_f64, &[0.5], HALF);
    of::<f64>(group, "f64", |value| value, &[0.5], SINGLE);
}

fn of<E: Words>(group: &mut Group<'_>, name: &str, value: fn(f64) -> E, densities: &[f64], bars: [Bar; 4]) {
    for size in group.args.sizes() {
        let side = side(size.elements);
        let x = LazyCell::new(|| {
            Rotation::new(size_of::<E>() * side * side, || {
                tensor(&[side, side], make(side * side, |i| value(weight(i))))
            })
        });
        let label = size.label;
        for &kept in densities {
            let row = format!("unstructured {kept}, {name}{label}");
            group.against_reading(&row, Some(size.bar(bars)), &x, |x| must(x.mask_unstructured(density(kept))));
        }
        let row = format!("2:4 along the last axis, {name}{label}");
        group.against_reading(&row, Some(size.bar(TWO_OF_FOUR)), &x, |x| must(x.mask_n_m(pattern(2, 4), -1)));
    }
}
