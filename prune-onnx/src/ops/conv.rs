//! Convolutions: plain, depthwise and grouped.

use prune_graph::Role;

use super::{Operator, window};
use crate::analysis::{Site, StatementResult, Stop};
use crate::shapes::Size;

pub(super) const OPERATOR: Operator = Operator {
    names: &["Conv"],
    joins: "batch; input channels with weight axis 1; outputs with weight axis 0 and bias. Depthwise: input, weight axis 0 \
            and output. Grouped: the same local index of every group",
    pins: "spatial axes",
    rewrites: "`group` of a depthwise one",
    state,
    rewrite: Some(window::rewrite_groups),
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let (x, w) = window::convolved(site)?;
    let rank = x.len();
    let kernel: Vec<Option<usize>> = w[2..].iter().map(Size::length).collect();
    let mut out = vec![x[0].clone(), w[0].clone()];
    out.extend(window::lengths(site, &x[2..], &kernel)?);
    window::convolution(site, out)?;
    site.pass(1, 0, 0, 1)?;
    site.role(1, 0, Role::Writer)?;
    channels(site, (0, 1), (1, 0), x[1].length(), w[0].length(), (1, 1), w[1].length())?;
    let mut axes = (0..rank).filter_map(|axis| site.out(0, axis)).collect::<Vec<_>>();
    for axis in 1..rank {
        axes.push(site.axis(1, axis)?);
    }
    site.work(axes);
    Ok(())
}

/// Joins input channels with the weight. `many` is the weight's axis over all groups, and `few` the one over a single
/// group.
fn channels(
    site: &mut Site<'_, '_>,
    input: (usize, usize),
    many: (usize, usize),
    channels: Option<usize>,
    outputs: Option<usize>,
    few: (usize, usize),
    local: Option<usize>,
) -> StatementResult {
    let groups = window::groups(site)?;
    if groups == 1 {
        return site.contract(input, few);
    }
    let (Some(channels), Some(outputs), Some(local)) = (channels, outputs, local) else {
        return Err(Stop::Pin("has groups of unknown size"));
    };
    if local.checked_mul(groups) != Some(channels) || outputs % groups != 0 {
        return Err(Stop::Pin("has groups that do not fit its channels"));
    }
    let why = site.reason("has groups");
    let (x, all, one) = (site.axis(input.0, input.1)?, site.axis(many.0, many.1)?, site.axis(few.0, few.1)?);
    if local == 1 {
        site.graph().pin(one, why);
        site.graph().join_blocks(all, x, outputs / groups, why);
        return Ok(());
    }
    site.summed((input.0, x), (few.0, one));
    if !site.vanishes(input.0) && !site.vanishes(few.0) {
        site.graph().pin(one, why);
    }
    site.graph().role(one, Role::Reader);
    site.graph().join_groups(x, groups, why);
    site.graph().join_segment((x, 0), (one, 0), local, why);
    site.graph().join_groups(all, groups, why);
    Ok(())
}
