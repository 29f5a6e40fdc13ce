//! Units in one piece, and rankings within each output.

use std::cell::LazyCell;

use prune_core::{Blocks, Channels, LayerRef, Norm, PlainTensor, Pool, Selector, Unit};

use super::{Group, density, matrix, must};
use crate::size::Rotation;

pub(super) fn rows(group: &mut Group<'_>) {
    let args = group.args;
    let x = LazyCell::new(|| Rotation::new(4 * args.largest(), || matrix(args.largest())));
    let blocks = || Unit::from(must(Blocks::new(&[4, 4], &[], Pool::Mean)));
    let units = [
        ("blocks of 4 x 4, mean, 0.5, f32", blocks()),
        ("channels along the first axis, L2, 0.5, f32", Unit::from(Channels::new(0, Norm::L2))),
        ("channels along the last axis, L2, 0.5, f32", Unit::from(Channels::new(1, Norm::L2))),
    ];
    for (name, unit) in units {
        group.against_reading(name, Some((2.0, 1.3)), &x, |x: &PlainTensor<f32>| {
            let layer = LayerRef::of(x);
            must(Selector::magnitude().units(&layer, &unit, density(0.5)))
        });
    }
    let wide = LazyCell::new(|| Rotation::new(4 << 24, || matrix(1 << 24)));
    group.against_reading(
        "within each output, 0.5, f32, 4096 x 4096",
        Some((3.0, 2.0)),
        &wide,
        |x: &PlainTensor<f32>| {
            let layer = LayerRef::of(x);
            must(Selector::magnitude().each_along(&layer, density(0.5), 0))
        },
    );
}
