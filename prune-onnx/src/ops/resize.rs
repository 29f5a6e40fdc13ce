//! Resize and Upsample: axes are scaled, or given a length.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop, position};
use crate::shapes::{Int, Shape, Size};

pub(super) const OPERATOR: Operator = Operator {
    names: &["Resize", "Upsample"],
    joins: "axes that keep their length",
    pins: "axes that are resized; all, if scales are not constant",
    rewrites: "lengths in `sizes`, where they enter",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    let rank = shape.len();
    if site.node.text("coordinate_transformation_mode") == Some("tf_crop_and_resize") {
        return Err(Stop::Pin("crops"));
    }
    let axes: Vec<usize> = match site.node.ints("axes") {
        Some(axes) => axes.iter().map(|&axis| position(axis, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).collect(),
    };
    let old = site.node.op_type() == "Upsample" || site.opset() < 11;
    let zero = site.vanishes(0);
    if !old && site.has(3) {
        return by_sizes(site, shape, &axes, zero);
    }
    let slot = if old { 1 } else { 2 };
    let scales = match site.node.attribute("scales") {
        Some(crate::model::AttributeValue::Floats(scales)) => scales.iter().map(|&s| f64::from(s)).collect(),
        _ => site.tensor(slot).and_then(|t| t.floats().ok()).ok_or(Stop::Pin("scales by what is not constant"))?,
    };
    if scales.len() != axes.len() {
        return Err(Stop::Pin("has scales that do not fit its input's rank"));
    }
    let scale = |axis: usize| axes.iter().position(|&a| a == axis).map_or(1.0, |at| scales[at]);
    let mut out = Vec::new();
    for (axis, size) in shape.iter().enumerate() {
        out.push(match (scale(axis), size.number()) {
            (1.0, _) => size.clone(),
            (scale, Some(n)) if scale > 0.0 && scale < 1e6 => Size::known((n as f64 * scale).floor() as i64),
            _ => site.fresh(),
        });
    }
    site.output(0, out, zero)?;
    for axis in 0..rank {
        if scale(axis) == 1.0 {
            site.pass(0, axis, 0, axis)?;
        } else {
            site.pin(0, axis, "resizes the axis")?;
            site.pin_out(0, axis, "resizes the axis");
        }
    }
    Ok(())
}

fn by_sizes(site: &mut Site<'_, '_>, shape: Shape, axes: &[usize], zero: bool) -> StatementResult {
    let policy = site.node.text("keep_aspect_ratio_policy").unwrap_or("stretch").to_owned();
    let sizes = site.ints(3);
    site.pin_runs(sizes.as_deref().unwrap_or(&[]));
    let sizes = sizes.filter(|sizes| sizes.len() == axes.len());
    let sizes = sizes.ok_or(Stop::Pin("is given sizes that are not known"))?;
    let size = |axis: usize| axes.iter().position(|&a| a == axis).map(|at| &sizes[at]);
    // With other policies, a length is a bound, and the result depends on all axes.
    let exact = policy == "stretch";
    let mut out = Vec::new();
    for (axis, old) in shape.iter().enumerate() {
        out.push(match size(axis) {
            None => old.clone(),
            Some(Int { value: Some(new), .. }) if exact && new.is_length() => new.clone(),
            Some(_) => site.fresh(),
        });
    }
    site.output(0, out.clone(), zero)?;
    for (axis, old) in shape.iter().enumerate() {
        let kept = size(axis).is_none() || exact && out[axis] == *old;
        if !kept {
            site.pin(0, axis, "resizes the axis")?;
            site.pin_out(0, axis, "resizes the axis");
            if let Some(int) = size(axis) {
                site.freeze(std::slice::from_ref(int));
            }
            continue;
        }
        site.pass(0, axis, 0, axis)?;
        if let (Some(int), Some(output)) = (size(axis), site.out(0, axis)) {
            site.follow(&int.clone(), output);
        }
    }
    Ok(())
}
