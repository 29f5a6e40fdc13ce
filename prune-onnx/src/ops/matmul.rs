//! MatMul: products of matrices in batches, as in attention.

use prune_graph::Role;

use super::{Operator, broadcast};
use crate::analysis::{Site, StatementResult, Stop};

pub(super) const OPERATOR: Operator = Operator {
    names: &["MatMul"],
    joins: "the axes that are summed over; rows, columns and batches with those of the output",
    pins: "batch axes that are repeated; the axis that is summed over, if neither factor is 0 at an index that \
           is removed",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let (a, b) = (site.shape(0)?, site.shape(1)?);
    if a.is_empty() || b.is_empty() {
        return Err(Stop::Pin("multiplies what is no matrix"));
    }
    // A list is one row on the left, or one column on the right. The output lacks that axis.
    let batches = |shape: &[_], rank: usize| rank.saturating_sub(2).min(shape.len());
    let (batch_a, batch_b) = (batches(&a, a.len()), batches(&b, b.len()));
    let shapes = [a[..batch_a].to_vec(), b[..batch_b].to_vec()];
    let mut out = broadcast::shape(site, &shapes)?;
    let batch = out.len();
    let row = (a.len() >= 2).then(|| a.len() - 2);
    let column = (b.len() >= 2).then(|| b.len() - 1);
    out.extend(row.map(|axis| a[axis].clone()));
    out.extend(column.map(|axis| b[axis].clone()));
    site.output(0, out.clone(), false)?;

    let (over, under) = (a.len() - 1, b.len().saturating_sub(2));
    site.contract((0, over), (1, under))?;
    if let Some(row) = row {
        site.pass(0, row, 0, batch)?;
    }
    if let Some(column) = column {
        site.pass(1, column, 0, out.len() - 1)?;
        site.role(1, column, Role::Writer)?;
    }
    for (slot, shape) in shapes.iter().enumerate() {
        for (axis, size) in shape.iter().enumerate() {
            let at = axis + batch - shape.len();
            if size.is_one() && !out[at].is_one() {
                site.pin(slot, axis, "repeats it")?;
            } else {
                site.pass(slot, axis, 0, at)?;
            }
        }
    }

    let stays: Vec<bool> = (0..out.len()).map(|axis| site.stays(axis)).collect();
    let rows_stay = row.is_none() || stays[batch];
    let columns_stay = column.is_none() || stays[out.len() - 1];
    let (x, y) = (site.vanishes(0), site.vanishes(1));
    let covers = |slot: usize, axis: usize| {
        let missing = batch - shapes[slot].len();
        axis >= missing && !shapes[slot][axis - missing].is_one()
    };
    let batches_vanish = (0..batch).all(|axis| stays[axis] || x && covers(0, axis) || y && covers(1, axis));
    site.set_vanishes(0, (x || rows_stay) && (y || columns_stay) && batches_vanish);
    let over = site.axis(0, over)?;
    let axes = (0..out.len()).filter_map(|axis| site.out(0, axis)).chain([over]).collect();
    site.work(axes);
    Ok(())
}
