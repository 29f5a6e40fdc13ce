//! The layers of a plan with their values, and the masks that are made for them.

use prune_core::{LayerRef, Mask, Selected};

use super::listed::LayerList;
use crate::plan::{EventPlan, LayerPlan};

/// A layer that an event selects, with its values.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'l> {
    pub(super) plan: &'l LayerPlan,
    pub(super) layer: &'l LayerRef<'l>,
}

impl<'l> Candidate<'l> {
    pub(super) fn name(&self) -> &'l str {
        &self.plan.name
    }

    /// The layers of a plan. `layers` must be the layers that the plan was made for.
    pub(super) fn of_plan(plan: &'l EventPlan, layers: &'l LayerList<'l>) -> Vec<Self> {
        plan.layers.iter().filter_map(|plan| Some(Candidate { plan, layer: layers.at(plan.place)? })).collect()
    }
}

/// The mask of one layer, with counts from its making.
pub(super) struct LayerMask {
    pub(super) mask: Mask,
    pub(super) ties: usize,
    /// Groups that keep fewer elements than the pattern says, after reopening.
    pub(super) short_groups: usize,
    /// Units kept, if units are ranked.
    pub(super) units: Option<usize>,
}

impl From<Selected> for LayerMask {
    fn from(selected: Selected) -> Self {
        LayerMask { mask: selected.mask, ties: selected.ties, short_groups: selected.short_groups, units: None }
    }
}
