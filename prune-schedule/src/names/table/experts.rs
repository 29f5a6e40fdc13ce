//! Weights of all experts of a layer in one tensor.

use crate::names::entry::{Axes, Entry, Part, weight};

const IN_OUT: Axes = Axes::Fixed(&[1], &[2]);
const OUT_IN: Axes = Axes::Fixed(&[2], &[1]);

pub(super) const ENTRIES: &[Entry] = &[
    weight("**.experts.{gate_up_proj,down_proj}", IN_OUT).rank(3).of(&["gpt_oss", "llama4", "llama4_text"]),
    weight("**.experts.gate_up_proj", Axes::Family(Part::GateUp)).rank(3),
    weight("**.experts.down_proj", Axes::Family(Part::Down)).rank(3),
    weight("**.{input_linear,output_linear}.weight", OUT_IN).rank(3),
];
