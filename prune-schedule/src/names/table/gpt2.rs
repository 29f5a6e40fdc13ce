//! The layers that GPT-2 stores as (in, out) and others by the same names as (out, in).

use crate::names::entry::{Axes, FamilyPart, NameEntry, weight};

const IN_OUT: &[&str] = &["gpt2", "openai-gpt", "imagegpt", "decision_transformer"];
const OUT_IN: &[&str] = &["gpt_bigcode", "gpt_neo"];

pub(super) const ENTRIES: &[NameEntry] = &[
    weight("**.{c_attn,q_attn,c_fc,c_proj}.weight", Axes::InOut).rank(2).of(IN_OUT),
    weight("**.{c_attn,q_attn,c_fc,c_proj}.weight", Axes::OutIn).rank(2).of(OUT_IN),
    weight("**.{c_attn,q_attn,c_fc}.weight", Axes::Family(FamilyPart::Wider)).rank(2),
    weight("**.c_proj.weight", Axes::Family(FamilyPart::Back)).rank(2),
];
