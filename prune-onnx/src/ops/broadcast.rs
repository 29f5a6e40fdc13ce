//! Broadcasting: axes are aligned at the end, and an axis of length 1 is repeated.

use crate::analysis::{Site, StatementResult, Stop};
use crate::shapes::{Shape, Size};

/// The shape that several shapes broadcast to. Known lengths that contradict each other are refused.
pub(super) fn shape(site: &mut Site<'_, '_>, shapes: &[Shape]) -> Result<Shape, Stop> {
    let rank = shapes.iter().map(Vec::len).max().unwrap_or(0);
    (0..rank)
        .map(|axis| {
            let sizes = || shapes.iter().filter_map(|shape| Some(&shape[(axis + shape.len()).checked_sub(rank)?]));
            let mut numbers = sizes().filter(|size| size.length().is_some() && !size.is_one());
            if let Some(first) = numbers.next() {
                return if numbers.all(|size| size == first) { Ok(first.clone()) } else { Err(DIFFERENT) };
            }
            let mut symbols = sizes().filter(|size| !size.is_one());
            match symbols.next() {
                None => Ok(Size::known(1)),
                Some(first) if symbols.all(|size| size == first) => Ok(first.clone()),
                Some(_) => Ok(site.fresh()),
            }
        })
        .collect()
}

const DIFFERENT: Stop = Stop::Pin("reads shapes that do not broadcast");

/// States that inputs broadcast to output 0. An axis of the output's length joins the output's axis; an axis that is
/// repeated stays.
pub(super) fn state(site: &mut Site<'_, '_>, slots: &[usize], zero: Zero) -> StatementResult {
    let shapes = slots.iter().map(|&slot| site.shape(slot)).collect::<Result<Vec<_>, _>>()?;
    let out = shape(site, &shapes)?;
    site.output(0, out.clone(), false)?;
    join(site, slots, &shapes, &out)?;
    let vanishes = vanishes(site, slots, &shapes, &out, zero);
    site.set_vanishes(0, vanishes);
    Ok(())
}

/// Joins the axes of inputs with those of output 0.
pub(super) fn join(site: &mut Site<'_, '_>, slots: &[usize], shapes: &[Shape], out: &Shape) -> StatementResult {
    for (&slot, shape) in slots.iter().zip(shapes) {
        for (axis, size) in shape.iter().enumerate() {
            let at = axis + out.len() - shape.len();
            if size.is_one() && !out[at].is_one() {
                site.pin(slot, axis, "repeats it")?;
            } else {
                site.pass(slot, axis, 0, at)?;
            }
        }
    }
    Ok(())
}

/// The condition under which a result is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    /// All operands are 0.
    All,
    /// Some operand is 0.
    Any,
    /// The first operand is 0.
    First,
    /// None: the result may never be 0.
    Never,
}

/// True if the output is 0 in each class that goes. An operand decides this for the axes that it has. For an axis along
/// which it is repeated, it decides only if the axis stays anyway.
pub(super) fn vanishes(site: &mut Site<'_, '_>, slots: &[usize], shapes: &[Shape], out: &Shape, zero: Zero) -> bool {
    let stays: Vec<bool> = (0..out.len()).map(|axis| site.stays(axis)).collect();
    let tells = |site: &Site<'_, '_>, at: usize| {
        let shape: &Shape = &shapes[at];
        let missing = out.len() - shape.len();
        let covers = (0..out.len()).all(|axis| stays[axis] || axis >= missing && !shape[axis - missing].is_one());
        site.vanishes(slots[at]) && covers
    };
    match zero {
        Zero::All => (0..slots.len()).all(|at| tells(site, at)),
        Zero::Any => (0..slots.len()).any(|at| tells(site, at)),
        Zero::First => tells(site, 0),
        Zero::Never => false,
    }
}
