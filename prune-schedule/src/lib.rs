//! Epoch-keyed pruning strategies, and the pruner that carries them out.

mod axis;
mod epoch;
mod error;
mod event;
mod glob;
mod method;
mod percent;
mod reopen;
mod strategy;
mod table;
mod text;
mod timeline;

pub use axis::{GroupAxis, reduction_axis};
pub use epoch::{Epochs, LAST_EPOCH};
pub use error::{Position, Problem, StrategyError, SyntaxError};
pub use event::{Event, Rule, Scope, Target};
pub use glob::Glob;
pub use method::{Method, ScopeKind, Structure};
pub use reopen::Reopen;
pub use strategy::Strategy;
pub use timeline::{Timeline, TimelineRow};

#[doc = include_str!("../docs/strategies.md")]
pub mod guide {}
