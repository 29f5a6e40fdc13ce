//! What the fields of an event hold: values that know neither the text they are read from nor the event they go into.

pub(crate) mod axis;
mod distribution;
pub(crate) mod piece;
mod ramp;
mod ranking;
mod regrow;
pub(crate) mod reopen;

pub use axis::{AxisUnknown, GroupAxis, LayerAxis};
pub use distribution::{Bound, Distribution};
pub use piece::Piece;
pub use ramp::Ramp;
pub use ranking::Ranking;
pub use regrow::{Decay, FractionError, Grow, Regrow};
pub use reopen::Reopen;
