//! The few lines that a user would write without this crate.

use std::cell::LazyCell;

use prune_core::PlainTensor;

use super::{Group, matrix};
use crate::size::Rotation;

pub(super) fn rows(group: &mut Group<'_>) {
    // A tenth of the size, as the rows state: sorting all elements would take most of the time of the table.
    let size = group.args.largest() / 10;
    let x = LazyCell::new(|| Rotation::new(4 * size, || matrix(size)));
    let magnitudes = |x: &PlainTensor<f32>| x.values().iter().map(|value| value.abs()).collect::<Vec<f32>>();
    let mask_from = |x: &PlainTensor<f32>, threshold: f32| {
        x.values().iter().map(|value| value.abs() >= threshold).collect::<Vec<bool>>()
    };
    let mut group = Group { rounds: group.rounds.min(3), args: group.args, rows: &mut *group.rows };
    let sort = |x: &PlainTensor<f32>| {
        let mut sorted = magnitudes(x);
        sorted.sort_unstable_by(|a, b| b.total_cmp(a));
        mask_from(x, sorted[sorted.len() / 2])
    };
    group.against_reading("plain Rust: sort magnitudes, compare (tenth of the size)", None, &x, sort);
    let nth = |x: &PlainTensor<f32>| {
        let mut copied = magnitudes(x);
        let middle = copied.len() / 2;
        let (_, &mut threshold, _) = copied.select_nth_unstable_by(middle, |a, b| b.total_cmp(a));
        mask_from(x, threshold)
    };
    group.against_reading("plain Rust: select_nth_unstable, compare (tenth of the size)", None, &x, nth);
    let groups = |x: &PlainTensor<f32>| {
        let keep = |group: &[f32]| {
            let mut order = [0, 1, 2, 3];
            order.sort_by(|&a: &usize, &b: &usize| group[b].abs().total_cmp(&group[a].abs()));
            [0, 1, 2, 3].map(|place| order[..2].contains(&place))
        };
        x.values().chunks_exact(4).flat_map(keep).collect::<Vec<bool>>()
    };
    group.against_reading("plain Rust: 2:4 by sorting each group (tenth of the size)", None, &x, groups);
}
