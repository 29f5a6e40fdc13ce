//! Places in a text.

use super::node::Node;
use crate::error::{Position, Problem, StrategyError};

/// The text that offsets point into, if there is one.
#[derive(Clone, Copy)]
pub(crate) struct SourceText<'t>(Option<&'t str>);

impl<'t> SourceText<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        SourceText(Some(text))
    }

    pub(crate) fn none() -> Self {
        SourceText(None)
    }

    pub(crate) fn position(self, at: Option<usize>) -> Option<Position> {
        Some(Position::of(self.0?, at?))
    }

    /// Adds the place of a node to an error.
    pub(crate) fn at(self, node: &Node) -> impl Fn(StrategyError) -> StrategyError + use<'t> {
        let at = node.at;
        move |error| if error.position().is_some() { error } else { error.at(self.position(at)) }
    }

    pub(crate) fn refuse<T>(self, node: &Node, problem: Problem) -> Result<T, StrategyError> {
        Err(self.at(node)(problem.into()))
    }
}
