//! Weights whose last segment says so, where no entry says otherwise.

use crate::names::entry::{Axes, Entry, weight};

pub(super) const ENTRIES: &[Entry] = &[
    weight("**.{q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj}.weight", Axes::OutIn).rank(2),
    weight("**.{weight,weight_v,original1}", Axes::Plain),
];
