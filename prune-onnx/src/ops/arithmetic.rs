//! Functions of several operands, element by element.

use prune_graph::Role;

use super::Operator;
use super::broadcast::{self, Zero};
use crate::analysis::{Site, StatementResult};
use crate::shapes::{Int, Size};

pub(super) const OPERATOR: Operator = Operator {
    names: &[
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Pow",
        "Max",
        "Min",
        "Sum",
        "Mean",
        "Mod",
        "Equal",
        "Greater",
        "GreaterOrEqual",
        "Less",
        "LessOrEqual",
        "And",
        "Or",
        "Xor",
    ],
    joins: "axes of one length, aligned at the end",
    pins: "axes that are repeated; lengths that it computes with",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let slots: Vec<usize> = (0..site.node.inputs().len()).collect();
    if slots.iter().all(|&slot| site.has_ints(slot)) && !slots.is_empty() {
        return on_ints(site, &slots);
    }
    let operator = site.node.op_type();
    let zero = match operator {
        "Add" | "Sub" | "Max" | "Min" | "Sum" | "Mean" => Zero::All,
        "Mul" => Zero::Any,
        "Div" => Zero::First,
        _ => Zero::Never,
    };
    if matches!(operator, "Div" | "Pow" | "Mod") {
        let rank = site.shape(1)?.len();
        (0..rank).try_for_each(|axis| site.role(1, axis, Role::Divisor))?;
    }
    broadcast::state(site, &slots, zero)
}

/// Arithmetic with lengths. The walk knows the results, but every length that goes in stays.
fn on_ints(site: &mut Site<'_, '_>, slots: &[usize]) -> StatementResult {
    let shapes = slots.iter().map(|&slot| site.shape(slot)).collect::<Result<Vec<_>, _>>()?;
    let scalar = shapes.iter().all(Vec::is_empty);
    let operator = site.node.op_type();
    // A length is never negative, so the comparison with -1 that exporters write does not depend on the length.
    let asks_for_minus_one = operator == "Equal"
        && slots
            .iter()
            .any(|&slot| site.constants(slot).is_some_and(|ints| !ints.is_empty() && ints.iter().all(|&int| int < 0)));
    let mut operands = Vec::new();
    for &slot in slots {
        operands.push(if asks_for_minus_one { site.ints(slot) } else { site.computed_ints(slot) }.unwrap_or_default());
    }
    let len = operands.iter().map(Vec::len).filter(|&n| n != 1).max().unwrap_or(1);
    if operands.iter().any(|ints| ints.len() != 1 && ints.len() != len) {
        return Err(crate::analysis::Stop::Pin("reads shapes that do not broadcast"));
    }
    let result = (0..len).map(|i| {
        let mut values = operands.iter().map(|ints| ints[if ints.len() == 1 { 0 } else { i }].value.clone());
        let first = values.next().flatten();
        Int::plain(values.fold(first, |a, b| apply(operator, &a?, &b?)))
    });
    let result: Vec<Int> = result.collect();
    site.int_output(0, result, scalar)
}

fn apply(operator: &str, a: &Size, b: &Size) -> Option<Size> {
    let numbers = || Some((a.number()?, b.number()?));
    let truth = |truth: bool| Some(Size::known(i64::from(truth)));
    match operator {
        "Add" | "Sum" => a.plus(b),
        "Sub" => a.plus(&b.negated()?),
        "Mul" => a.times(b),
        // Only for numbers from 0 on: engines divide negative integers in different ways.
        "Div" => match numbers() {
            Some((x, y)) if x >= 0 && y > 0 => Some(Size::known(x / y)),
            Some(_) => None,
            None => a.over(b),
        },
        "Mod" => numbers().filter(|&(x, y)| x >= 0 && y > 0).map(|(x, y)| Size::known(x % y)),
        "Max" => numbers().map(|(x, y)| Size::known(x.max(y))),
        "Min" => numbers().map(|(x, y)| Size::known(x.min(y))),
        "Equal" => match numbers() {
            Some((x, y)) => truth(x == y),
            None if a == b => truth(true),
            None => {
                let negative = |n: &Size| n.number().is_some_and(|n| n < 0);
                if negative(a) && b.is_length() || negative(b) && a.is_length() { truth(false) } else { None }
            }
        },
        "Greater" => numbers().and_then(|(x, y)| truth(x > y)),
        "Less" => numbers().and_then(|(x, y)| truth(x < y)),
        "GreaterOrEqual" => numbers().and_then(|(x, y)| truth(x >= y)),
        "LessOrEqual" => numbers().and_then(|(x, y)| truth(x <= y)),
        _ => None,
    }
}
