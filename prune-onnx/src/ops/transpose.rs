//! Transpose: axes in another order.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop, position};
use crate::shapes::Shape;

pub(super) const OPERATOR: Operator = Operator {
    names: &["Transpose"],
    joins: "each axis with its place in the output",
    pins: "",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    let rank = shape.len();
    let order: Vec<usize> = match site.node.ints("perm") {
        Some(order) => order.iter().map(|&axis| position(axis, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return Err(Stop::Pin("has an order that is none of its input's axes"));
    }
    let out: Shape = order.iter().map(|&axis| shape[axis].clone()).collect();
    let zero = site.vanishes(0);
    site.output(0, out.clone(), zero)?;
    for (at, &axis) in order.iter().enumerate() {
        let of = site.axis(0, axis)?;
        if site.has_runs(of) {
            site.set_runs(0, at, &out[at]);
        }
        site.pass(0, axis, 0, at)?;
        site.view(0, axis, 0, at)?;
    }
    Ok(())
}
