//! Attention: whole heads of queries go together with the heads of keys and values that they share.

use prune_graph::TensorAxis;

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop};
use crate::error::Error;
use crate::rewrite::Rewrite;
use crate::shapes::{Shape, Size};

pub(super) const OPERATOR: Operator = Operator {
    names: &["Attention"],
    joins: "each head of keys and values with the heads of queries, of the mask and of the output that share it",
    pins: "heads of keys and values, if there is only one; batch, sequence and head size; all, if there is a cache or \
           more than one output",
    rewrites: "`q_num_heads` and `kv_num_heads` of inputs of rank 3",
    state,
    rewrite: Some(rewrite),
};

/// The numbers of heads: of queries, and of keys and values.
#[derive(Clone, Copy)]
struct Heads {
    queries: usize,
    keys: usize,
}

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let others = (1..site.node.outputs().len()).any(|slot| site.node.output(slot).is_some());
    if others || site.has(4) || site.has(5) {
        return Err(Stop::Pin("has a cache or gives more than its result"));
    }
    let shapes = [0, 1, 2].map(|slot| site.shape(slot));
    let [queries, keys, values] = shapes;
    let (queries, keys, values) = (queries?, keys?, values?);
    let rank = queries.len();
    if !matches!(rank, 3 | 4) || keys.len() != rank || values.len() != rank {
        return Err(Stop::Pin("reads values that are neither all of rank 3 nor all of rank 4"));
    }
    // The axis of heads. In rank 3 it also holds the elements of each head.
    let along = if rank == 3 { 2 } else { 1 };
    let length = |shape: &Shape| shape[along].length().ok_or(Stop::Pin("has heads of unknown number or size"));
    let lengths = [length(&queries)?, length(&keys)?, length(&values)?];
    let heads = heads(site, rank, lengths).ok_or(Stop::Pin("has heads that do not fit its inputs"))?;
    let held = [lengths[0] / heads.queries, lengths[1] / heads.keys, lengths[2] / heads.keys];

    let mut out = queries.clone();
    match rank {
        3 => out[2] = Size::of(heads.queries * held[2]),
        _ => out[3] = values[3].clone(),
    }
    site.output(0, out, false)?;
    for axis in (0..rank).filter(|&axis| axis != along) {
        (0..3).try_for_each(|slot| site.pin(slot, axis, "takes whole heads"))?;
        site.pin_out(0, axis, "takes whole heads");
    }

    // Each axis, with the number of its indices that belong to one head, or to one group of heads.
    let shared = if heads.keys == 1 { 1 } else { heads.queries / heads.keys };
    let mut axes = vec![(site.axis(0, along)?, shared * held[0])];
    axes.extend(site.out(0, along).map(|axis| (axis, shared * held[2])));
    for (slot, part) in [(1, held[1]), (2, held[2])] {
        match heads.keys {
            1 => site.pin(slot, along, "shares one head among all queries")?,
            _ => axes.push((site.axis(slot, along)?, part)),
        }
    }
    if let Some(axis) = mask_axis(site, heads)? {
        axes.push((axis, shared));
    }
    join(site, &axes, heads.queries / shared);
    let zero = heads.keys > 1 && site.vanishes(2);
    site.set_vanishes(0, zero);
    work(site, rank)
}

/// The numbers of heads, which divide the lengths of queries, keys and values along the axis of heads.
fn heads(site: &Site<'_, '_>, rank: usize, lengths: [usize; 3]) -> Option<Heads> {
    let number = |name: &str| usize::try_from(site.int(name, 0)).ok();
    let heads = match rank {
        3 => Heads { queries: number("q_num_heads")?, keys: number("kv_num_heads")? },
        _ => Heads { queries: lengths[0], keys: lengths[1] },
    };
    let divides = |n: usize, length: usize| n > 0 && length > 0 && length.is_multiple_of(n);
    let fits = divides(heads.queries, lengths[0])
        && divides(heads.keys, lengths[1])
        && divides(heads.keys, lengths[2])
        && divides(heads.keys, heads.queries);
    fits.then_some(heads)
}

/// The axis of a mask that has an index for each head of queries. The other axes of the mask are pinned.
fn mask_axis(site: &mut Site<'_, '_>, heads: Heads) -> Result<Option<TensorAxis>, Stop> {
    if !site.has(3) {
        return Ok(None);
    }
    let shape = site.shape(3)?;
    let Some(along) = shape.len().checked_sub(3) else { return Ok(None) };
    if shape[along].is_one() {
        return Ok(None);
    }
    if shape[along].length() != Some(heads.queries) {
        return Err(Stop::Pin("has a mask that does not fit its heads"));
    }
    for axis in (0..shape.len()).filter(|&axis| axis != along) {
        site.pin(3, axis, "takes whole heads")?;
    }
    site.axis(3, along).map(Some)
}

/// Joins, for each of `count` heads or groups, its indices of each axis with each other and with those of the first
/// axis.
fn join(site: &mut Site<'_, '_>, axes: &[(TensorAxis, usize)], count: usize) {
    let why = site.reason("takes whole heads");
    for &(axis, part) in axes {
        site.graph().join_within(axis, count, part, why);
    }
    for &(axis, part) in &axes[1..] {
        let (first, of_first) = axes[0];
        for head in 0..count {
            site.graph().join_index((first, head * of_first), (axis, head * part), why);
        }
    }
}

/// States the products: of queries and keys, and of their result and values.
fn work(site: &mut Site<'_, '_>, rank: usize) -> StatementResult {
    let length = site.axis(1, rank - 2)?;
    let queries = (0..rank).map(|axis| site.axis(0, axis)).collect::<Result<Vec<_>, _>>()?;
    let out: Vec<TensorAxis> = (0..rank).filter_map(|axis| site.out(0, axis)).collect();
    for mut axes in [queries, out] {
        axes.push(length);
        site.work(axes);
    }
    Ok(())
}

fn rewrite(rewrite: &mut Rewrite<'_, '_>) -> Result<(), Error> {
    for (slot, name) in [(0, "q_num_heads"), (1, "kv_num_heads")] {
        let heads = rewrite.node.int(name).and_then(|heads| usize::try_from(heads).ok());
        if let (Some(heads), Some(before), Some(now)) =
            (heads, rewrite.input_length(slot, 2), rewrite.input_left(slot, 2))
            && rewrite.shape(slot).is_some_and(|shape| shape.len() == 3)
            && now != before
            && before > 0
        {
            rewrite.set_int(name, (now * heads / before) as i64);
        }
    }
    Ok(())
}
