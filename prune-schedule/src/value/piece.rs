//! The piece that is pruned as a whole.

use core::fmt;

use prune_core::{Blocks, Channels, Norm, Pool, Unit};

use super::axis::GroupAxis;
use crate::method::Structure;

pub(crate) const POOLS: [&str; 2] = ["mean", "max"];

/// The piece that a structured event prunes as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// Boxes of neighbouring elements.
    Blocks(Blocks),
    /// Everything at one index of an axis.
    Channels {
        /// The axis along which they lie, if one is written; otherwise the axis of outputs.
        axis: Option<GroupAxis>,
        /// The norm that ranks them.
        norm: Norm,
        /// True if the bias of a layer is pruned with it: the tensor of the same name with `bias` in place of `kernel`
        /// or `weight`. Channels must then lie along the outputs.
        bias: bool,
    },
}

impl Piece {
    /// Channels along the outputs, ranked by their L2 norm; biases are not pruned.
    pub fn channels() -> Self {
        Piece::Channels { axis: None, norm: Norm::L2, bias: false }
    }

    /// The unit that the core ranks, along a known axis.
    pub(crate) fn unit(&self, axis: Option<usize>) -> Unit {
        match self {
            Piece::Blocks(blocks) => blocks.clone().into(),
            Piece::Channels { norm, .. } => Channels::new(axis.map_or(-1, |axis| axis as isize), *norm).into(),
        }
    }

    /// The same pieces without their ranking.
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

pub(crate) fn pool_name(pool: Pool) -> &'static str {
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

/// The name of the bias that goes with a layer.
pub(crate) fn bias_of(name: &str) -> Option<String> {
    let stem = name.strip_suffix("kernel").or_else(|| name.strip_suffix("weight"))?;
    Some(format!("{stem}bias"))
}
