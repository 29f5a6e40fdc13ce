//! Concatenation: each input is a segment of the output.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop, position};
use crate::shapes::{Int, Size};

pub(super) const OPERATOR: Operator = Operator {
    names: &["Concat"],
    joins: "each input with its segment of the output; other axes with those of the output",
    pins: "",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let count = site.node.inputs().len();
    let shapes = (0..count).map(|slot| site.shape(slot)).collect::<Result<Vec<_>, _>>()?;
    let rank = shapes.first().map_or(0, Vec::len);
    if shapes.iter().any(|shape| shape.len() != rank) {
        return Err(Stop::Pin("reads shapes of different ranks"));
    }
    let along = position(site.int("axis", 0), rank)?;
    if rank == 1 && (0..count).any(|slot| site.has_ints(slot)) && shapes.iter().all(|shape| short(&shape[0])) {
        let mut all = Vec::new();
        for (slot, shape) in shapes.iter().enumerate() {
            let unknown = || vec![Int::unknown(); shape[0].length().unwrap_or(0)];
            all.extend(site.ints(slot).unwrap_or_else(unknown));
        }
        return site.int_output(0, all, false);
    }
    let mut out = shapes.first().cloned().unwrap_or_default();
    for (axis, size) in out.iter_mut().enumerate() {
        if axis == along {
            let sum = shapes.iter().try_fold(Size::known(0), |sum, shape| sum.plus(&shape[axis]));
            *size = sum.unwrap_or_else(|| site.fresh());
        } else if let Some(known) = shapes.iter().map(|shape| &shape[axis]).find(|size| size.length().is_some()) {
            *size = known.clone();
        }
    }
    let zero = (0..count).all(|slot| site.vanishes(slot));
    let whole = out[along].length();
    site.output(0, out, zero)?;
    let why = site.reason("puts it beside a part of unknown length");
    let mut from = 0;
    for (slot, shape) in shapes.iter().enumerate() {
        let part = site.axis(slot, along)?;
        match (shape[along].length(), whole, site.out(0, along)) {
            (Some(n), Some(_), Some(all)) => {
                site.graph().join_segment((part, 0), (all, from), n, why);
                from += n;
            }
            _ => site.graph().pin(part, why),
        }
        for axis in (0..rank).filter(|&axis| axis != along) {
            site.pass(slot, axis, 0, axis)?;
        }
    }
    Ok(())
}

/// True for an axis that is short enough to be a list of lengths.
fn short(size: &Size) -> bool {
    size.length().is_some_and(|n| n <= 64)
}
