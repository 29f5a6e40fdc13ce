//! Gemm: a matrix product with an addition.

use prune_graph::Role;

use super::Operator;
use crate::analysis::{Site, StatementResult, Stop};

pub(super) const OPERATOR: Operator = Operator {
    names: &["Gemm"],
    joins: "the axes that are summed over; rows and columns with those of the output and of the addend",
    pins: "axes of the addend that are repeated",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let (a, b) = (site.shape(0)?, site.shape(1)?);
    if a.len() != 2 || b.len() != 2 {
        return Err(Stop::Pin("multiplies what are no matrices"));
    }
    let (row, over) = if site.int("transA", 0) != 0 { (1, 0) } else { (0, 1) };
    let (under, column) = if site.int("transB", 0) != 0 { (1, 0) } else { (0, 1) };
    let out = vec![a[row].clone(), b[column].clone()];
    site.output(0, out.clone(), false)?;
    site.contract((0, over), (1, under))?;
    site.pass(0, row, 0, 0)?;
    site.pass(1, column, 0, 1)?;
    site.role(1, column, Role::Writer)?;
    let (rows_stay, columns_stay) = (site.stays(0), site.stays(1));
    let mut zero = (site.vanishes(0) || rows_stay) && (site.vanishes(1) || columns_stay);
    if site.has(2) {
        let c = site.shape(2)?;
        if c.len() > 2 {
            return Err(Stop::Pin("adds what is no matrix"));
        }
        let missing = 2 - c.len();
        for (axis, size) in c.iter().enumerate() {
            if size.is_one() && !out[axis + missing].is_one() {
                site.pin(2, axis, "repeats it")?;
            } else {
                site.pass(2, axis, 0, axis + missing)?;
            }
        }
        let has = |axis: usize| axis >= missing && !c[axis - missing].is_one();
        zero &= site.vanishes(2) && (rows_stay || has(0)) && (columns_stay || has(1));
    }
    site.set_vanishes(0, zero);
    let over = site.axis(0, over)?;
    let axes = (0..2).filter_map(|axis| site.out(0, axis)).chain([over]).collect();
    site.work(axes);
    Ok(())
}
