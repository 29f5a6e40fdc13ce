//! ConstantOfShape: one value in every element of a shape. Its lengths can change.

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop};
use crate::data_type::DataType;
use crate::model::{AttributeValue, Tensor};
use crate::shapes::{Int, Size};

pub(super) const OPERATOR: Operator = Operator {
    names: &["ConstantOfShape"],
    joins: "",
    pins: "lengths that are computed",
    rewrites: "lengths in the shape, where they enter",
    state,
    rewrite: None,
};

/// Longer lists are not followed.
const MOST: usize = 4096;

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let target = site.ints(0).ok_or(Stop::Pin("has a shape that is not known"))?;
    site.pin_runs(&target);
    let tensor: Option<&Tensor> = match site.node.attribute("value") {
        Some(AttributeValue::Tensor(tensor)) => Some(tensor),
        _ => None,
    };
    let integer = tensor.is_some_and(|tensor| matches!(tensor.data_type(), DataType::Int64 | DataType::Int32));
    if let (true, [length]) = (integer, target.as_slice())
        && let Some(n) = length.number().and_then(|n| usize::try_from(n).ok()).filter(|&n| n <= MOST)
        && let Some(value) = tensor.and_then(|tensor| tensor.ints().ok()).and_then(|ints| ints.first().copied())
    {
        site.freeze(&target);
        return site.int_output(0, vec![Int::known(value); n], false);
    }
    let zero = tensor.is_none_or(|tensor| tensor.floats().is_ok_and(|values| values.iter().all(|&value| value == 0.0)));
    let mut out = Vec::new();
    for int in &target {
        out.push(int.value.clone().filter(Size::is_length).unwrap_or_else(|| site.fresh()));
    }
    site.output(0, out, zero)?;
    for (axis, int) in target.iter().enumerate() {
        if let Some(out) = site.out(0, axis) {
            site.follow(int, out);
        }
    }
    Ok(())
}
