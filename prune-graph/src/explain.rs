//! The axes that stay, each with the operator that pins it.

use std::collections::BTreeMap;

use crate::classes::Classes;
use crate::reason::Reason;
use crate::tensor::TensorAxis;

/// Indices of one axis that stay for the same reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Stays<'a> {
    /// The axis.
    pub axis: TensorAxis,
    /// The number of these indices.
    pub indices: usize,
    /// The length of the axis.
    pub of: usize,
    /// The operator that pins them, and why.
    pub reason: &'a Reason,
}

impl Classes {
    /// Every axis of a scored constant with pinned indices, if it is longer than 1. There is an entry for each reason.
    pub fn explain(&self) -> Vec<Stays<'_>> {
        self.explain_where(|axis| self.is_weight(axis.tensor))
    }

    /// As [`Classes::explain`], for the axes for which `wanted` is true.
    pub fn explain_where(&self, wanted: impl Fn(TensorAxis) -> bool) -> Vec<Stays<'_>> {
        let mut all = Vec::new();
        for axis in self.axes().filter(|&axis| wanted(axis)) {
            let of = self.size(axis).unwrap_or(0);
            let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
            (0..of).filter_map(|i| self.pin_id(axis, i)).for_each(|id| *counts.entry(id.0).or_default() += 1);
            if of > 1 {
                all.extend(counts.into_iter().filter_map(|(id, indices)| {
                    self.reason(crate::ReasonId(id)).map(|reason| Stays { axis, indices, of, reason })
                }));
            }
        }
        all
    }
}
