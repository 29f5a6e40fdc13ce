//! Buffers, masks and biases: tensors beside weights that are not weights.

use crate::names::entry::{NameEntry, other};

const MASK: &str = "mask";
const BIAS: &str = "bias";

pub(super) const ENTRIES: &[NameEntry] = &[
    other("**.attn.bias", "causal mask").rank(4),
    other("**.{bias,biases,b}", BIAS),
    other("**.{bias_ih_l*,bias_hh_l*,in_proj_bias,bias_k,bias_v}", BIAS),
    other("**.{gate_up_proj_bias,down_proj_bias,gate_proj_bias,up_proj_bias}", BIAS),
    other("**.{final_logits_bias,e_score_correction_bias,attn_bias,attention_bias,relative_attention_bias}", BIAS),
    other("**.{causal_mask,attn_mask,attention_mask,masked_bias,tril,triu,_mask}", "causal mask"),
    // torch.nn.utils.prune adds `_mask` to the name of any parameter that it prunes.
    other("**.{mask,*_mask}", MASK),
    // Weight and spectral norm.
    other("**.weight_g", "magnitude of weight norm"),
    other("**.{weight,weight_v}.original0", "magnitude of weight norm"),
    other("**.original0", "magnitude of weight norm"),
    other("**.{weight_u,u}", "vector of spectral norm"),
    other("**.parametrizations.weight.*.{_u,_v}", "vector of spectral norm"),
    // Rotary positions.
    other("**.{cos_cached,sin_cached,inv_freq,freqs_cis,freqs,cos,sin,freqs_cos,freqs_sin}", "rotary positions"),
    other(
        "**.{relative_position_index,relative_position_buckets,position_ids,token_type_ids,attention_bias_idxs}",
        "index",
    ),
    other("**.{anchors,anchor_grid,strides,stride,anchor_points}", "anchors"),
    other("**.dfl.conv.weight", "fixed weights that read boxes out"),
    other("**.flows.#.{m,logs}", "affine flow"),
    other("**.cell_anchors.#", "anchors"),
    other("**.{running_mean,running_var,num_batches_tracked,moving_mean,moving_variance}", "statistics of a norm"),
    other("**.batch_stats.**", "statistics of a norm"),
    other("batch_stats.**", "statistics of a norm"),
    other("**.{exp_avg,exp_avg_sq,momentum_buffer,max_exp_avg_sq}", "state of an optimiser"),
    other("**.opt_state.**", "state of an optimiser"),
    other("time_proj.weight", "frequencies of a Fourier embedding").of(&["MiniMaxMusic3Transformer1DModel"]),
    other("**.{filter,data_mean,data_std,encoder_mean,encoder_std,clip_mean,clip_std,slope_rate}", "constant"),
    other("**.{query_decay,key_decay,diagonal_decay}", "constant"),
    other("**.weight_integer", "packed values of a quantised layer"),
    other("**.{tid2eid,pos_idx_to_embed,relative_coords_table}", "index"),
    other("**.{mel_filters,mel_scale,mel_basis,fbank,window,hann_window,filters,dft,fb}", "filter bank"),
];
