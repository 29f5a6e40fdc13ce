//! Expand: axes of length 1 are repeated up to a shape.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop, followed_rank};
use crate::shapes::{Int, Size};

pub(super) const OPERATOR: Operator = Operator {
    names: &["Expand"],
    joins: "axes that keep their length",
    pins: "axes that are repeated; lengths that are computed",
    rewrites: "lengths in the shape, where they enter",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let from = site.shape(0)?;
    let target = site.ints(1);
    site.pin_runs(target.as_deref().unwrap_or(&[]));
    let Some(target) = target else {
        let rank = site.shape(1)?.first().and_then(Size::length);
        let rank = rank.ok_or(Stop::Pin("has a shape that is not known"))?.max(from.len());
        let shape = (0..followed_rank(rank)?).map(|_| site.fresh()).collect();
        return site.opaque(shape, "has a shape that is not known");
    };
    let rank = from.len().max(target.len());
    let old = |axis: usize| (axis + from.len()).checked_sub(rank).map(|at| from[at].clone());
    let asked = |axis: usize| (axis + target.len()).checked_sub(rank).map(|at| target[at].clone());
    let mut out = Vec::new();
    for axis in 0..rank {
        let asked = asked(axis).map_or_else(|| Some(Size::known(1)), |int| int.value);
        out.push(match (old(axis).unwrap_or(Size::known(1)), asked.filter(Size::is_length)) {
            (old, _) if old.length().is_some_and(|n| n != 1) => old,
            (old, Some(asked)) if old.is_one() => asked,
            (old, Some(asked)) if asked.is_one() || asked == old => old,
            _ => site.fresh(),
        });
    }
    site.output(0, out.clone(), false)?;
    let mut covered = true;
    for (axis, size) in out.iter().enumerate() {
        let missing = rank - from.len();
        let repeats = axis < missing || old(axis).is_some_and(|old| old.is_one()) && !size.is_one();
        if axis >= missing {
            if repeats {
                site.pin(0, axis - missing, "repeats it")?;
            } else {
                site.pass(0, axis - missing, 0, axis)?;
            }
        }
        covered &= !repeats || site.stays(axis);
        let one = |int: &Int| int.constant() == Some(1);
        if let (Some(int), Some(axis)) = (asked(axis).filter(|int| !one(int)), site.out(0, axis)) {
            site.follow(&int, axis);
        }
    }
    let zero = covered && site.vanishes(0);
    site.set_vanishes(0, zero);
    Ok(())
}
