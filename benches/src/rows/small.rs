//! Tensors too small to gain from threads.

use std::cell::LazyCell;

use prune_core::{LayerRef, PlainTensor, PruneExt as _, Ranked, Selector, Threads};

use super::{Group, density, must, pattern, tensor};
use crate::inputs::{make, weight};
use crate::size::Rotation;

pub(super) fn rows(group: &mut Group<'_>) {
    if group.args.size.is_some() {
        let x = || tensor(&[1000, 1000], make(1_000_000, |i| weight(i) as f32));
        let x = LazyCell::new(|| Rotation::new(4_000_000, x));
        let work = |x: &PlainTensor<f32>| must(x.mask_unstructured(density(0.5)));
        group.against_reading("1 million elements, unstructured 0.5", Some((3.0, 2.0)), &x, work);
        let work = |x: &PlainTensor<f32>| must(x.mask_n_m(pattern(2, 4), -1));
        group.against_reading("1 million elements, 2:4 along the last axis", Some((1.8, 1.3)), &x, work);
    }
    let x = tensor(&[100, 100], make(10_000, |i| weight(i) as f32));
    let layer = LayerRef::of(&x);
    let ranked = Ranked::new("", &layer);
    let with = |threads: Threads| Selector::magnitude().with_threads(threads).unstructured(ranked, density(0.5));
    let name = "10,000 elements, unstructured 0.5: pool against one thread";
    group.time(name, Some((1.05, 1.0)), || with(Threads::Pool), || with(Threads::One));
    let with = |threads: Threads| Selector::magnitude().with_threads(threads).n_m(ranked, pattern(2, 4), -1);
    let name = "10,000 elements, 2:4: pool against one thread";
    group.time(name, Some((1.05, 1.0)), || with(Threads::Pool), || with(Threads::One));
}
