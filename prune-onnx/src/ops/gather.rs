//! Gather: selected indices of an axis.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop, position};
use crate::error::Error;
use crate::rewrite::Rewrite;

pub(super) const OPERATOR: Operator = Operator {
    names: &["Gather"],
    joins: "each chosen index with its place in the output; the axes not gathered over with those of the output; the axes \
            of the indices with those of the output, if the indices are no constant list",
    pins: "an index chosen alone, by a scalar; the whole axis gathered over, if the indices are no constant list",
    rewrites: "the indices",
    state,
    rewrite: Some(rewrite),
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let (shape, indices) = (site.shape(0)?, site.shape(1)?);
    let along = position(site.int("axis", 0), shape.len())?;
    let chosen = if indices.len() <= 1 { site.constants(1) } else { None };
    if let (1, Some(chosen)) = (shape.len(), &chosen)
        && let Some(ints) = site.ints(0)
    {
        let picked = chosen.iter().map(|&at| Ok(ints[position(at, ints.len())?].clone()));
        let picked = picked.collect::<Result<Vec<_>, Stop>>()?;
        return site.int_output(0, picked, indices.is_empty());
    }
    let out = [&shape[..along], &indices, &shape[along + 1..]].concat();
    let zero = site.vanishes(0);
    site.output(0, out, zero)?;
    for axis in (0..shape.len()).filter(|&axis| axis != along) {
        let at = if axis < along { axis } else { axis + indices.len() - 1 };
        site.pass(0, axis, 0, at)?;
    }
    let why = site.reason("chooses an index");
    let data = site.axis(0, along)?;
    let (Some(length), Some(chosen)) = (shape[along].length(), chosen) else {
        site.pin(0, along, "chooses indices that are not a constant list")?;
        return (0..indices.len()).try_for_each(|axis| site.pass(1, axis, 0, along + axis));
    };
    for (at, &index) in chosen.iter().enumerate() {
        let index = position(index, length)?;
        match site.out(0, along) {
            Some(out) if indices.len() == 1 => site.graph().join_index((data, index), (out, at), why),
            _ => site.graph().pin_index(data, index, why),
        }
    }
    Ok(())
}

fn rewrite(rewrite: &mut Rewrite<'_, '_>) -> Result<(), Error> {
    let rank = rewrite.input_rank(0);
    let Ok(along) = position(rewrite.node.int("axis").unwrap_or(0), rank) else { return Ok(()) };
    let (Some(length), Some(chosen)) = (rewrite.input_length(0, along), rewrite.constants(1)) else { return Ok(()) };
    if rewrite.input_left(0, along) == Some(length) || rewrite.input_rank(1) > 1 {
        return Ok(());
    }
    let mut now = Vec::new();
    for index in chosen {
        let Ok(index) = position(index, length) else { return Ok(()) };
        if rewrite.input_left_in(0, along, index..index + 1) == 1 {
            now.push(rewrite.input_left_in(0, along, 0..index) as i64);
        }
    }
    rewrite.set_ints(1, &now);
    Ok(())
}
