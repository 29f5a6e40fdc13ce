//! Column-major memory, compared with row-major memory.

use std::cell::LazyCell;

use nalgebra::DMatrix;
use ndarray::{Array2, ShapeBuilder};
use prune_core::PruneExt as _;

use super::{Group, density, must, pattern, side, tensor};
use crate::inputs::{make, weight};

pub(super) fn rows(group: &mut Group<'_>) {
    let side = side(group.args.largest());
    let value = |i: usize| weight(i) as f32;
    let c = LazyCell::new(|| tensor(&[side, side], make(side * side, value)));
    let bar = Some((1.25, 1.1));
    let c_unstructured = || must(c.mask_unstructured(density(0.5)));
    let c_groups = || must(c.mask_n_m(pattern(2, 4), -1));
    {
        use prune_nalgebra::PruneExt as _;
        let x = LazyCell::new(|| DMatrix::from_vec(side, side, make(side * side, value)));
        let work = || must(x.mask_unstructured(density(0.5)));
        group.time("unstructured 0.5, nalgebra against row-major", bar, work, c_unstructured);
        let work = || must(x.mask_n_m(pattern(2, 4), -1));
        group.time("2:4 along the last axis, nalgebra against row-major", bar, work, c_groups);
    }
    {
        use prune_ndarray::PruneExt as _;
        let fortran = || Array2::from_shape_vec((side, side).f(), make(side * side, value));
        let x = LazyCell::new(|| fortran().unwrap_or_else(|error| panic!("{error}")));
        let work = || must(x.mask_unstructured(density(0.5)));
        group.time("unstructured 0.5, Fortran-order ndarray against row-major", bar, work, c_unstructured);
        let work = || must(x.mask_n_m(pattern(2, 4), -1));
        group.time("2:4 along the last axis, Fortran-order ndarray against row-major", bar, work, c_groups);
    }
}
