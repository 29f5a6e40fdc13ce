//! The tree that every form of a strategy is read into, and written from.

mod node;
mod source;
mod written;

pub(crate) use node::{DEPTH, Node, NodeValue, or_text};
pub(crate) use source::SourceText;
pub(crate) use written::EventFields;
