//! Transposed convolutions: axis 0 of the weight has the inputs, and axis 1 the outputs of one group.

use prune_graph::Role;

use super::{Operator, window};
use crate::analysis::{Site, StatementResult, Stop};
use crate::shapes::{Shape, Size};

pub(super) const OPERATOR: Operator = Operator {
    names: &["ConvTranspose"],
    joins: "batch; input channels with weight axis 0; outputs with weight axis 1 and bias. Depthwise: input, weight axis 0 \
            and output. Grouped: the same local index of every group",
    pins: "spatial axes",
    rewrites: "`group` of a depthwise one",
    state,
    rewrite: Some(window::rewrite_groups),
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let (x, w) = window::convolved(site)?;
    let (rank, groups) = (x.len(), window::groups(site)?);
    let outputs = w[1].times(&Size::of(groups)).ok_or(Stop::Pin("has more channels than can be counted"))?;
    let mut out = vec![x[0].clone(), outputs];
    out.extend(spatial(site, &x[2..], &w[2..])?);
    window::convolution(site, out)?;
    channels(site, groups, &x, &w)?;
    let mut axes = Vec::new();
    for axis in 0..rank {
        axes.push(site.axis(0, axis)?);
    }
    for axis in 1..rank {
        axes.push(site.axis(1, axis)?);
    }
    site.work(axes);
    Ok(())
}

fn channels(site: &mut Site<'_, '_>, groups: usize, x: &Shape, w: &Shape) -> StatementResult {
    if groups == 1 {
        site.contract((0, 1), (1, 0))?;
        site.pass(1, 1, 0, 1)?;
        return site.role(1, 1, Role::Writer);
    }
    let (Some(channels), Some(local)) = (x[1].length(), w[1].length()) else {
        return Err(Stop::Pin("has groups of unknown size"));
    };
    if channels % groups != 0 || w[0].length() != Some(channels) {
        return Err(Stop::Pin("has groups that do not fit its channels"));
    }
    let why = site.reason("has groups");
    let (input, rows, columns) = (site.axis(0, 1)?, site.axis(1, 0)?, site.axis(1, 1)?);
    let Some(output) = site.out(0, 1) else { return Ok(()) };
    site.graph().join(input, rows, why);
    if channels == groups {
        // In a depthwise weight, the rows along axis 0 write channels too, so axis 0 gets no role of a reader.
        site.graph().pin(columns, why);
        site.graph().join_blocks(output, input, local, why);
        return Ok(());
    }
    site.role(1, 0, Role::Reader)?;
    site.role(1, 1, Role::Writer)?;
    site.summed((0, input), (1, rows));
    if !site.vanishes(0) && !site.vanishes(1) {
        site.graph().pin(rows, why);
    }
    site.graph().join_groups(input, groups, why);
    site.graph().join_groups(output, groups, why);
    site.graph().join_segment((output, 0), (columns, 0), local, why);
    Ok(())
}

/// The lengths of spatial axes of the output.
fn spatial(site: &mut Site<'_, '_>, x: &[Size], w: &[Size]) -> Result<Shape, Stop> {
    let (node, count) = (site.node, x.len());
    let strides = window::list(node, "strides", 1, count)?;
    let dilations = window::list(node, "dilations", 1, count)?;
    let extra = window::list(node, "output_padding", 0, count)?;
    let pads = window::list(node, "pads", 0, 2 * count)?;
    let auto = node.text("auto_pad").unwrap_or("NOTSET").to_owned();
    let stated = node.ints("output_shape").map(<[i64]>::to_vec);
    let length = |at: usize| -> Option<i64> {
        if let Some(stated) = &stated {
            return stated.get(stated.len().checked_sub(count)? + at).copied();
        }
        if !matches!(auto.as_str(), "NOTSET" | "VALID") {
            return None;
        }
        let reach = dilations[at].checked_mul(w[at].number()? - 1)?.checked_add(1)?;
        let stretched = strides[at].checked_mul(x[at].number()? - 1)?;
        let pads = if auto == "VALID" { 0 } else { pads[at].checked_add(pads[at + count])? };
        stretched.checked_add(extra[at])?.checked_add(reach)?.checked_sub(pads)
    };
    let known: Vec<Option<i64>> = (0..count).map(length).collect();
    Ok(known.into_iter().map(|n| n.filter(|&n| n > 0).map_or_else(|| site.fresh(), Size::known)).collect())
}
