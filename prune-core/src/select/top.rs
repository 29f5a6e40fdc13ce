//! The best elements of one ranking, over one layer or many.

use crate::bits::{first_bits, set_bit};
use crate::error::{Error, ErrorKind};
use crate::kernel::compare::Bracket;
use crate::key::RankBy;
use crate::layout::{Layout, unravel};
use crate::mask::{Mask, to_logical, to_memory};
use crate::select::cut::{Cut, KeyScan, find};
use crate::select::scan::{MemoryScan, ScanPart};
use crate::select::{Ranked, Selected};
use crate::tensor::LayerRef;
use crate::tensor::Values;
use crate::threads::Threads;

/// Keeps the `kept` best alive elements of all layers together. Names are distinct and masks fit.
pub(crate) fn select(layers: &[Ranked<'_>], kept: usize, by: RankBy, threads: Threads) -> Result<Vec<Selected>, Error> {
    // A layout may make a false claim, which is found out later: the sum must not overflow here.
    let elements = layers.iter().fold(0usize, |sum, layer| sum.saturating_add(layer.scores.len()));
    threads.for_elements(elements).enter(|| select_here(layers, kept, by, threads))
}

fn select_here(layers: &[Ranked<'_>], kept: usize, by: RankBy, threads: Threads) -> Result<Vec<Selected>, Error> {
    // Parts in the order in which ties are broken: by name, bytewise.
    let mut order: Vec<usize> = (0..layers.len()).collect();
    order.sort_unstable_by_key(|&i| layers[i].name.as_bytes());

    let mut layouts = Vec::with_capacity(layers.len());
    let mut parts = Vec::with_capacity(layers.len());
    for &i in &order {
        let (layout, values) = dense(layers[i].scores).map_err(|error| error.in_layer(layers[i].name))?;
        let alive = layers[i].alive.map(|mask| to_memory(mask.words(), &layout, threads));
        parts.push(ScanPart { values, alive, sure: vec![0; layout.len().div_ceil(64)], inside: Vec::new() });
        layouts.push(layout);
    }

    // The lengths have been checked against memory by now, so their sum cannot overflow.
    let alive = layers.iter().map(Ranked::alive_len).sum();
    if kept > alive {
        return Err(ErrorKind::TooFewAlive { asked: kept, alive }.into());
    }
    let mut scan = MemoryScan::new(parts, by, threads);
    let cut = if kept == 0 {
        // Nothing is kept, but every element is ranked: a NaN is an error here too.
        scan.pass(Bracket { sure: u64::MAX, inside: u64::MAX }, 1).map(|_| None)
    } else {
        find(&mut scan, kept, alive, room(alive)).map(Some)
    };
    let cut = match cut {
        Err(Error { kind: ErrorKind::Nan { .. }, .. }) => return Err(first_nan(&scan, &layouts, layers, &order)),
        cut => cut?,
    };
    let mut selected = match cut {
        Some(cut) => finish(scan, &layouts, cut, threads),
        None => layouts.iter().map(|layout| selected(layout, vec![0; layout.len().div_ceil(64)], 0)).collect(),
    };
    // Back from the order of names to the order given.
    let mut given: Vec<Option<Selected>> = (0..layers.len()).map(|_| None).collect();
    for (&i, selected) in order.iter().zip(selected.drain(..)) {
        given[i] = Some(selected);
    }
    Ok(given.into_iter().flatten().collect())
}

/// The number of elements that may be gathered. Their six bytes each stay below a thirtieth of a large f32 tensor's
/// own memory. In a small tensor, the bracket of a sample of every 64th to 128th element holds up to 29 times the
/// root of the number of elements (at density 0.5), which is no more than this.
fn room(elements: usize) -> usize {
    (elements / 48).max(1 << 16)
}

/// The memory of a layer, checked against its layout.
pub(crate) fn dense<'l>(layer: &'l LayerRef<'_>) -> Result<(Layout, Values<'l>), Error> {
    Ok(match layer {
        LayerRef::F32(lent) => lent.dense().map(|(layout, values)| (layout, Values::F32(values)))?,
        LayerRef::F64(lent) => lent.dense().map(|(layout, values)| (layout, Values::F64(values)))?,
        LayerRef::F16(lent) => lent.dense().map(|(layout, values)| (layout, Values::F16(values)))?,
        LayerRef::Bf16(lent) => lent.dense().map(|(layout, values)| (layout, Values::Bf16(values)))?,
    })
}

fn selected(layout: &Layout, logical: Vec<u64>, ties: usize) -> Selected {
    Selected { mask: Mask::from_own_words(layout.shape(), layout.len(), logical), ties, short_groups: 0 }
}

/// The masks that follow from a cut and the last pass, whose bracket encloses it.
fn finish(mut scan: MemoryScan<'_>, layouts: &[Layout], cut: Cut, threads: Threads) -> Vec<Selected> {
    let contested = cut.ties < cut.tied;
    let mut left = cut.ties;
    let tied = scan.settle(cut);
    let parts = scan.parts;
    let mut finish_part = |((mut part, layout), mut tied): ((ScanPart<'_>, &Layout), Vec<usize>)| {
        // Ties are broken in logical order. There are few of them here ...
        let kept = left.min(tied.len());
        if kept > 0 && kept < tied.len() && !layout.is_row_major() {
            tied.select_nth_unstable_by_key(kept, |&position| layout.logical_index(position));
        }
        tied[..kept].iter().for_each(|&position| set_bit(&mut part.sure, position));
        left -= kept;
        let mut logical = to_logical(part.sure, layout, threads);
        // ... or they are one bit each, if the last pass was made for a key that many elements share.
        let mut ties = tied.len();
        if !part.inside.is_empty() {
            let equal = to_logical(part.inside, layout, threads);
            for (word, mut equal) in logical.iter_mut().zip(equal) {
                ties += equal.count_ones() as usize;
                if left < equal.count_ones() as usize {
                    equal = first_bits(equal, left);
                }
                left -= equal.count_ones() as usize;
                *word |= equal;
            }
        }
        selected(layout, logical, if contested { ties } else { 0 })
    };
    parts.into_iter().zip(layouts).zip(tied).map(&mut finish_part).collect()
}

/// The first NaN among the elements that are ranked: by layer name, then in logical order.
fn first_nan(scan: &MemoryScan<'_>, layouts: &[Layout], layers: &[Ranked<'_>], order: &[usize]) -> Error {
    let Some((part, mut positions)) = scan.first_nans() else { unreachable!("a pass over these values met a NaN") };
    let layout = &layouts[part];
    let index = match layout.is_row_major() {
        true => positions.next(),
        false => positions.map(|position| layout.logical_index(position)).min(),
    };
    let index = index.map(|index| unravel(index, layout.shape())).unwrap_or_default();
    ErrorKind::Nan { index }.in_layer(layers[order[part]].name)
}

/// The index of the first NaN, in logical order, among the elements of a layer that may be chosen.
pub(crate) fn first_nan_of(layer: &Ranked<'_>) -> Option<Vec<usize>> {
    let (mut index, mut found) = (0, None);
    let visited = layer.scores.for_each_logical(|score| {
        if score.is_nan() && found.is_none() && layer.alive.is_none_or(|alive| alive.is_kept(index)) {
            found = Some(index);
        }
        index += 1;
    });
    visited.ok().and(found).map(|index| unravel(index, layer.scores.shape()))
}

#[cfg(test)]
mod tests;
