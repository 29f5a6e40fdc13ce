//! Pools over windows.

use super::{Operator, window};
use crate::analysis::{Site, StatementResult, Stop};

pub(super) const OPERATOR: Operator = Operator {
    names: &["MaxPool", "AveragePool", "LpPool"],
    joins: "batch and channels with those of the output",
    pins: "spatial axes; all, if indices are asked for",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    let rank = shape.len();
    if rank < 3 {
        return Err(Stop::Pin("has no spatial axis"));
    }
    if site.node.output(1).is_some() {
        return Err(Stop::Pin("gives indices into the whole tensor"));
    }
    let kernel = site.node.ints("kernel_shape").ok_or(Stop::Pin("has no kernel"))?;
    if kernel.len() != rank - 2 {
        return Err(Stop::Pin("has attributes that do not fit its input's rank"));
    }
    let kernel: Vec<Option<usize>> = kernel.iter().map(|&k| usize::try_from(k).ok()).collect();
    let mut out = shape[..2].to_vec();
    out.extend(window::lengths(site, &shape[2..], &kernel)?);
    let zero = site.vanishes(0);
    site.output(0, out, zero)?;
    window::pin_spatial(site, 0, rank)?;
    site.pass(0, 0, 0, 0)?;
    site.pass(0, 1, 0, 1)
}
