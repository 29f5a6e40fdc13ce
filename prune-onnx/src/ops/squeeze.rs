//! Squeeze: axes of length 1 go.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop, position};
use crate::shapes::Size;

pub(super) const OPERATOR: Operator = Operator {
    names: &["Squeeze"],
    joins: "axes that stay",
    pins: "axes that are dropped",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    let named = match site.node.ints("axes") {
        Some(axes) => Some(axes.to_vec()),
        None if site.has(1) => Some(site.constants(1).ok_or(Stop::Pin("drops axes that are not constant"))?),
        None => None,
    };
    let dropped = match named {
        Some(axes) => axes.iter().map(|&axis| position(axis, shape.len())).collect::<Result<Vec<_>, _>>()?,
        None if shape.iter().all(|size| size.length().is_some()) => {
            (0..shape.len()).filter(|&axis| shape[axis].is_one()).collect()
        }
        None => return Err(Stop::Pin("drops axes that are not known")),
    };
    if dropped.iter().any(|&axis| shape[axis].length().is_some_and(|n| n != 1)) {
        return Err(Stop::Pin("drops an axis that is longer than 1"));
    }
    if shape.len() == 1
        && let Some(ints) = site.ints(0)
    {
        return site.int_output(0, ints, !dropped.is_empty());
    }
    let stays: Vec<usize> = (0..shape.len()).filter(|axis| !dropped.contains(axis)).collect();
    let out: Vec<Size> = stays.iter().map(|&axis| shape[axis].clone()).collect();
    let zero = site.vanishes(0);
    site.output(0, out, zero)?;
    dropped.iter().try_for_each(|&axis| site.pin(0, axis, "drops it"))?;
    stays.iter().enumerate().try_for_each(|(at, &axis)| site.pass(0, axis, 0, at))
}
