//! Bounds on every element.

use super::{Operator, elementwise};
use crate::analysis::{Site, StatementResult};

pub(super) const OPERATOR: Operator = Operator {
    names: &["Clip"],
    joins: "every axis with that of the output",
    pins: "the bounds",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    // 0 stays 0 if it lies within the bounds: attributes up to version 10, inputs from 11.
    let bound = |site: &Site<'_, '_>, slot: usize, name: &str| match site.node.float(name) {
        Some(bound) => Some(f64::from(bound)),
        None if !site.has(slot) => None,
        None => site.tensor(slot).and_then(|t| t.floats().ok()).and_then(|f| f.first().copied()).or(Some(f64::NAN)),
    };
    let low = bound(site, 1, "min").is_none_or(|low| low <= 0.0);
    let high = bound(site, 2, "max").is_none_or(|high| high >= 0.0);
    let zero = low && high && site.vanishes(0);
    elementwise::passes(site, zero)
}
