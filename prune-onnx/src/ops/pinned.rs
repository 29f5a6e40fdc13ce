//! Operators that pin everything that they touch, but whose results have a known shape.

use super::Operator;
use crate::analysis::{Site, StatementResult, position};
use crate::shapes::Size;

pub(super) const OPERATOR: Operator = Operator {
    names: &[
        "GatherElements",
        "ScatterElements",
        "ScatterND",
        "CumSum",
        "Trilu",
        "QuantizeLinear",
        "DequantizeLinear",
        "Range",
        "NonZero",
        "ArgMax",
        "ArgMin",
        "LpNormalization",
        "MeanVarianceNormalization",
    ],
    joins: "",
    pins: "all axes",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = match site.node.op_type() {
        "GatherElements" => site.shape(1)?,
        "Range" => vec![site.fresh()],
        "NonZero" => {
            let rank = site.shape(0)?.len();
            vec![Size::of(rank), site.fresh()]
        }
        "ArgMax" | "ArgMin" => {
            let mut shape = site.shape(0)?;
            let axis = position(site.int("axis", 0), shape.len())?;
            if site.int("keepdims", 1) != 0 {
                shape[axis] = Size::known(1);
            } else {
                shape.remove(axis);
            }
            shape
        }
        _ => site.shape(0)?,
    };
    site.opaque(shape, "is not followed")
}
