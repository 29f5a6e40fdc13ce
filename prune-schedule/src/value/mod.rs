//! The values of an event's fields. They depend neither on the text that they are read from nor on the event.

pub(crate) mod axis;
mod distribution;
pub(crate) mod piece;
mod ramp;
mod ranking;
mod regrow;
pub(crate) mod reopen;

pub use axis::{AxisUnknown, GroupAxis, LayerAxis};
pub use distribution::{DensityBounds, DistributionRule};
pub use piece::Piece;
pub use ramp::Ramp;
pub use ranking::Ranking;
pub use regrow::{Decay, FractionError, Grow, Regrow};
pub use reopen::Reopen;
