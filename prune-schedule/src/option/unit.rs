//! The fields `block`, `axes`, `pool`, `norm` and `bias`: the piece that is pruned as a whole.

use prune_core::{Blocks, Norm, Pool};

use super::EventOption;
use super::read::{flag, word, wrong};
use crate::error::{Problem, StrategyError};
use crate::event::{Event, Rule};
use crate::key::Key;
use crate::method::Structure;
use crate::tree::{EventFields, Node, NodeValue};
use crate::value::piece::{POOLS, pool_name};
use crate::value::{GroupAxis, Piece};

pub(super) const OPTION: EventOption =
    EventOption { fields: &["block", "axes", "pool", "norm", "bias"], read, write, tell };

/// The fields that only one structure has.
const OF_BLOCKS: [&str; 3] = ["block", "axes", "pool"];
const OF_CHANNELS: [&str; 2] = ["norm", "bias"];

fn read(written: &EventFields<'_, '_>, event: Event) -> Result<Event, StrategyError> {
    let (method, structure) = (event.method().name(), event.method().structure);
    for (fields, needs, methods) in
        [(&OF_BLOCKS[..], Structure::Block, "`block_*`"), (&OF_CHANNELS[..], Structure::Channel, "`channel_*`")]
    {
        if let Some((field, node)) = fields.iter().find_map(|&field| Some((field, written.get(field)?)))
            && structure != needs
        {
            let why = format!("it goes with {methods}, not with `{method}`; leave it out");
            return Err(written.at(node)(Problem::Contradiction { field, why }.into()));
        }
    }
    let Rule::Pieces { piece, .. } = event.rule() else { return Ok(event) };
    let piece = match piece {
        // The size of blocks is required, so it is read with the method.
        Piece::Blocks(_) => return Ok(event),
        Piece::Channels { axis, .. } => channels(written, *axis)?,
    };
    Ok(event.with_piece(piece))
}

/// The written blocks of an event of `block_*`.
pub(crate) fn blocks(written: &EventFields<'_, '_>, key: &Node, method: &'static str) -> Result<Piece, StrategyError> {
    let Some(node) = written.get("block") else {
        let why = format!("`{method}` needs the size of its blocks, such as (4, 4)");
        return Err(written.at(key)(Problem::Contradiction { field: "block", why }.into()));
    };
    let sizes = numbers::<usize>("block", "the sizes of a block, such as (4, 4)", node).map_err(written.at(node))?;
    let axes = written.put("axes", Vec::new(), |node, _| {
        numbers::<isize>("axes", "the axes that blocks are cut along, such as (0, 1)", node)
    })?;
    let pool = written.put("pool", Pool::Mean, |node, _| {
        Ok([Pool::Mean, Pool::Max][word("pool", "'mean' or 'max'", &POOLS, node)?])
    })?;
    let refused = |error: prune_core::Error| {
        written.at(node)(Problem::Contradiction { field: "block", why: error.to_string() }.into())
    };
    Ok(Piece::Blocks(Blocks::new(&sizes, &axes, pool).map_err(refused)?))
}

fn channels(written: &EventFields<'_, '_>, axis: Option<GroupAxis>) -> Result<Piece, StrategyError> {
    let norm = written.put("norm", Norm::L2, |node, _| match &node.value {
        NodeValue::Int(1) => Ok(Norm::L1),
        NodeValue::Int(2) => Ok(Norm::L2),
        NodeValue::Text(word) if word == "inf" => Ok(Norm::Max),
        NodeValue::Float(number) if *number == f64::INFINITY => Ok(Norm::Max),
        _ => Err(wrong("norm", "1, 2 or 'inf'", node)),
    })?;
    let bias = written.put("bias", false, |node, _| flag("bias", node))?;
    Ok(Piece::Channels { axis, norm, bias })
}

/// A whole number, or a list of them.
fn numbers<T: TryFrom<i64>>(field: &'static str, wanted: &'static str, node: &Node) -> Result<Vec<T>, StrategyError> {
    let one = |value: &NodeValue| match value {
        NodeValue::Int(number) => T::try_from(*number).map_err(|_| wrong(field, wanted, node)),
        _ => Err(wrong(field, wanted, node)),
    };
    match &node.value {
        NodeValue::List(items) => items.iter().map(|item| one(&item.value)).collect(),
        value => Ok(vec![one(value)?]),
    }
}

fn write(event: &Event) -> Vec<(&'static str, NodeValue)> {
    let Rule::Pieces { piece, .. } = event.rule() else { return Vec::new() };
    let list =
        |numbers: Vec<i64>| NodeValue::List(numbers.into_iter().map(|number| NodeValue::Int(number).into()).collect());
    match piece {
        Piece::Blocks(blocks) => {
            let sizes = blocks.sizes().iter().map(|&size| size as i64).collect();
            let mut fields = vec![("block", list(sizes))];
            if !blocks.axes().is_empty() {
                fields.push(("axes", list(blocks.axes().iter().map(|&axis| axis as i64).collect())));
            }
            if blocks.pool() != Pool::Mean {
                fields.push(("pool", NodeValue::text(pool_name(blocks.pool()))));
            }
            fields
        }
        Piece::Channels { norm, bias, .. } => {
            let norm = match norm {
                Norm::L2 => None,
                Norm::L1 => Some(NodeValue::Int(1)),
                Norm::Max => Some(NodeValue::text("inf")),
            };
            let fields = [norm.map(|norm| ("norm", norm)), bias.then_some(("bias", NodeValue::Bool(true)))];
            fields.into_iter().flatten().collect()
        }
    }
}

fn tell(_: Key, event: &Event) -> Option<String> {
    match event.rule() {
        Rule::Pieces { piece, .. } => Some(piece.to_string()),
        _ => None,
    }
}
