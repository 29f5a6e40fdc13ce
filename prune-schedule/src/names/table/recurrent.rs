//! Recurrent layers, and constants of state-space models.

use crate::names::entry::{Axes, Entry, other, weight};

const OUT_IN: Axes = Axes::Fixed(&[1], &[0]);
const IN_OUT: Axes = Axes::Fixed(&[0], &[1]);

pub(super) const ENTRIES: &[Entry] = &[
    weight("**.{weight_ih_l*,weight_hh_l*,weight_hr_l*}", OUT_IN).rank(2),
    weight("**.{weight_ih,weight_hh}", OUT_IN).rank(2),
    weight("**.recurrent_kernel", IN_OUT).rank(2),
    other("**.{A_log,A,D,dt_bias,time_decay,time_first,time_maa*,time_mix*,time_faaaa}", "state-space constant"),
];
