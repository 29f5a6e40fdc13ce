//! The operator Where: a choice between two operands, element by element.

use super::Operator;
use super::broadcast::{self, Zero};
use crate::analysis::{Site, StatementResult, Stop};
use crate::shapes::Int;

pub(super) const OPERATOR: Operator = Operator {
    names: &["Where"],
    joins: "axes of one length, aligned at the end",
    pins: "axes that are repeated",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    if (0..3).all(|slot| site.has_ints(slot)) {
        return on_ints(site);
    }
    let shapes = (0..3).map(|slot| site.shape(slot)).collect::<Result<Vec<_>, _>>()?;
    let out = broadcast::shape(site, &shapes)?;
    site.output(0, out.clone(), false)?;
    broadcast::join(site, &[0, 1, 2], &shapes, &out)?;
    let zero = broadcast::vanishes(site, &[1, 2], &shapes[1..], &out, Zero::All);
    site.set_vanishes(0, zero);
    Ok(())
}

/// A choice between lists of lengths. If the condition of an element is known, the chosen element is passed on as it
/// is.
fn on_ints(site: &mut Site<'_, '_>) -> StatementResult {
    let scalar = (0..3).map(|slot| site.shape(slot)).collect::<Result<Vec<_>, _>>()?.iter().all(Vec::is_empty);
    let (Some(condition), Some(yes), Some(no)) = (site.computed_ints(0), site.ints(1), site.ints(2)) else {
        return Err(Stop::Pin("lacks an input"));
    };
    let len = [&condition, &yes, &no].iter().map(|ints| ints.len()).filter(|&n| n != 1).max().unwrap_or(1);
    if [&condition, &yes, &no].iter().any(|ints| ints.len() != 1 && ints.len() != len) {
        return Err(Stop::Pin("reads shapes that do not broadcast"));
    }
    let at = |ints: &[Int], i: usize| ints[if ints.len() == 1 { 0 } else { i }].clone();
    let mut chosen = Vec::with_capacity(len);
    for i in 0..len {
        chosen.push(match at(&condition, i).number() {
            Some(0) => at(&no, i),
            Some(_) => at(&yes, i),
            None => {
                site.freeze(&[at(&yes, i), at(&no, i)]);
                Int::unknown()
            }
        });
    }
    site.int_output(0, chosen, scalar)
}
