//! Recurrent layers, and constants of state-space models.

use crate::names::entry::{Axes, NameEntry, other, weight};

const OUT_IN: Axes = Axes::Fixed(&[1], &[0]);
const IN_OUT: Axes = Axes::Fixed(&[0], &[1]);
const CONSTANT: &str = "state-space constant";

pub(super) const ENTRIES: &[NameEntry] = &[
    weight("**.{weight_ih_l*,weight_hh_l*,weight_hr_l*}", OUT_IN).rank(2),
    weight("**.{weight_ih,weight_hh}", OUT_IN).rank(2),
    weight("**.recurrent_kernel", IN_OUT).rank(2),
    // Low-rank matrices of RWKV's time mixing, versions 6 and 7.
    weight("**.time_maa_w2", Axes::Fixed(&[1], &[2])).rank(3),
    weight("**.{time_maa_w1,time_decay_w1,time_decay_w2}", IN_OUT).rank(2),
    weight("**.att.{w1,w2,a1,a2,v1,v2,g1,g2}", IN_OUT).rank(2),
    other("**.{A_log,A,D,dt_bias}", CONSTANT),
    other("**.{time_decay,time_first,time_faaaa,time_maa_*,time_mix_*,time_mix_key,time_mix_value}", CONSTANT),
    other("**.{att,ffn}.{x_r,x_w,x_k,x_v,x_a,x_g,w0,a0,v0,k_k,k_a,r_k}", CONSTANT),
];
