//! Layer and RMS normalisation: over the last axes.

use super::Operator;
use crate::analysis::{Site, StatementResult, position};

pub(super) const OPERATOR: Operator = Operator {
    names: &["LayerNormalization", "RMSNormalization"],
    joins: "the axes before those that it normalises over",
    pins: "the axes that it normalises over, scale and shift",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    let from = position(site.int("axis", -1), shape.len())?;
    let rank = shape.len();
    site.output(0, shape.clone(), false)?;
    for slot in 1..3 {
        // The outputs for the mean and the inverse deviation.
        let mut reduced = shape.clone();
        reduced[from..].iter_mut().for_each(|size| *size = crate::shapes::Size::known(1));
        site.output(slot, reduced, false)?;
    }
    for axis in 0..rank {
        site.pass(0, axis, 0, axis)?;
        if axis >= from {
            site.pin(0, axis, "normalises over the axis")?;
            for slot in 1..3 {
                site.pin_out(slot, axis, "normalises over the axis");
            }
        } else {
            for slot in 1..3 {
                site.pass(0, axis, slot, axis)?;
            }
        }
    }
    Ok(())
}
