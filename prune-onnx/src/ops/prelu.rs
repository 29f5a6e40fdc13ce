//! PRelu: a slope for each channel, broadcast over the other axes.

use super::Operator;
use super::broadcast::{self, Zero};
use crate::analysis::{Site, StatementResult};

pub(super) const OPERATOR: Operator = Operator {
    names: &["PRelu"],
    joins: "axes of one length, aligned at the end",
    pins: "axes of the slope that are repeated",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    broadcast::state(site, &[0, 1], Zero::First)
}
