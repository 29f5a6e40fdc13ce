//! Local response normalisation: over neighbouring channels.

use super::{Operator, elementwise};
use crate::analysis::{Site, StatementResult, Stop};

pub(super) const OPERATOR: Operator = Operator {
    names: &["LRN"],
    joins: "batch and spatial axes with those of the output",
    pins: "channels, whose neighbours would change",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    if site.shape(0)?.len() < 2 {
        return Err(Stop::Pin("has no axis of channels"));
    }
    let zero = site.vanishes(0);
    elementwise::passes(site, zero)?;
    site.pin(0, 1, "normalises over neighbours along the axis")
}
