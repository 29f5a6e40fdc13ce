//! Reductions over axes.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop, position};
use crate::shapes::Size;

pub(super) const OPERATOR: Operator = Operator {
    names: &[
        "ReduceSum",
        "ReduceMean",
        "ReduceMax",
        "ReduceMin",
        "ReduceProd",
        "ReduceL1",
        "ReduceL2",
        "ReduceSumSquare",
        "ReduceLogSum",
        "ReduceLogSumExp",
    ],
    joins: "axes that are not reduced",
    pins: "axes that are reduced",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    let rank = shape.len();
    let named = match site.node.ints("axes") {
        Some(axes) => Some(axes.to_vec()),
        None if site.has(1) => Some(site.constants(1).ok_or(Stop::Pin("reduces axes that are not constant"))?),
        None => None,
    };
    let named = named.filter(|axes| !axes.is_empty());
    let reduced = match named {
        Some(axes) => axes.iter().map(|&axis| position(axis, rank)).collect::<Result<Vec<_>, _>>()?,
        None if site.int("noop_with_empty_axes", 0) != 0 => Vec::new(),
        None => (0..rank).collect(),
    };
    let keep = site.int("keepdims", 1) != 0;
    let zero = site.vanishes(0) && !site.node.op_type().starts_with("ReduceLog");
    let place: Vec<Option<usize>> = {
        let mut next = 0;
        let mut places = Vec::new();
        for axis in 0..rank {
            let stays = keep || !reduced.contains(&axis);
            places.push(stays.then_some(next));
            next += usize::from(stays);
        }
        places
    };
    let out = (0..rank).filter(|&axis| place[axis].is_some());
    let out = out.map(|axis| if reduced.contains(&axis) { Size::known(1) } else { shape[axis].clone() }).collect();
    site.output(0, out, zero)?;
    for (axis, place) in place.into_iter().enumerate() {
        match place {
            Some(at) if !reduced.contains(&axis) => site.pass(0, axis, 0, at)?,
            place => {
                site.pin(0, axis, "reduces the axis")?;
                if let Some(at) = place {
                    site.pin_out(0, at, "reduces the axis");
                }
            }
        }
    }
    Ok(())
}
