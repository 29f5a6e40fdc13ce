//! Split: each output is a segment of the input.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop, position};
use crate::error::Error;
use crate::model::AttributeValue;
use crate::rewrite::Rewrite;
use crate::shapes::Size;

pub(super) const OPERATOR: Operator = Operator {
    names: &["Split"],
    joins: "each output with its segment of the input; other axes with those of the outputs. With `num_outputs`: the same \
            local index of every output",
    pins: "an axis whose parts are not constant",
    rewrites: "`split`, as attribute or input",
    state,
    rewrite: Some(rewrite),
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    let along = position(site.int("axis", 0), shape.len())?;
    let count = site.node.outputs().len();
    let parts: Option<Vec<usize>> = match (site.node.ints("split").map(<[i64]>::to_vec), site.has(1)) {
        (Some(parts), false) => lengths(&parts),
        (None, true) => site.constants(1).and_then(|parts| lengths(&parts)),
        (None, false) => shape[along].length().and_then(|n| equal(n, count)),
        (Some(_), true) => return Err(Stop::Pin("has two lists of parts")),
    };
    let parts = parts.filter(|parts| {
        parts.len() == count && shape[along].length() == parts.iter().try_fold(0usize, |sum, &n| sum.checked_add(n))
    });
    let zero = site.vanishes(0);
    let why = site.reason("cuts it into parts that are not constant");
    let mut from = 0;
    for slot in 0..count {
        let mut out = shape.clone();
        out[along] = match &parts {
            Some(parts) => Size::of(parts[slot]),
            None => site.fresh(),
        };
        site.output(slot, out, zero)?;
        let whole = site.axis(0, along)?;
        match (&parts, site.out(slot, along)) {
            (Some(parts), Some(part)) => site.graph().join_segment((whole, from), (part, 0), parts[slot], why),
            _ => {
                site.graph().pin(whole, why);
                site.pin_out(slot, along, "cuts it into parts that are not constant");
            }
        }
        from += parts.as_ref().map_or(0, |parts| parts[slot]);
        for axis in (0..shape.len()).filter(|&axis| axis != along) {
            site.pass(0, axis, slot, axis)?;
        }
    }
    if site.node.int("num_outputs").is_some() {
        // A list of parts is not allowed beside the attribute, so all parts have to stay equal.
        let whole = site.axis(0, along)?;
        let equal = parts.is_some_and(|parts| parts.iter().all(|&n| n == parts[0]));
        if equal {
            site.graph().join_groups(whole, count, why);
        } else {
            site.graph().pin(whole, why);
        }
    }
    Ok(())
}

fn lengths(parts: &[i64]) -> Option<Vec<usize>> {
    parts.iter().map(|&n| usize::try_from(n).ok()).collect()
}

/// Parts of equal length. The last may be shorter.
fn equal(n: usize, count: usize) -> Option<Vec<usize>> {
    let part = n.div_ceil(count.max(1));
    let last = n.checked_sub(part.checked_mul(count.checked_sub(1)?)?)?;
    Some((0..count).map(|at| if at + 1 == count { last } else { part }).collect())
}

fn rewrite(rewrite: &mut Rewrite<'_, '_>) -> Result<(), Error> {
    let rank = rewrite.input_rank(0);
    let Ok(along) = position(rewrite.node.int("axis").unwrap_or(0), rank) else { return Ok(()) };
    if rewrite.node.int("num_outputs").is_some() || rewrite.input_length(0, along) == rewrite.input_left(0, along) {
        return Ok(());
    }
    let count = rewrite.node.outputs().len();
    let parts: Option<Vec<i64>> = rewrite.left_of_parts(along, count);
    let Some(parts) = parts else { return Ok(()) };
    if rewrite.opset() < 13 {
        rewrite.set_attribute("split", AttributeValue::Ints(parts));
        Ok(())
    } else {
        rewrite.set_ints(1, &parts);
        Ok(())
    }
}
