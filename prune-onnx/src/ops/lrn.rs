//! Local response normalisation: over neighbours among the channels.

use super::Operator;
use crate::analysis::{Site, Stated, Stop};

pub(super) const OPERATOR: Operator = Operator {
    names: &["LRN"],
    joins: "batch and spatial axes with those of the output",
    pins: "channels, whose neighbours would change",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> Stated {
    let shape = site.shape(0)?;
    let rank = shape.len();
    if rank < 2 {
        return Err(Stop::Pin("has no axis of channels"));
    }
    let zero = site.vanishes(0);
    site.output(0, shape, zero)?;
    (0..rank).try_for_each(|axis| site.pass(0, axis, 0, axis))?;
    site.pin(0, 1, "normalises over neighbours along the axis")
}
