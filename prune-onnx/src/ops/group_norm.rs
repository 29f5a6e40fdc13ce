//! Group normalisation: whole groups of channels.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop};
use crate::error::Error;
use crate::rewrite::Rewrite;

pub(super) const OPERATOR: Operator = Operator {
    names: &["GroupNormalization"],
    joins: "batch; all channels of a group, with scale and shift",
    pins: "the spatial axes",
    rewrites: "`num_groups`",
    state,
    rewrite: Some(rewrite),
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    if shape.len() < 2 {
        return Err(Stop::Pin("has no axis of channels"));
    }
    let groups = site.node.int("num_groups").and_then(|groups| usize::try_from(groups).ok());
    let (Some(groups), Some(channels)) = (groups, shape[1].length()) else {
        return Err(Stop::Pin("has groups of unknown size"));
    };
    if groups == 0 || channels % groups != 0 {
        return Err(Stop::Pin("has groups that do not fit its channels"));
    }
    let rank = shape.len();
    site.output(0, shape, false)?;
    site.pass(0, 0, 0, 0)?;
    site.pass(0, 1, 0, 1)?;
    for axis in 2..rank {
        site.pass(0, axis, 0, axis)?;
        site.pin(0, axis, "normalises over the axis")?;
    }
    // A sample of zeros keeps the shift; a channel of zeros has a mean of 0 and stays 0 under any scale.
    let zero = (site.vanishes(0) || site.vanishes(1)) && site.vanishes(2) && site.stays(0);
    site.set_vanishes(0, zero);
    let why = site.reason("normalises whole groups");
    let x = site.axis(0, 1)?;
    site.graph().join_within(x, groups, channels / groups, why);
    // Scale and shift have an element for each group up to version 20, and for each channel from 21 on.
    for slot in 1..3 {
        let length = site.shape(slot)?.first().and_then(|size| size.length());
        let values = site.axis(slot, 0)?;
        if length == Some(channels) {
            site.graph().join(values, x, why);
        } else {
            site.graph().join_blocks(x, values, channels / groups, why);
        }
    }
    Ok(())
}

fn rewrite(rewrite: &mut Rewrite<'_, '_>) -> Result<(), Error> {
    let groups = rewrite.node.int("num_groups").unwrap_or(1);
    if let (Some(before), Some(now)) = (rewrite.input_length(0, 1), rewrite.input_left(0, 1))
        && now != before
        && groups > 0
    {
        rewrite.set_int("num_groups", now as i64 / (before as i64 / groups));
    }
    Ok(())
}
