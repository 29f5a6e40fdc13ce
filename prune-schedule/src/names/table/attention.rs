//! Attention whose heads are axes of their own, or whose projections are one tensor.

use crate::names::entry::{Axes, Condition, NameEntry, weight};

pub(super) const ENTRIES: &[NameEntry] = &[
    weight("**.{in_proj_weight,q_proj_weight,k_proj_weight,v_proj_weight}", Axes::Fixed(&[1], &[0])).rank(2),
    weight("**.{query,key,value}.kernel", Axes::Fixed(&[0], &[1, 2])).rank(3),
    weight("**.{out,attention_output}.kernel", Axes::Fixed(&[0, 1], &[2])).rank(3),
    // All layers of a scan in one tensor: their axis is the first in some programs, the second in others.
    weight("**.{query,key,value}.kernel", Axes::Open).ranks(4, usize::MAX).when(Condition::Near("query")),
    weight("**.{out,attention_output}.kernel", Axes::Open).ranks(4, usize::MAX).when(Condition::Near("query")),
];
