//! Batch normalisation as it runs after training.

use prune_graph::Role;

use super::{Operator, elementwise};
use crate::analysis::{Site, StatementResult, Stop};

pub(super) const OPERATOR: Operator = Operator {
    names: &["BatchNormalization"],
    joins: "every axis with that of the output; channels with scale, shift, mean and variance",
    pins: "all, if it is in training",
    rewrites: "",
    state,
    rewrite: None,
};

fn state(site: &mut Site<'_, '_>) -> StatementResult {
    let outputs = (1..site.node.outputs().len()).filter(|&slot| site.node.output(slot).is_some()).count();
    if site.int("training_mode", 0) != 0 || outputs > 0 {
        return Err(Stop::Pin("is in training"));
    }
    let rank = site.shape(0)?.len();
    if rank < 2 {
        return Err(Stop::Pin("has no axis of channels"));
    }
    elementwise::passes(site, false)?;
    (1..5).try_for_each(|slot| site.pass(slot, 0, 0, 1))?;
    // The shift of a channel remains if an index of another axis goes.
    let others_stay = (0..rank).filter(|&axis| axis != 1).all(|axis| site.stays(axis));
    // If both the value and the mean are 0, their difference is 0 under any scale.
    let scaled = site.vanishes(1) || site.tensor(1).is_some() && site.vanishes(0) && site.vanishes(3);
    let zero = scaled && site.vanishes(2) && others_stay;
    site.set_vanishes(0, zero);
    // Without its channel, a mean has nothing to be subtracted from, and a variance only divides.
    (3..5).try_for_each(|slot| site.role(slot, 0, Role::Divisor))
}
