//! Weights of all experts of a layer in one tensor. The order of the last two axes differs by family.

use crate::names::entry::{Axes, Entry, Part, weight};

const IN_OUT: Axes = Axes::Fixed(&[1], &[2]);
const OUT_IN: Axes = Axes::Fixed(&[2], &[1]);

/// Kinds that multiply from the right, (experts, in, out).
const RIGHT: &[&str] = &["gpt_oss", "llama4", "llama4_text", "aria", "aria_text", "openai_privacy_filter"];

pub(super) const ENTRIES: &[Entry] = &[
    weight("**.experts.{gate_up_proj,down_proj}", IN_OUT).rank(3).of(RIGHT),
    weight("**.experts.gate_up_proj", Axes::Family(Part::GateUp)).rank(3),
    weight("**.experts.down_proj", Axes::Family(Part::Down)).rank(3),
    weight("**.shared_experts.{gate_proj,up_proj,down_proj}", OUT_IN).rank(3).of(&["inkling_mm_model", "inkling_text"]),
    weight("**.experts.{w13_weight,w2_weight}", OUT_IN).rank(3),
    weight("**.{input_linear,output_linear}.weight", OUT_IN).rank(3),
];
