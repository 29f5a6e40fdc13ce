//! AVX2 against the best instruction set of the machine.

use std::cell::LazyCell;

use prune_core::{InstructionSet, PlainTensor, PruneExt as _};

use super::{Group, density, must, pattern};
use crate::size::Rotation;

pub(super) fn rows(group: &mut Group<'_>) {
    let sets = InstructionSet::available();
    let find = |name: &str| sets.iter().copied().find(|set| set.to_string() == name);
    let (Some(narrow), Some(_)) = (find("AVX2"), find("AVX-512")) else { return };
    let size = group.args.largest();
    let x = LazyCell::new(|| Rotation::new(4 * size, || super::matrix(size)));
    type Work = fn(&PlainTensor<f32>);
    let works: [(&str, Work); 2] = [
        ("unstructured 0.5, f32", |x| drop(must(x.mask_unstructured(density(0.5))))),
        ("2:4 along the last axis, f32", |x| drop(must(x.mask_n_m(pattern(2, 4), -1)))),
    ];
    for (name, work) in works {
        let limited = || {
            InstructionSet::limit(Some(narrow));
            work(x.next());
            InstructionSet::limit(None);
        };
        group.time(&format!("{name}, AVX2 against AVX-512"), Some((1.25, 1.1)), limited, || work(x.next()));
    }
}
