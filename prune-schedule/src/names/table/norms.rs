//! Norms of rank 2 or more, and the scales of layers and blocks.

use crate::names::entry::{Condition, NameEntry, other};

const NORM: &str = "norm";
const SCALE: &str = "scale of a layer";

pub(super) const ENTRIES: &[NameEntry] = &[
    // A layer multiplies element by element if its bias has the shape of its weight.
    other("**.{weight,scale,kernel}", NORM).ranks(2, 6).when(Condition::Like("bias")),
    other("**.{*norm,*Norm,norm1,norm2,norm3,norm4,ln,ln1,ln2,ln_*,bn,bn1,bn2,bn3}.weight", NORM),
    other("**.grn.{weight,bias,gamma,beta}", NORM),
    other(
        "**.{norm,norm1,norm2,norm3,ln,ln_1,ln_2,layer_norm,layernorm,LayerNorm,group_norm,bn,bn1,bn2,bn3}.weight",
        NORM,
    )
    .rank(1),
    other("**.{gamma,beta,alpha}", NORM),
    other("**.{layer_scale,layerscale,layer_scale_1,layer_scale_2,ls,gain,lambda,lambda_1,lambda_2}", SCALE),
    other("**.{scale_shift_table,temperature,logit_scale,modulation,modulate_table,w_g}", SCALE),
    other("**.{audio_scale_shift_table,audio_a2v_cross_attn_scale_shift_table}", SCALE),
    other("**.video_a2v_cross_attn_scale_shift_table", SCALE),
    other("**.{norm,q_l2_clip,rel_l2_clip,bottleneck}.scale", NORM),
    other("**.{hc_fn,hc_attn_fn,hc_ffn_fn,hc_head_fn}", "mixing of residual streams"),
    other("**.{attn_hc,ffn_hc}.fn", "mixing of residual streams"),
];
