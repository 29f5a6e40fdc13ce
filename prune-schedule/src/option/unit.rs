//! The fields `block`, `axes`, `pool`, `norm` and `bias`: what is pruned in one piece.

use core::fmt;

use prune_core::{Blocks, Channels, Norm, Pool, Unit};

use super::EventOption;
use super::axis::GroupAxis;
use super::read::{flag, word};
use crate::epoch::Epochs;
use crate::error::{Problem, StrategyError};
use crate::event::{Event, Rule};
use crate::method::Structure;
use crate::text::node::{Node, Value};
use crate::text::written::Written;

const POOLS: [&str; 2] = ["mean", "max"];

/// What a structured event prunes in one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// Boxes of neighbouring elements.
    Blocks(Blocks),
    /// Everything at one index of an axis.
    Channels {
        /// The axis that they lie along, where one is written; else that of the outputs.
        axis: Option<GroupAxis>,
        /// By what they are ranked.
        norm: Norm,
        /// Whether the bias that goes with a layer is pruned with it: that of the same name with `bias` in place of `kernel`
        /// or `weight`. Channels must then lie along the outputs.
        bias: bool,
    },
}

impl Piece {
    /// Channels along the outputs, ranked by their L2 norm, biases left alone.
    pub fn channels() -> Self {
        Piece::Channels { axis: None, norm: Norm::L2, bias: false }
    }

    /// What the core ranks, along an axis that has been found.
    pub(crate) fn unit(&self, axis: Option<usize>) -> Unit {
        match self {
            Piece::Blocks(blocks) => blocks.clone().into(),
            Piece::Channels { norm, .. } => Channels::new(axis.map_or(-1, |axis| axis as isize), *norm).into(),
        }
    }

    /// The same pieces, whatever they are ranked by.
    pub(crate) fn unranked(&self) -> Piece {
        match self {
            Piece::Blocks(blocks) => {
                Blocks::new(blocks.sizes(), blocks.axes(), Pool::Mean).map_or_else(|_| self.clone(), Piece::Blocks)
            }
            Piece::Channels { axis, .. } => {
                let axis = Some(axis.unwrap_or(GroupAxis::Output));
                Piece::Channels { axis, norm: Norm::L2, bias: false }
            }
        }
    }

    pub(crate) fn structure(&self) -> Structure {
        match self {
            Piece::Blocks(_) => Structure::Block,
            Piece::Channels { .. } => Structure::Channel,
        }
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Piece::Blocks(blocks) => {
                let sides = blocks.sizes().iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
                write!(f, "blocks of {sides}")?;
                if !blocks.axes().is_empty() {
                    let axes = blocks.axes().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                    write!(f, " along axes {axes}")?;
                }
                write!(f, ", pooled by {}", pool_name(blocks.pool()))
            }
            Piece::Channels { norm, bias, .. } => {
                write!(f, "channels by their {} norm", norm_name(*norm))?;
                if *bias { f.write_str(", with their biases") } else { Ok(()) }
            }
        }
    }
}

fn pool_name(pool: Pool) -> &'static str {
    match pool {
        Pool::Mean => POOLS[0],
        Pool::Max => POOLS[1],
    }
}

fn norm_name(norm: Norm) -> &'static str {
    match norm {
        Norm::L1 => "L1",
        Norm::L2 => "L2",
        Norm::Max => "infinity",
    }
}

pub(super) const OPTION: EventOption =
    EventOption { fields: &["block", "axes", "pool", "norm", "bias"], read, write, tell };

/// The fields of each structure, of which the others have none.
const OF_BLOCKS: [&str; 3] = ["block", "axes", "pool"];
const OF_CHANNELS: [&str; 2] = ["norm", "bias"];

fn read(written: &Written<'_, '_>, event: Event) -> Result<Event, StrategyError> {
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
        // The size of blocks is read with the method, which cannot do without.
        Piece::Blocks(_) => return Ok(event),
        Piece::Channels { axis, .. } => channels(written, *axis)?,
    };
    Ok(event.with_piece(piece))
}

