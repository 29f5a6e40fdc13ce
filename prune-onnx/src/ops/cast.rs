//! Casts. A cast to integers keeps the elements of a shape.

use super::{Operator, elementwise};
use crate::analysis::{Site, StatementResult};
use crate::data_type::DataType;

pub(super) const OPERATOR: Operator = Operator {
    names: &["Cast"],
    joins: "every axis with that of the output",
    pins: "",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let shape = site.shape(0)?;
    let to = i32::try_from(site.int("to", 0)).map(DataType::from_code);
    if matches!(to, Ok(DataType::Int64 | DataType::Int32))
        && let Some(ints) = site.ints(0)
    {
        return site.int_output(0, ints, shape.is_empty());
    }
    let (rank, zero) = (shape.len(), site.vanishes(0));
    elementwise::passes(site, zero)?;
    (0..rank).try_for_each(|axis| site.view(0, axis, 0, axis))
}
