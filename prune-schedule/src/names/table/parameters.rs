//! Weights that are parameters with names of their own.

use crate::names::entry::{Axes, NameEntry, weight};

const IN_OUT: Axes = Axes::Fixed(&[0], &[1]);

pub(super) const ENTRIES: &[NameEntry] = &[
    // The original CLIP and OpenCLIP multiply features from the left.
    weight("visual.proj", IN_OUT).rank(2),
    weight("text_projection", IN_OUT).rank(2),
    weight("text.text_projection", IN_OUT).rank(2),
    weight("**.{k_sconv,v_sconv}.weight_proj", Axes::Fixed(&[1], &[0])).rank(2),
    weight("**.mm_input_projection_weight", IN_OUT).rank(2),
    weight("**.attention.r_kernel", Axes::Fixed(&[0], &[1, 2])).rank(3),
    weight("**.rel_attn.{q,k,v,r}", Axes::Fixed(&[0], &[1, 2])).rank(3),
    weight("**.rel_attn.o", Axes::Fixed(&[1, 2], &[0])).rank(3),
];
