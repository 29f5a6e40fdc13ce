//! Axes that are split or merged: the part that Reshape and Flatten share.

use prune_graph::{FactoredAxis, Factoring, TensorAxis};

use crate::analysis::{Site, StatementResult};
use crate::shapes::{Shape, Size};

/// States that output 0 has the elements of input 0 in the same order, in another shape. The output must be declared.
pub(super) fn state(site: &mut Site<'_, '_>, from: &Shape, to: &Shape) -> StatementResult {
    let (mut i, mut j) = (0, 0);
    while i < from.len() || j < to.len() {
        // An axis of length 1 is merged with nothing.
        if from.get(i).is_some_and(Size::is_one) && !to.get(j).is_some_and(Size::is_one) {
            site.pin(0, i, "drops it")?;
            i += 1;
            continue;
        }
        if to.get(j).is_some_and(Size::is_one) && !from.get(i).is_some_and(Size::is_one) {
            site.pin_out(0, j, "adds it");
            j += 1;
            continue;
        }
        let (m, n) = run(&from[i..], &to[j..]).unwrap_or((from.len() - i, to.len() - j));
        group(site, from, to, i..i + m, j..j + n)?;
        (i, j) = (i + m, j + n);
    }
    Ok(())
}

/// The lengths of the two shortest runs, one from the front of each side, that have the same product.
fn run(from: &[Size], to: &[Size]) -> Option<(usize, usize)> {
    let (left, right) = (products(from), products(to));
    let mut best: Option<(usize, usize)> = None;
    for (m, product) in (1..).zip(&left) {
        // A longer run on this side cannot make the sum of both lengths smaller.
        if best.is_some_and(|(x, y)| m >= x + y) {
            break;
        }
        for (n, other) in (1..).zip(&right) {
            if best.is_none_or(|(x, y)| m + n < x + y) && other == product {
                best = Some((m, n));
            }
        }
    }
    best
}

/// The product of the first axis, of the first two, and so on. The list ends before a product that cannot be computed.
fn products(sizes: &[Size]) -> Vec<Size> {
    let mut product = Size::known(1);
    let next = |size: &Size| {
        product = product.times(size)?;
        Some(product.clone())
    };
    sizes.iter().map_while(next).collect()
}

fn group(
    site: &mut Site<'_, '_>,
    from: &Shape,
    to: &Shape,
    before: std::ops::Range<usize>,
    after: std::ops::Range<usize>,
) -> StatementResult {
    if let (1, 1) = (before.len(), after.len())
        && from[before.start] == to[after.start]
    {
        return site.pass(0, before.start, 0, after.start);
    }
    let long = |sizes: &Shape, range: std::ops::Range<usize>| -> Vec<usize> {
        range.filter(|&axis| !sizes[axis].is_one()).collect()
    };
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for axis in long(from, before.clone()) {
        left.push((site.axis(0, axis)?, from[axis].clone()));
    }
    for axis in long(to, after.clone()) {
        right.extend(site.out(0, axis).map(|out| (out, to[axis].clone())));
    }
    if let ([(a, x)], [(b, y)]) = (left.as_slice(), right.as_slice())
        && x == y
    {
        let (a, b) = (*a, *b);
        site.join(a, b);
    } else if let Some((lengths, before, after)) = factors(&left, &right) {
        let reason = site.reason("cuts or multiplies axes of which another factor goes, or none");
        site.factor(Factoring { lengths, before, after, reason });
    } else {
        let why = site.reason("regroups axes that have no common factors");
        left.iter().chain(&right).for_each(|(axis, _)| site.graph().pin(*axis, why));
    }
    // Axes of length 1 within a run.
    for axis in before.filter(|&axis| from[axis].is_one()) {
        site.pin(0, axis, "drops it")?;
    }
    after.filter(|&axis| to[axis].is_one()).for_each(|axis| site.pin_out(0, axis, "adds it"));
    Ok(())
}

type Factors = (Vec<Option<usize>>, Vec<FactoredAxis>, Vec<FactoredAxis>);

/// The coarsest factors such that every axis of both sides is a product of some of them.
fn factors(left: &[(TensorAxis, Size)], right: &[(TensorAxis, Size)]) -> Option<Factors> {
    let (mut lengths, mut before, mut after) = (Vec::new(), Vec::<FactoredAxis>::new(), Vec::<FactoredAxis>::new());
    let (mut i, mut j) = (0, 0);
    let (mut rest_left, mut rest_right) = (left.first()?.1.clone(), right.first()?.1.clone());
    loop {
        let one = |rest: &Size| rest.is_one();
        // If one remainder divides the other, it is a factor of both.
        let factor = if rest_left.over(&rest_right).is_some() { rest_right.clone() } else { rest_left.clone() };
        rest_left = rest_left.over(&factor)?;
        rest_right = rest_right.over(&factor)?;
        let number = lengths.len();
        lengths.push(factor.length());
        for (side, axis, all) in [(&mut before, i, left), (&mut after, j, right)] {
            if side.len() == axis {
                side.push(FactoredAxis { axis: all[axis].0, factors: Vec::new() });
            }
            side[axis].factors.push(number);
        }
        if one(&rest_left) {
            i += 1;
        }
        if one(&rest_right) {
            j += 1;
        }
        match (left.get(i), right.get(j)) {
            (None, None) => return Some((lengths, before, after)),
            (Some(next), Some(other)) => {
                if one(&rest_left) {
                    rest_left = next.1.clone();
                }
                if one(&rest_right) {
                    rest_right = other.1.clone();
                }
            }
            _ => return None,
        }
    }
}

/// As [`state`], for an output of two axes. The first is the product of the axes before `cut`.
pub(super) fn parts(site: &mut Site<'_, '_>, from: &Shape, to: &Shape, cut: usize) -> StatementResult {
    for (before, after) in [(0..cut, 0), (cut..from.len(), 1)] {
        if before.is_empty() {
            site.pin_out(0, after, "adds it");
        } else {
            group(site, from, to, before, after..after + 1)?;
        }
    }
    Ok(())
}
