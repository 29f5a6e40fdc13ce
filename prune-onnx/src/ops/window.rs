//! Windows: spatial axes of convolutions and pools, which never lose an index, and everything that convolutions share.

use crate::analysis::{Site, StatementResult, Stop};
use crate::error::Error;
use crate::model::Node;
use crate::rewrite::Rewrite;
use crate::shapes::{Shape, Size};

/// The lengths after windows of length `kernel` move over spatial axes; a fresh symbol for each unknown one.
pub(super) fn lengths(site: &mut Site<'_, '_>, spatial: &[Size], kernel: &[Option<usize>]) -> Result<Shape, Stop> {
    let node = site.node;
    let count = spatial.len();
    let strides = list(node, "strides", 1, count)?;
    let dilations = list(node, "dilations", 1, count)?;
    let pads = list(node, "pads", 0, 2 * count)?;
    let auto = node.text("auto_pad").unwrap_or("NOTSET").to_owned();
    let ceil = site.int("ceil_mode", 0) != 0;
    let length = |at: usize| -> Option<i64> {
        let (n, k) = (spatial[at].number()?, i64::try_from((*kernel.get(at)?)?).ok()?);
        let (stride, dilation) = (strides[at], dilations[at]);
        if stride < 1 || dilation < 1 || k < 1 {
            return None;
        }
        let reach = dilation.checked_mul(k - 1)?.checked_add(1)?;
        match auto.as_str() {
            "SAME_UPPER" | "SAME_LOWER" => Some((n.checked_add(stride)? - 1) / stride),
            "VALID" => Some((n - reach).max(-1).div_euclid(stride) + 1),
            _ => {
                let room = n.checked_add(pads[at])?.checked_add(pads[at + count])?.checked_sub(reach)?;
                if ceil { None } else { Some(room.div_euclid(stride) + 1) }
            }
        }
    };
    let known: Vec<Option<i64>> = (0..count).map(length).collect();
    Ok(known.into_iter().map(|n| n.filter(|&n| n > 0).map_or_else(|| site.fresh(), Size::known)).collect())
}

/// An attribute of `count` whole numbers; all are `default` if it is left out.
pub(super) fn list(node: &Node, name: &str, default: i64, count: usize) -> Result<Vec<i64>, Stop> {
    match node.ints(name) {
        None => Ok(vec![default; count]),
        Some(values) if values.len() == count => Ok(values.to_vec()),
        Some(_) => Err(Stop::Pin("has attributes that do not fit its input's rank")),
    }
}

/// The shapes of a convolution's input and weight, which have the same rank.
pub(super) fn convolved(site: &Site<'_, '_>) -> Result<(Shape, Shape), Stop> {
    let (x, w) = (site.shape(0)?, site.shape(1)?);
    if x.len() < 3 || w.len() != x.len() {
        return Err(Stop::Pin("has a weight of another rank than its input"));
    }
    Ok((x, w))
}

/// The number of groups of a convolution.
pub(super) fn groups(site: &Site<'_, '_>) -> Result<usize, Stop> {
    let groups = usize::try_from(site.int("group", 1)).ok().filter(|&groups| groups > 0);
    groups.ok_or(Stop::Pin("has no number of groups"))
}

/// States the part of a convolution that does not depend on the order of its weight's axes: output, batch, bias and
/// windows.
pub(super) fn convolution(site: &mut Site<'_, '_>, out: Shape) -> StatementResult {
    let rank = out.len();
    site.output(0, out, false)?;
    pin_spatial(site, 0, rank)?;
    (2..rank).try_for_each(|axis| site.pin(1, axis, "moves a window over the axis"))?;
    site.pass(0, 0, 0, 0)?;
    if site.has(2) {
        site.pass(2, 0, 0, 1)?;
    }
    // A sample of zeros gives zeros too, unless there is a bias.
    let (weight, bias) = (site.vanishes(1), site.has(2));
    let samples = site.stays(0) || site.vanishes(0) && !bias;
    let zero = weight && (!bias || site.vanishes(2)) && samples;
    site.set_vanishes(0, zero);
    Ok(())
}

/// A depthwise convolution loses whole groups. Others lose indices within each group and keep their groups.
pub(super) fn rewrite_groups(rewrite: &mut Rewrite<'_, '_>) -> Result<(), Error> {
    let Some(group) = rewrite.node.int("group").filter(|&group| group > 1) else { return Ok(()) };
    if let (Some(before), Some(now)) = (rewrite.input_length(0, 1), rewrite.input_left(0, 1))
        && before as i64 == group
        && now != before
    {
        rewrite.set_int("group", now as i64);
    }
    Ok(())
}

/// Pins the spatial axes of an input and of output 0, from axis 2 on.
pub(super) fn pin_spatial(site: &mut Site<'_, '_>, slot: usize, rank: usize) -> StatementResult {
    for axis in 2..rank {
        site.pin(slot, axis, "moves a window over the axis")?;
        site.pin_out(0, axis, "moves a window over the axis");
    }
    Ok(())
}
