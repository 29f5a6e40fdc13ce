//! Hard inputs, compared with random ones.

use std::cell::LazyCell;

use prune_core::{Layout, PlainTensor, PruneExt as _};

use super::{Group, density, matrix, must, side, tensor};
use crate::inputs::{HARD, make, weight};
use crate::size::{Rotation, SIZES, Size};

pub(super) fn rows(group: &mut Group<'_>) {
    match group.args.size {
        Some(elements) => of_size(group, Size { elements, label: "" }),
        None => [SIZES[0], SIZES[2]].into_iter().for_each(|size| of_size(group, size)),
    }
    reversed(group);
}

fn of_size(group: &mut Group<'_>, size: Size) {
    let len = side(size.elements).pow(2);
    let rotation = |values: Vec<f32>| Rotation::new(4 * len, || tensor(&[len], values));
    let random = LazyCell::new(|| Rotation::new(4 * len, || matrix(size.elements)));
    for (name, value) in HARD {
        let x = LazyCell::new(|| rotation(make(len, |i| value(i, len))));
        for kept in [0.1, 0.5] {
            // One of the inputs is refused, and that takes time too.
            let mask = |x: &PlainTensor<f32>| x.mask_unstructured(density(kept)).ok();
            let row = format!("unstructured {kept}, {name}, against random{}", size.label);
            group.time(&row, Some((2.0, 1.0)), || mask(x.next()), || mask(random.next()));
        }
    }
}

/// A tensor with reversed axes is turned bit by bit; it is shown, not judged.
fn reversed(group: &mut Group<'_>) {
    let side = side(group.args.largest() / 10);
    let x = LazyCell::new(|| {
        let strides = [-(side as isize), -1];
        let layout = Layout::new(&[side, side], &strides, side * side - 1).unwrap_or_else(|error| panic!("{error}"));
        let values = make(side * side, |i| weight(i) as f32);
        let x = PlainTensor::from_memory(layout, values).unwrap_or_else(|error| panic!("{error}"));
        Rotation::new(4 * side * side, || x)
    });
    let name = "unstructured 0.5, both axes reversed (tenth of the size)";
    group.against_reading(name, None, &x, |x| must(x.mask_unstructured(density(0.5))));
}
