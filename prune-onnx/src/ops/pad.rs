//! Pad: axes become longer at their ends.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop, position};
use crate::shapes::Size;

pub(super) const OPERATOR: Operator = Operator {
    names: &["Pad"],
    joins: "axes that are not padded",
    pins: "axes that are padded",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    let rank = shape.len();
    let pads = match site.node.ints("pads") {
        Some(pads) => pads.to_vec(),
        None => match site.constants(1) {
            Some(pads) => pads,
            None => {
                let shape = (0..rank).map(|_| site.fresh()).collect();
                return site.opaque(shape, "pads by what is not constant");
            }
        },
    };
    let axes = match site.has(3) {
        true => site.constants(3).ok_or(Stop::Pin("pads axes that are not constant"))?,
        false => (0..rank as i64).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(Stop::Pin("has pads that do not fit its input's rank"));
    }
    let mut both = vec![(0, 0); rank];
    for (at, &axis) in axes.iter().enumerate() {
        both[position(axis, rank)?] = (pads[at], pads[at + axes.len()]);
    }
    let filler = match (site.node.float("value"), site.tensor(2)) {
        (Some(value), _) => f64::from(value),
        (None, Some(tensor)) => tensor.floats().ok().and_then(|values| values.first().copied()).unwrap_or(0.0),
        (None, None) if site.has(2) => f64::NAN,
        (None, None) => 0.0,
    };
    let constant = site.node.text("mode").is_none_or(|mode| mode == "constant");
    let zero = site.vanishes(0) && (!constant || filler == 0.0);
    let mut out = Vec::new();
    for (size, &(before, after)) in shape.iter().zip(&both) {
        let longer = size.plus(&Size::known(before)).and_then(|size| size.plus(&Size::known(after)));
        out.push(longer.filter(Size::is_length).unwrap_or_else(|| site.fresh()));
    }
    site.output(0, out, zero)?;
    for (axis, pads) in both.into_iter().enumerate() {
        if pads == (0, 0) {
            site.pass(0, axis, 0, axis)?;
        } else {
            site.pin(0, axis, "pads the axis")?;
            site.pin_out(0, axis, "pads the axis");
        }
    }
    Ok(())
}
