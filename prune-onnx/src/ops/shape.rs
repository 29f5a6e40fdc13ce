//! Shape and Size: lengths as values.

use super::Operator;
use crate::analysis::{Site, StatementResult};
use crate::shapes::{Int, Size};

pub(super) const OPERATOR: Operator = Operator {
    names: &["Shape", "Size"],
    joins: "",
    pins: "`Shape`: an axis whose length something computes with; `Size`: all axes",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    // If the input is a list of lengths, this reads only the length of the list.
    site.ints(0);
    if site.node.op_type() == "Size" {
        let size = Size::product(&shape);
        return site.int_output(0, vec![Int::plain(size)], true);
    }
    let rank = shape.len() as i64;
    let bound = |at: i64| (if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize;
    let (start, end) = (bound(site.int("start", 0)), bound(site.int("end", rank)));
    let mut ints = Vec::new();
    for (axis, size) in shape.into_iter().enumerate().take(end).skip(start) {
        ints.push(Int { value: Some(size), copy_of: Some(site.axis(0, axis)?), source: None });
    }
    // The input counts as followed even if no axis is copied.
    if site.shape(0)?.is_empty() || start >= end {
        site.axis(0, 0)?;
    }
    site.int_output(0, ints, false)
}
