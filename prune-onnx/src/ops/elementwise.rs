//! Functions of one element.

use super::Operator;
use crate::analysis::{Site, StatementResult};

pub(super) const OPERATOR: Operator = Operator {
    names: &[
        "Identity",
        "Relu",
        "LeakyRelu",
        "Elu",
        "Selu",
        "Celu",
        "ThresholdedRelu",
        "HardSwish",
        "Swish",
        "Mish",
        "Gelu",
        "Tanh",
        "Erf",
        "Sin",
        "Tan",
        "Asin",
        "Atan",
        "Sinh",
        "Asinh",
        "Atanh",
        "Abs",
        "Neg",
        "Sign",
        "Sqrt",
        "Floor",
        "Ceil",
        "Round",
        "Softsign",
        "Shrink",
        "Sigmoid",
        "HardSigmoid",
        "Softplus",
        "Exp",
        "Log",
        "Cos",
        "Acos",
        "Cosh",
        "Acosh",
        "Reciprocal",
        "Not",
        "IsNaN",
        "IsInf",
        "BitwiseNot",
    ],
    joins: "every axis with that of the output",
    pins: "",
    rewrites: "",
    state,
    rewrite: None,
};

/// The operators among these whose result for 0 is not 0.
const NOT_ZERO_AT_ZERO: &[&str] = &[
    // With a negative `lambd` it adds its bias to 0.
    "Shrink",
    "Sigmoid",
    "HardSigmoid",
    "Softplus",
    "Exp",
    "Log",
    "Cos",
    "Acos",
    "Cosh",
    "Acosh",
    "Reciprocal",
    "Not",
    "IsNaN",
    "IsInf",
    "BitwiseNot",
];

/// True for a function of the list that gives 0 for 0.
pub(super) fn is_zero_at_zero(name: &str) -> bool {
    OPERATOR.names.contains(&name) && !NOT_ZERO_AT_ZERO.contains(&name)
}

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    let same = site.node.op_type() == "Identity";
    if same && let Some(ints) = site.ints(0) {
        return site.int_output(0, ints, shape.is_empty());
    }
    let zero = is_zero_at_zero(site.node.op_type()) && site.vanishes(0);
    passes(site, zero)?;
    if same {
        (0..shape.len()).try_for_each(|axis| site.view(0, axis, 0, axis))?;
    }
    Ok(())
}

/// Declares output 0 with the shape of input 0, and joins every axis of the two. `zero` is `vanishes` of
/// [`Site::output`].
#[cfg_attr(feature = "testing", track_caller)]
pub(super) fn passes(site: &mut Site<'_, '_>, zero: bool) -> StatementResult {
    let shape = site.shape(0)?;
    site.output(0, shape.clone(), zero)?;
    for (axis, size) in shape.iter().enumerate() {
        let of = site.axis(0, axis)?;
        if site.has_runs(of) {
            site.set_runs(0, axis, size);
        }
        site.pass(0, axis, 0, axis)?;
    }
    Ok(())
}
