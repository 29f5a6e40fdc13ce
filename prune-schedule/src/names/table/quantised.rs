//! Layers of quantised files: packed values, and the scales, zero points and tables to unpack them.

use crate::names::entry::{Condition, NameEntry, other};

const PACKED: &str = "packed values of a quantised layer";
const SCALE: &str = "scale of a quantised layer";
const ZERO: &str = "zero point of a quantised layer";
const TABLE: &str = "table of a quantised layer";
const SPARSE: &str = "part of a packed sparse layer";

pub(super) const ENTRIES: &[NameEntry] = &[
    // GPTQ and AWQ.
    other("**.{qweight,B}", PACKED).when(Condition::Beside("s")),
    other("**.{qweight,qweight_type}", PACKED),
    other("**.{qzeros,scaled_zeros}", ZERO),
    other("**.{g_idx,weight_g_idx,perm}", "order of a quantised layer"),
    other("**.{scales,scales_and_zeros,qscales}", SCALE),
    other("**.{s,workspace,s_channel,s_group}", SCALE).when(Condition::Beside("B")),
    // FP8, compressed-tensors and torchao.
    other(
        "**.{weight_scale,weight_scale_inv,weight_scale_2,weight_global_scale,weight_scales,weight_block_scale}",
        SCALE,
    ),
    other("**.{input_scale,output_scale,k_scale,v_scale,q_scale,kv_scale,input_global_scale,activation_scale}", SCALE),
    other("**.{weight_zero_point,input_zero_point,output_zero_point}", ZERO),
    other("**.weight_packed", PACKED),
    other("**.weight", PACKED).when(Condition::Beside("weight_scale")),
    other("**.weight", PACKED).when(Condition::Beside("weight_scale_inv")),
    other("**.weight", PACKED).when(Condition::Beside("weight_scales")),
    other("**.weight", PACKED).when(Condition::Beside("weight_zero_point")),
    other("**.weight.{compressed,bitmask,row_offsets,shape}", SPARSE),
    other("**.{compressed,bitmask,row_offsets,weight_shape}", SPARSE),
    // Quanto, and tensors of tensors.
    other("**.weight.{_data,_packed,qdata,tensor_impl,int_data,_qdata,data_lp}", PACKED),
    other("**.weight.{_scale,scale,_scales}", SCALE),
    other("**.weight.{_shift,_zeropoint,zero_point,zero}", ZERO),
    // bitsandbytes.
    other("**.weight", PACKED).when(Condition::Beside("weight.absmax")),
    other("**.weight", PACKED).when(Condition::Beside("weight.quant_map")),
    other("**.weight", PACKED).when(Condition::Beside("SCB")),
    other("**.{absmax,nested_absmax}", SCALE),
    other("**.{SCB,CB,weight_format}", SCALE),
    other("**.{quant_map,nested_quant_map,quant_state}", TABLE),
    other("**.{quant_state,nested_quant_state}.**", TABLE),
    // AQLM, VPTQ, HIGGS, QuIP#, SpQR, FBGEMM, EETQ and BitNet.
    other("**.{codes,codebooks,indices,res_indices,outlier_indices}", TABLE).when(Condition::Beside("scales")),
    other("**.{codes,codebooks}", TABLE),
    other("**.{centroids,res_centroids,outlier_centroids}.**", TABLE),
    other("**.{tables,tables2,Qidxs,SU,SV,had_left,had_right,codebook_id}", TABLE),
    other("**.{dense_weights,row_offsets,col_vals,in_perm}", TABLE),
    // HQQ.
    other("**.W_q", PACKED),
    other("**.{scale,zero}", SCALE).when(Condition::Beside("W_q")),
    other("**.meta.{scale,zero,scale_q,zero_q}", SCALE),
    // MXFP4 of gpt-oss.
    other("**.experts.{gate_up_proj_blocks,down_proj_blocks}", PACKED),
    other("**.experts.{gate_up_proj_scales,down_proj_scales}", SCALE),
    other("**.experts.{gate_up_proj_scale_inv,down_proj_scale_inv,gate_up_proj_scale,down_proj_scale}", SCALE),
];
