//! Softmax and similar functions. Up to version 12 they work over all axes from a given one on, from 13 over one axis.

use super::{Operator, elementwise};
use crate::analysis::{Site, StatementResult, position};

pub(super) const OPERATOR: Operator = Operator {
    names: &["Softmax", "LogSoftmax", "Hardmax"],
    joins: "axes that it does not normalise over",
    pins: "axes that it normalises over",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let rank = site.shape(0)?.len();
    let flat = site.opset() < 13;
    let along = position(site.int("axis", if flat { 1 } else { -1 }), rank)?;
    elementwise::passes(site, false)?;
    for axis in 0..rank {
        if axis == along || flat && axis > along {
            site.pin(0, axis, "normalises over the axis")?;
        }
    }
    Ok(())
}
