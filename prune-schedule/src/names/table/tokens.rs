//! Tokens and position tables that are parameters of their own.

use crate::names::entry::{NameEntry, other};

const TOKEN: &str = "token";
const POSITIONS: &str = "position table";

pub(super) const ENTRIES: &[NameEntry] = &[
    other("**.{cls_token,mask_token,dist_token,reg_token,class_token,distillation_token,register_tokens}", TOKEN),
    other("**.{class_embedding,cls_pos,query_tokens,latents,latent,probe}", TOKEN),
    other("**.{cls_token_0,cls_token_1,cls_token1,cls_token2,cls_token3,cls_token4,latent_query}", TOKEN),
    other(
        "**.{pos_embed,pos_embedding,position_embedding,position_embeddings,positional_embedding,pos_emb}",
        POSITIONS,
    ),
    other("**.{pos_embed_0,pos_embed_1,pos_embed_window,rel_pos_h,rel_pos_w,rel_pos,width_rel,height_rel}", POSITIONS),
    other("**.{relative_position_bias_table,position_embedding_table,attention_biases,temporal_embedding}", POSITIONS),
    other("**.{pos_bias_u,pos_bias_v,r_w_bias,r_r_bias,r_s_bias,bias_u,bias_v,seg_embed}", POSITIONS),
    other("**.{special_token,special_tokens,new_tokens,memory_tokens,padding_tokens,cap_pad_token,x_pad_token}", TOKEN),
    other("**.{trainable_cls_token,group_token,query,latent_queries,no_memory_embedding,prd_embedding}", TOKEN),
    other("**.{null_condition_emb,silence_latent,mask_emb,masked_spec_embed}", TOKEN),
    other(
        "**.{pos_emb_h,pos_emb_w,pos_emb_t,pos_enc,pe,ape,rel_pos_t,spatial_pos,temporal_pos,pos_frequencies}",
        POSITIONS,
    ),
    other("**.{patch_pos,pixel_pos,pos_embed1,pos_embed2,pos_embed3,pos_embed4,position_bias,level_embed}", POSITIONS),
];
