//! Dropout: its output and its mask have the input's axes.

use super::Operator;
use crate::analysis::{Site, StatementResult};

pub(super) const OPERATOR: Operator = Operator {
    names: &["Dropout"],
    joins: "every axis with those of both outputs",
    pins: "",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    let (rank, zero) = (shape.len(), site.vanishes(0));
    site.output(0, shape.clone(), zero)?;
    site.output(1, shape, false)?;
    for axis in 0..rank {
        site.pass(0, axis, 0, axis)?;
        site.pass(0, axis, 1, axis)?;
    }
    Ok(())
}
