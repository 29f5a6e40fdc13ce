//! The rules of all operators about the axes of their inputs and outputs. Each rule is a file, and a line of the table
//! here.

mod arithmetic;
mod attention;
mod batch_norm;
mod broadcast;
mod cast;
mod clip;
mod concat;
mod constant;
mod constant_of_shape;
mod conv;
mod conv_transpose;
mod dropout;
mod elementwise;
mod expand;
mod flatten;
mod gather;
mod gemm;
mod global_pool;
mod group_norm;
mod instance_norm;
mod layer_norm;
mod lrn;
mod matmul;
mod pad;
mod pinned;
mod pool;
mod prelu;
mod reduce;
mod regroup;
mod reshape;
mod resize;
mod shape;
mod slice;
mod softmax;
mod split;
mod squeeze;
mod transpose;
mod unsqueeze;
mod where_op;
mod window;

use crate::analysis::State;
use crate::error::Error;
use crate::model::{Model, Node};
use crate::rewrite::Rewrite;

/// Changes a node after a removal.
type RewriteNode = fn(&mut Rewrite<'_, '_>) -> Result<(), Error>;

/// Operators that follow one rule.
pub(crate) struct Operator {
    /// Their names.
    names: &'static [&'static str],
    /// The axes that are joined.
    joins: &'static str,
    /// The axes that are pinned.
    pins: &'static str,
    /// The changes to a node when indices go.
    rewrites: &'static str,
    /// States the rule for a node.
    pub(crate) state: State,
    /// Changes a node after a removal.
    pub(crate) rewrite: Option<RewriteNode>,
}

/// Every rule, in the order of the documentation.
const OPERATORS: &[Operator] = &[
    conv::OPERATOR,
    conv_transpose::OPERATOR,
    gemm::OPERATOR,
    matmul::OPERATOR,
    attention::OPERATOR,
    batch_norm::OPERATOR,
    instance_norm::OPERATOR,
    group_norm::OPERATOR,
    layer_norm::OPERATOR,
    lrn::OPERATOR,
    elementwise::OPERATOR,
    cast::OPERATOR,
    clip::OPERATOR,
    dropout::OPERATOR,
    arithmetic::OPERATOR,
    prelu::OPERATOR,
    where_op::OPERATOR,
    concat::OPERATOR,
    split::OPERATOR,
    slice::OPERATOR,
    gather::OPERATOR,
    pad::OPERATOR,
    resize::OPERATOR,
    pool::OPERATOR,
    global_pool::OPERATOR,
    reduce::OPERATOR,
    softmax::OPERATOR,
    transpose::OPERATOR,
    reshape::OPERATOR,
    flatten::OPERATOR,
    squeeze::OPERATOR,
    unsqueeze::OPERATOR,
    expand::OPERATOR,
    shape::OPERATOR,
    constant::OPERATOR,
    constant_of_shape::OPERATOR,
    pinned::OPERATOR,
];

/// The rule for a node, if its operator is one of ONNX's own and has a rule.
pub(crate) fn find(model: &Model, node: &Node) -> Option<&'static Operator> {
    let known = || OPERATORS.iter().find(|operator| operator.names.contains(&node.op_type()));
    if is_own(model, node) { known() } else { None }
}

/// True if the operator of a node means what ONNX says. Operators of other domains and functions of the model do not.
pub(crate) fn is_own(model: &Model, node: &Node) -> bool {
    node.domain().is_empty() && !model.has_function("", node.op_type())
}

/// True for a function of one element that gives 0 for 0.
pub(crate) fn is_zero_at_zero(name: &str) -> bool {
    elementwise::is_zero_at_zero(name)
}

/// A rule as the documentation shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperatorRule {
    /// The operators that follow it.
    pub operators: &'static [&'static str],
    /// The axes that are joined.
    pub joins: &'static str,
    /// The axes that are pinned.
    pub pins: &'static str,
    /// The changes to a node when indices go.
    pub rewrites: &'static str,
}

/// Every operator that is followed. All others, and all operators of other domains, pin everything that they touch.
pub fn operators() -> impl Iterator<Item = OperatorRule> {
    OPERATORS.iter().map(|operator| OperatorRule {
        operators: operator.names,
        joins: operator.joins,
        pins: operator.pins,
        rewrites: operator.rewrites,
    })
}