/// The blocks that an event of `block_*` is written with.
pub(crate) fn blocks(written: &Written<'_, '_>, key: &Node, method: &'static str) -> Result<Piece, StrategyError> {
    let Some(node) = written.get("block") else {
        let why = format!("`{method}` needs the size of its blocks, such as (4, 4)");
        return Err(written.at(key)(Problem::Contradiction { field: "block", why }.into()));
    };
    let sizes = numbers("block", "the sizes of a block, such as (4, 4)", node).map_err(written.at(node))?;
    let whole = |size: i64| {
        usize::try_from(size).map_err(|_| Problem::FieldValue {
            field: "block",
            wanted: "the sizes of a block, such as (4, 4)",
            found: node.value.describe(),
        })
    };
    let sizes = sizes.into_iter().map(whole).collect::<Result<Vec<_>, _>>().map_err(|p| written.at(node)(p.into()))?;
    let axes = match written.get("axes") {
        None => Vec::new(),
        Some(node) => {
            let axes = numbers("axes", "the axes that blocks are cut along, such as (0, 1)", node)
                .map_err(written.at(node))?;
            axes.into_iter().map(|axis| isize::try_from(axis).unwrap_or(isize::MAX)).collect()
        }
    };
    let pool = match written.get("pool") {
        None => Pool::Mean,
        Some(node) => {
            [Pool::Mean, Pool::Max][word("pool", "'mean' or 'max'", &POOLS, node).map_err(written.at(node))?]
        }
    };
    let refused = |error: prune_core::Error| {
        written.at(node)(Problem::Contradiction { field: "block", why: error.to_string() }.into())
    };
    Ok(Piece::Blocks(Blocks::new(&sizes, &axes, pool).map_err(refused)?))
}

fn channels(written: &Written<'_, '_>, axis: Option<GroupAxis>) -> Result<Piece, StrategyError> {
    let norm = match written.get("norm") {
        None => Norm::L2,
        Some(node) => match &node.value {
            Value::Int(1) => Norm::L1,
            Value::Int(2) => Norm::L2,
            Value::Text(word) if word == "inf" => Norm::Max,
            Value::Float(number) if *number == f64::INFINITY => Norm::Max,
            other => {
                let (field, wanted) = ("norm", "1, 2 or 'inf'");
                return Err(written.at(node)(Problem::FieldValue { field, wanted, found: other.describe() }.into()));
            }
        },
    };
    let bias = match written.get("bias") {
        None => false,
        Some(node) => flag("bias", node).map_err(written.at(node))?,
    };
    Ok(Piece::Channels { axis, norm, bias })
}

/// A whole number, or a list of them.
fn numbers(field: &'static str, wanted: &'static str, node: &Node) -> Result<Vec<i64>, StrategyError> {
    let refused = || StrategyError::from(Problem::FieldValue { field, wanted, found: node.value.describe() });
    let one = |value: &Value| match value {
        Value::Int(number) => Ok(*number),
        _ => Err(refused()),
    };
    match &node.value {
        Value::List(items) => items.iter().map(|item| one(&item.value)).collect(),
        value => Ok(vec![one(value)?]),
    }
}

fn write(event: &Event) -> Vec<(&'static str, Value)> {
    let Rule::Pieces { piece, .. } = event.rule() else { return Vec::new() };
    let list = |numbers: Vec<i64>| Value::List(numbers.into_iter().map(|number| Value::Int(number).into()).collect());
    match piece {
        Piece::Blocks(blocks) => {
            let sizes = blocks.sizes().iter().map(|&size| size as i64).collect();
            let mut fields = vec![("block", list(sizes))];
            if !blocks.axes().is_empty() {
                fields.push(("axes", list(blocks.axes().iter().map(|&axis| axis as i64).collect())));
            }
            if blocks.pool() != Pool::Mean {
                fields.push(("pool", Value::text(pool_name(blocks.pool()))));
            }
            fields
        }
        Piece::Channels { norm, bias, .. } => {
            let norm = match norm {
                Norm::L2 => None,
                Norm::L1 => Some(Value::Int(1)),
                Norm::Max => Some(Value::text("inf")),
            };
            let fields = [norm.map(|norm| ("norm", norm)), bias.then_some(("bias", Value::Bool(true)))];
            fields.into_iter().flatten().collect()
        }
    }
}

fn tell(_: Epochs, event: &Event) -> Option<String> {
    match event.rule() {
        Rule::Pieces { piece, .. } => Some(piece.to_string()),
        _ => None,
    }
}

/// The bias that goes with a layer, by name.
pub(crate) fn bias_of(name: &str) -> Option<String> {
    let stem = name.strip_suffix("kernel").or_else(|| name.strip_suffix("weight"))?;
    Some(format!("{stem}bias"))
}
