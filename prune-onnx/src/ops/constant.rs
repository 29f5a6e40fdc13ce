//! Constants as nodes. The walk reads those with a tensor like initializers.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop};
use crate::model::AttributeValue;
use crate::shapes::{Int, Size};

pub(super) const OPERATOR: Operator = Operator {
    names: &["Constant"],
    joins: "",
    pins: "lists and numbers in attributes other than `value`",
    rewrites: "the tensor",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let value = |name: &str| site.node.attribute(name);
    if matches!(value("value"), Some(AttributeValue::Tensor(_))) {
        return Ok(());
    }
    match (value("value_int"), value("value_ints"), value("value_float"), value("value_floats")) {
        (Some(AttributeValue::Int(n)), ..) => site.int_output(0, vec![Int::known(*n)], true),
        (_, Some(AttributeValue::Ints(all)), ..) => {
            let all = all.iter().map(|&n| Int::known(n)).collect();
            site.int_output(0, all, false)
        }
        (.., Some(AttributeValue::Float(_)), _) => site.output(0, Vec::new(), false),
        (.., Some(AttributeValue::Floats(all))) => {
            let n = all.len();
            site.output(0, vec![Size::of(n)], false)?;
            site.pin_out(0, 0, "holds a list");
            Ok(())
        }
        _ => Err(Stop::Pin("holds what is no dense tensor")),
    }
}
