//! Slice: a segment of an axis.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop, position};
use crate::error::Error;
use crate::model::AttributeValue;
use crate::rewrite::Rewrite;
use crate::shapes::{Shape, Size};

pub(super) const OPERATOR: Operator = Operator {
    names: &["Slice"],
    joins: "the segment with the output; other axes with those of the output",
    pins: "an axis with a step other than 1, or whose bounds are not constant",
    rewrites: "`starts` and `ends`",
    state,
    rewrite: Some(rewrite),
};

/// One cut: an axis with its bounds.
#[derive(Debug, Clone, Copy)]
struct SliceRange {
    axis: usize,
    start: i64,
    end: i64,
    step: i64,
}

impl SliceRange {
    /// The first index and the number of indices, for a step of 1 along an axis of known length.
    fn segment(&self, length: usize) -> (usize, usize) {
        let n = length as i64;
        let bound = |at: i64| (if at < 0 { at.saturating_add(n) } else { at }).clamp(0, n);
        let (start, end) = (bound(self.start), bound(self.end));
        (start as usize, (end - start).max(0) as usize)
    }
}

const TOO_MANY: &str = "has more bounds than there are axes";

/// The cuts, if all of them are constant; `None` otherwise.
fn cuts(
    starts: Option<Vec<i64>>,
    ends: Option<Vec<i64>>,
    axes: Option<Vec<i64>>,
    steps: Option<Vec<i64>>,
    rank: usize,
) -> Result<Option<Vec<SliceRange>>, Stop> {
    let (Some(starts), Some(ends)) = (starts, ends) else { return Ok(None) };
    let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() {
        return Err(Stop::Pin("has bounds of different lengths"));
    }
    if starts.len() > rank {
        return Err(Stop::Pin(TOO_MANY));
    }
    let mut cuts = Vec::new();
    for at in 0..starts.len() {
        let axis = position(axes[at], rank)?;
        cuts.push(SliceRange { axis, start: starts[at], end: ends[at], step: steps[at] });
    }
    let twice = (0..cuts.len()).any(|at| cuts[..at].iter().any(|cut| cut.axis == cuts[at].axis));
    if twice { Err(Stop::Pin("names an axis twice")) } else { Ok(Some(cuts)) }
}

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    let rank = shape.len();
    let found = if site.node.ints("starts").is_some() {
        let list = |name: &str| site.node.ints(name).map(<[i64]>::to_vec);
        cuts(list("starts"), list("ends"), list("axes"), None, rank)?
    } else {
        let axes = site.constants(3);
        let steps = site.constants(4);
        if site.has(3) && axes.is_none() {
            return Err(Stop::Pin("cuts axes that are not constant"));
        }
        if site.has(4) && steps.is_none() {
            None
        } else {
            cuts(site.constants(1), site.constants(2), axes, steps, rank)?
        }
    };
    if let (1, Some(cuts)) = (rank, &found)
        && let [cut] = cuts.as_slice()
        && cut.step == 1
        && let Some(ints) = site.ints(0)
    {
        let (start, count) = cut.segment(ints.len());
        return site.int_output(0, ints[start..start + count].to_vec(), false);
    }
    let Some(cuts) = found else { return unknown_bounds(site, shape) };
    let mut out = shape.clone();
    for cut in &cuts {
        out[cut.axis] = match shape[cut.axis].length() {
            Some(length) if cut.step == 1 => Size::of(cut.segment(length).1),
            Some(length) if cut.step > 1 => Size::of(cut.segment(length).1.div_ceil(cut.step as usize)),
            _ => site.fresh(),
        };
    }
    let zero = site.vanishes(0);
    site.output(0, out, zero)?;
    for (axis, size) in shape.iter().enumerate() {
        let Some(cut) = cuts.iter().find(|cut| cut.axis == axis) else {
            site.pass(0, axis, 0, axis)?;
            continue;
        };
        let why = site.reason("cuts it with a step, or at an unknown length");
        let input = site.axis(0, axis)?;
        let Some(output) = site.out(0, axis) else { continue };
        match size.length() {
            Some(length) if cut.step == 1 => {
                let (start, count) = cut.segment(length);
                site.graph().join_segment((input, start), (output, 0), count, why);
            }
            _ => {
                site.graph().pin(input, why);
                site.graph().pin(output, why);
            }
        }
    }
    Ok(())
}

/// The bounds are computed. The axes that they cut are known, but their new lengths are not.
fn unknown_bounds(site: &mut Site<'_, '_>, shape: Shape) -> StatementResult {
    let count = site.shape(1)?.first().and_then(Size::length).ok_or(Stop::Pin("has bounds of unknown number"))?;
    if count > shape.len() {
        return Err(Stop::Pin(TOO_MANY));
    }
    let axes = if site.has(3) { site.constants(3) } else { Some((0..count as i64).collect()) };
    let axes = axes.ok_or(Stop::Pin("cuts axes that are not constant"))?;
    let axes = axes.into_iter().map(|axis| position(axis, shape.len())).collect::<Result<Vec<_>, _>>()?;
    let mut out = shape.clone();
    for &axis in &axes {
        out[axis] = site.fresh();
    }
    let zero = site.vanishes(0);
    site.output(0, out, zero)?;
    for axis in 0..shape.len() {
        if axes.contains(&axis) {
            site.pin(0, axis, "cuts it at bounds that are not constant")?;
        } else {
            site.pass(0, axis, 0, axis)?;
        }
    }
    Ok(())
}

fn rewrite(rewrite: &mut Rewrite<'_, '_>) -> Result<(), Error> {
    let rank = rewrite.input_rank(0);
    let attributes = rewrite.node.ints("starts").is_some();
    let list = |rewrite: &Rewrite<'_, '_>, slot: usize, name: &str| {
        if attributes { rewrite.node.ints(name).map(<[i64]>::to_vec) } else { rewrite.constants(slot) }
    };
    let steps = if attributes { None } else { rewrite.constants(4) };
    let found = cuts(list(rewrite, 1, "starts"), list(rewrite, 2, "ends"), list(rewrite, 3, "axes"), steps, rank);
    let Ok(Some(cuts)) = found else { return Ok(()) };
    let (mut starts, mut ends, mut changed) = (Vec::new(), Vec::new(), false);
    for cut in cuts {
        let (mut start, mut end) = (cut.start, cut.end);
        if let Some(length) = rewrite.input_length(0, cut.axis)
            && cut.step == 1
            && rewrite.input_left(0, cut.axis) != Some(length)
        {
            let (from, count) = cut.segment(length);
            let before = rewrite.input_left_in(0, cut.axis, 0..from);
            let inside = rewrite.input_left_in(0, cut.axis, from..from + count);
            (start, end) = (before as i64, (before + inside) as i64);
            changed = true;
        }
        starts.push(start);
        ends.push(end);
    }
    if !changed {
        return Ok(());
    }
    if attributes {
        rewrite.set_attribute("starts", AttributeValue::Ints(starts));
        rewrite.set_attribute("ends", AttributeValue::Ints(ends));
        Ok(())
    } else {
        rewrite.set_ints(1, &starts);
        rewrite.set_ints(2, &ends);
        Ok(())
    }
}
