//! Weights of all experts of a layer in one tensor. The order of the last two axes differs by family.

use crate::names::entry::{Axes, FamilyPart, NameEntry, weight};

const IN_OUT: Axes = Axes::Fixed(&[1], &[2]);
const OUT_IN: Axes = Axes::Fixed(&[2], &[1]);

/// Kinds that multiply from the right: (experts, in, out).
const RIGHT: &[&str] = &[
    "aria",
    "aria_text",
    "gpt_oss",
    "llama4",
    "llama4_text",
    "openai_privacy_filter",
    "NucleusMoEImageTransformer2DModel",
];

/// Kinds whose experts are linear layers stacked along axis 0: (experts, out, in).
const LINEAR: &[&str] = &[
    "mixtral",
    "qwen2_moe",
    "qwen3_moe",
    "qwen3_vl_moe_text",
    "deepseek_v2",
    "deepseek_v3",
    "deepseek_v32",
    "glm4_moe",
    "olmoe",
    "jamba",
    "phimoe",
    "minimax",
    "minimax_m2",
    "ernie4_5_moe",
    "hunyuan_v1_moe",
    "granitemoe",
    "kimi_linear",
    "nemotron_h",
    "nemotron_h_omni",
    "nemo_speechlm",
    "inkling_mm_model",
    "inkling_text",
];

pub(super) const ENTRIES: &[NameEntry] = &[
    // DBRX stacks the rows of its experts.
    weight("**.experts.mlp.{w1,v1}", Axes::Fixed(&[1], &[0])).rank(2),
    weight("**.experts.mlp.w2", Axes::Fixed(&[0], &[1])).rank(2),
    weight("**.experts.{gate_up_proj,down_proj}", IN_OUT).rank(3).of(RIGHT),
    weight("**.experts.{fc1,fc2}.weight", IN_OUT).rank(3).of(RIGHT),
    weight("**.experts.{gate_up_proj,up_proj,down_proj}", OUT_IN).rank(3).of(LINEAR),
    weight("**.shared_experts.{gate_proj,up_proj,down_proj}", OUT_IN).rank(3).of(LINEAR),
    weight("**.experts.{gate_up_proj,gate_proj,up_proj}", Axes::Family(FamilyPart::GateUp)).rank(3),
    weight("**.experts.down_proj", Axes::Family(FamilyPart::Down)).rank(3),
    weight("**.experts.{w13_weight,w2_weight}", OUT_IN).rank(3),
    weight("**.{input_linear,output_linear}.weight", OUT_IN).rank(3),
    weight("**.moe.{gate_proj,up_proj,down_proj}.weight", OUT_IN).rank(3),
    // All other layers of experts are unknown, and (experts, out, in) and (experts, in, out) look alike.
    weight("**.experts.{weight,w1,w2,w3}", Axes::Open).rank(3),
    weight("**.experts.*.weight", Axes::Open).rank(3),
];
