//! Reasons why an index stays.

use std::borrow::Cow;
use std::fmt;

/// The operator that pins an index, and why it does.
///
/// # Examples
///
/// ```
/// use prune_graph::Reason;
///
/// let reason = Reason::new("Softmax", "attn/softmax", "sums over the axis");
/// assert_eq!(reason.to_string(), "Softmax `attn/softmax` sums over the axis");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reason {
    /// The kind of operator, such as `Softmax`.
    pub operator: String,
    /// The name of the node, or empty.
    pub node: String,
    /// The operator's effect on the index: a phrase that follows its name.
    pub why: Cow<'static, str>,
}

impl Reason {
    /// A reason from its three parts.
    pub fn new(operator: impl Into<String>, node: impl Into<String>, why: impl Into<Cow<'static, str>>) -> Self {
        Reason { operator: operator.into(), node: node.into(), why: why.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.node.is_empty() {
            write!(f, "{} {}", self.operator, self.why)
        } else {
            write!(f, "{} `{}` {}", self.operator, prune_core::printable(&self.node), self.why)
        }
    }
}

/// The number of a reason in a [`Graph`](crate::Graph).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasonId(pub(crate) u32);
