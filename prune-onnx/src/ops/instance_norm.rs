//! Instance normalisation: of each channel in each sample.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop};

pub(super) const OPERATOR: Operator = Operator {
    names: &["InstanceNormalization"],
    joins: "batch; channels with scale and shift",
    pins: "the axes that it normalises over",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    if shape.len() < 2 {
        return Err(Stop::Pin("has no axis of channels"));
    }
    let rank = shape.len();
    site.output(0, shape, false)?;
    site.pass(0, 0, 0, 0)?;
    (0..3).try_for_each(|slot| site.pass(slot, usize::from(slot == 0), 0, 1))?;
    for axis in 2..rank {
        site.pass(0, axis, 0, axis)?;
        site.pin(0, axis, "normalises over the axis")?;
    }
    // A sample of zeros keeps the shift; a channel of zeros has a mean of 0 and stays 0 under any scale.
    let zero = (site.vanishes(0) || site.vanishes(1)) && site.vanishes(2) && site.stays(0);
    site.set_vanishes(0, zero);
    Ok(())
}
