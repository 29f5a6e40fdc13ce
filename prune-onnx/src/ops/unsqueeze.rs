//! Unsqueeze: axes of length 1 are added.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop, followed_rank, position};
use crate::shapes::Size;

pub(super) const OPERATOR: Operator = Operator {
    names: &["Unsqueeze"],
    joins: "axes that were there",
    pins: "axes that are added",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    let axes = match site.node.ints("axes") {
        Some(axes) => axes.to_vec(),
        None => site.constants(1).ok_or(Stop::Pin("adds axes that are not constant"))?,
    };
    if shape.is_empty()
        && axes.len() == 1
        && let Some(ints) = site.ints(0)
    {
        return site.int_output(0, ints, false);
    }
    let rank = followed_rank(shape.len().saturating_add(axes.len()))?;
    let added = axes.iter().map(|&axis| position(axis, rank)).collect::<Result<Vec<_>, _>>()?;
    if (0..added.len()).any(|at| added[..at].contains(&added[at])) {
        return Err(Stop::Pin("adds an axis twice"));
    }
    let mut old = shape.iter();
    let out: Option<Vec<Size>> =
        (0..rank).map(|axis| if added.contains(&axis) { Some(Size::known(1)) } else { old.next().cloned() }).collect();
    let out = out.ok_or(Stop::Pin("adds an axis twice"))?;
    let zero = site.vanishes(0);
    site.output(0, out, zero)?;
    added.iter().for_each(|&axis| site.pin_out(0, axis, "adds it"));
    let places = (0..rank).filter(|axis| !added.contains(axis)).collect::<Vec<_>>();
    places.iter().enumerate().try_for_each(|(axis, &at)| site.pass(0, axis, 0, at))
}
