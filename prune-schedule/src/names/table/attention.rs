//! Attention whose heads are axes of their own, or whose projections are one tensor.

use crate::names::entry::{Axes, Entry, weight};

pub(super) const ENTRIES: &[Entry] = &[
    weight("**.{in_proj_weight,q_proj_weight,k_proj_weight,v_proj_weight}", Axes::Fixed(&[1], &[0])).rank(2),
    weight("**.{query,key,value}.kernel", Axes::Fixed(&[0], &[1, 2])).rank(3),
    weight("**.{out,attention_output}.kernel", Axes::Fixed(&[0, 1], &[2])).rank(3),
];
