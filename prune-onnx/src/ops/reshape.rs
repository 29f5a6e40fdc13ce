//! Reshape, with a target that may be a constant or a chain of nodes.

use super::{Operator, regroup};
use crate::analysis::{Site, StatementResult, Stop, followed_rank};
use crate::error::Error;
use crate::rewrite::Rewrite;
use crate::shapes::{Int, Shape, Size};

pub(super) const OPERATOR: Operator = Operator {
    names: &["Reshape"],
    joins: "axes that stay; where an axis is split or axes are merged, one factor of them: the outermost that nothing \
            pins",
    pins: "all other factors; lengths in the target that are computed, if several of its lengths are not known",
    rewrites: "the target",
    state,
    rewrite: Some(rewrite),
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let from = site.shape(0)?;
    let Some(target) = site.ints(1) else {
        // The target is unknown, but its rank may be known.
        let rank = site.shape(1)?.first().and_then(Size::length);
        let rank = rank.ok_or(Stop::Pin("has a target that is not known"))?;
        let shape = (0..followed_rank(rank)?).map(|_| site.fresh()).collect();
        return site.opaque(shape, "has a target that is not known");
    };
    if from.len() <= 1
        && target.len() <= 1
        && let Some(ints) = site.ints(0)
    {
        // Lengths keep their values, as a list or as a single element.
        return site.int_output(0, ints, target.is_empty());
    }
    let copies_zero = site.int("allowzero", 0) == 0;
    let to = shape(site, &from, &target, copies_zero)?;
    let zero = site.vanishes(0);
    site.output(0, to.clone(), zero)?;
    (0..to.len()).for_each(|axis| site.set_runs(0, axis, &to[axis]));
    regroup::state(site, &from, &to)?;
    let is_literal = has_literal_form(&from, &to, copies_zero);
    for (axis, int) in target.iter().enumerate() {
        let Some(out) = site.out(0, axis).filter(|&out| site.has_runs(out)) else { continue };
        let is_copied = copies_zero && from.get(axis) == Some(&to[axis]);
        match int.constant() {
            Some(0) if copies_zero => site.pass(0, axis, 0, axis)?,
            Some(n) if n < 0 && !is_literal => {}
            // In a target that is written as a list, this length is 0 or -1.
            _ if is_literal && is_copied => site.pass(0, axis, 0, axis)?,
            _ if is_literal => {}
            _ => site.follow(int, out),
        }
    }
    if !is_literal {
        // The new target cannot be written as a list, so every length has to follow its axis.
        for (axis, int) in target.iter().enumerate() {
            let Some(out) = site.out(0, axis).filter(|_| to[axis].length().is_some()) else { continue };
            match int.constant() {
                Some(0) if copies_zero => site.pass(0, axis, 0, axis)?,
                Some(n) if n < 0 => {}
                _ => site.follow(int, out),
            }
        }
    }
    Ok(())
}

/// The shape for a target.
fn shape(site: &mut Site<'_, '_>, from: &Shape, target: &[Int], copies_zero: bool) -> Result<Shape, Stop> {
    let mut to: Vec<Option<Size>> = Vec::new();
    for (axis, int) in target.iter().enumerate() {
        to.push(match int.number() {
            Some(0) if copies_zero => {
                Some(from.get(axis).cloned().ok_or(Stop::Pin("copies an axis that is not there"))?)
            }
            Some(n) if n < 0 => None,
            _ => int.value.clone().filter(Size::is_length),
        });
    }
    let open: Vec<usize> = (0..to.len()).filter(|&axis| to[axis].is_none()).collect();
    if let [axis] = open.as_slice() {
        let total = Size::product(from);
        let rest = Size::product(to.iter().flatten());
        to[*axis] = total.zip(rest).and_then(|(total, rest)| total.over(&rest));
    } else if open.is_empty() && from.iter().chain(to.iter().flatten()).all(|size| size.number().is_some()) {
        let (total, rest) = (Size::product(from), Size::product(to.iter().flatten()));
        if total.is_none() || total != rest {
            return Err(Stop::Pin("asks for another number of elements than there are"));
        }
    }
    Ok(to.into_iter().map(|size| size.unwrap_or_else(|| site.fresh())).collect())
}

/// True if a list of numbers can say the shape: at most one length is neither known nor equal to that of the same input
/// axis.
fn has_literal_form(from: &Shape, to: &Shape, copies_zero: bool) -> bool {
    (0..to.len())
        .filter(|&axis| to[axis].length().is_none() && !(copies_zero && from.get(axis) == Some(&to[axis])))
        .count()
        <= 1
}

fn rewrite(rewrite: &mut Rewrite<'_, '_>) -> Result<(), Error> {
    let (Some(target), Some(from), Some(to)) = (rewrite.ints(1), rewrite.shape(0), rewrite.output_shape(0)) else {
        return Ok(());
    };
    let copies_zero = rewrite.node.int("allowzero").unwrap_or(0) == 0;
    if target.len() != to.len() || !has_literal_form(&from, &to, copies_zero) {
        return Ok(());
    }
    // Axes that are too long to be followed keep their lengths.
    let input_left = |axis: usize, rewrite: &Rewrite<'_, '_>| {
        rewrite.input_left(0, axis).or_else(|| from.get(axis).and_then(Size::length))
    };
    let output_left =
        |axis: usize, rewrite: &Rewrite<'_, '_>| rewrite.output_left(0, axis).or_else(|| to[axis].length());
    // The lengths that the old target would give after the removal.
    let as_it_is = |axis: usize, int: &Int, rewrite: &Rewrite<'_, '_>| match int.constant() {
        Some(0) if copies_zero => input_left(axis, rewrite),
        Some(n) if n < 0 => output_left(axis, rewrite),
        // Another reader of the element may make it follow an axis.
        Some(n) => rewrite.followed(int).or_else(|| usize::try_from(n).ok()),
        None => {
            let copied = int.copy_of.and_then(|copied| rewrite.left(copied));
            copied.or_else(|| int.number().and_then(|n| usize::try_from(n).ok()))
        }
    };
    let mut fits = true;
    for (axis, int) in target.iter().enumerate() {
        // A 0 or -1 in the target follows the length of an axis of runs.
        let says_itself = int.constant().is_some_and(|n| n < 0 || n == 0 && copies_zero);
        fits &= says_itself || !rewrite.output_lost_of_runs(0, axis);
        fits &= to[axis].length().is_none() || as_it_is(axis, int, rewrite) == output_left(axis, rewrite);
    }
    if fits {
        return Ok(());
    }
    let mut literal = Vec::new();
    for (axis, size) in to.iter().enumerate() {
        literal.push(match (size.length(), output_left(axis, rewrite)) {
            (Some(_), Some(left)) => left as i64,
            _ if copies_zero && from.get(axis) == Some(size) => 0,
            _ => -1,
        });
    }
    rewrite.set_ints(1, &literal);
    Ok(())
}
