//! Pools over whole spatial axes.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop};
use crate::shapes::Size;

pub(super) const OPERATOR: Operator = Operator {
    names: &["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"],
    joins: "batch and channels with those of the output",
    pins: "spatial axes",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    if shape.len() < 2 {
        return Err(Stop::Pin("has no axis of channels"));
    }
    let mut out = shape[..2].to_vec();
    out.resize(shape.len(), Size::known(1));
    let zero = site.vanishes(0);
    site.output(0, out, zero)?;
    site.pass(0, 0, 0, 0)?;
    site.pass(0, 1, 0, 1)?;
    for axis in 2..shape.len() {
        site.pin(0, axis, "reduces the axis")?;
        site.pin_out(0, axis, "reduces the axis");
    }
    Ok(())
}
