//! Flatten: two axes, the product of the axes before a given one, and the product of the rest.

use super::{Operator, regroup};
use crate::analysis::{Site, StatementResult, Stop};
use crate::shapes::Size;

pub(super) const OPERATOR: Operator = Operator {
    names: &["Flatten"],
    joins: "where axes are merged, one factor of them: the outermost that nothing pins",
    pins: "all other factors",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let from = site.shape(0)?;
    let axis = site.int("axis", 1);
    let axis = if axis < 0 { axis + from.len() as i64 } else { axis };
    let axis = usize::try_from(axis).ok().filter(|&axis| axis <= from.len());
    let axis = axis.ok_or(Stop::Pin("names an axis that is not there"))?;
    let mut to = Vec::new();
    for part in [&from[..axis], &from[axis..]] {
        to.push(Size::product(part).unwrap_or_else(|| site.fresh()));
    }
    let zero = site.vanishes(0);
    site.output(0, to.clone(), zero)?;
    // Each part is regrouped on its own, since no axis moves from one part to the other.
    regroup::parts(site, &from, &to, axis)
}
