//! Tables that are looked up, not multiplied: tokens, positions, types. A table never has a bias; a linear layer with
//! such a name has one.

use crate::names::entry::{Axes, Condition, NameEntry, other, weight};

const EMBEDDING: &str = "embedding";
const TOKENS: &str = "embedding of tokens";
const POSITIONS: &str = "embedding of positions";
const QUERIES: &str = "learned queries and tokens";
const CODES: &str = "codebook";

/// An entry for a table, named by the segment before `weight`.
const fn table(pattern: &'static str, reason: &'static str) -> NameEntry {
    other(pattern, reason).rank(2).when(Condition::Without("bias"))
}

pub(super) const ENTRIES: &[NameEntry] = &[
    weight("**.vision_tokenizer.quantize.embedding.weight", Axes::OutIn).of(&["apertus1p5"]),
    table("**.w.weight", TOKENS).of(&["ctrl"]),
    table("**.time_proj.weight", EMBEDDING).of(&["ConsistencyDecoderVAE"]),
    table("**.cath_code.{a,c,t}.weight", EMBEDDING),
    table("**.{embed_tokens,wte,word_embeddings,word_embedding,tok_embeddings,embed_in,shared}.weight", TOKENS),
    other("encoder.weight", TOKENS).rank(2).when(Condition::Near("rnn")),
    table("**.{token_embedding,token_embeddings,tok_emb,text_token_embedding,prior_token_embedding}.weight", TOKENS),
    table(
        "**.{embed_audio_tokens,embed_text_tokens,audio_embeddings,input_embedding,input_embeds_layer}.weight",
        TOKENS,
    ),
    table("**.{embed_tokens_per_layer,generation_embeddings,token_type,segment_emb}.weight", TOKENS),
    table("**.feature_modules.{atom_charge,atomic_element,secondary_structure,token_type}.weight", EMBEDDING),
    table("**.{entity_embeddings,xpath_tag_sub_embeddings,xpath_subs_sub_embeddings}.weight", TOKENS),
    table("**.{xpath_tag_sub_embeddings,xpath_subs_sub_embeddings}.#.weight", TOKENS),
    table("**.{encoder_hash_tok_embedding,embed_image_indicator,embedding_table}.weight", TOKENS),
    table("**.{input_embeds_layers,embed_tokens,embed,embeddings}.#.weight", TOKENS),
    table("**.HashBucketCodepointEmbedder_*.weight", TOKENS),
    table(
        "**.{embedding,embeddings,emb,embed,emb_g,segment_embedding,cond_type_embed,num_speakers_embed}.weight",
        EMBEDDING,
    ),
    table("**.{token_type_embeddings,embed_timestep,denoising_class_embed,speaker_embedding}.weight", EMBEDDING),
    table(
        "**.{wpe,position_embeddings,position_embedding,embed_positions,pos_embed,pos_emb,pos_embedding}.weight",
        POSITIONS,
    ),
    table(
        "**.{position_encoding,position_embeds_layer,text_position_embedding,char_position_embeddings}.weight",
        POSITIONS,
    ),
    table(
        "**.{h_position_embeddings,w_position_embeddings,x_position_embeddings,y_position_embeddings}.weight",
        POSITIONS,
    ),
    table("**.relative_attention_bias_layer.bias_values.weight", POSITIONS),
    table("**.embed_positions.pe_k.weight", POSITIONS),
    table("**.token_type_embeddings_*.weight", EMBEDDING),
    table("**.norm.{scale,shift}.weight", "norm"),
    table("**.reference_points.weight", QUERIES),
    table("**.{box_position_embeddings,column_embedder,row_embedder}.weight", POSITIONS),
    other("**.pos_emb.weight", POSITIONS).rank(3),
    table("**.{rel_pos_emb,relative_attention_bias,row_embeddings,column_embeddings}.weight", POSITIONS),
    table(
        "**.{query_position_embeddings,query_refpoint_embeddings,query_embed,query_feat,queries_embedder,queries_features,reference_point_embed,level_embed}.weight",
        QUERIES,
    ),
    table("**.{iou_token,mask_tokens,obj_score_token,point_embed,no_mask_embed,not_a_point_embed}.weight", QUERIES),
    table("**.{point_embeddings,point_embed}.#.weight", QUERIES),
    table("query.weight", QUERIES).of(&["eomt", "eomt_dinov3", "videomt"]),
    table("**.codebook.weight", CODES),
    other("**.{codevectors,embed_avg,embed_sum}", CODES),
    other("**.{_codebook,codebook}.embed", CODES),
    other("**.{embedding,embeddings,rel_embedding,emb_rel_k,emb_rel_v}", EMBEDDING),
    // Every known layer that is called an embedding and has no bias is a table, except embeddings of patches.
    weight("**.{patch_embedding,patch_embed,patch_embeddings}.weight", Axes::OutIn).rank(2),
    table("**.{*_embedding,*_embeddings,*_embed,*_emb,*_token,*_tokens,*_table,embed_*}.weight", EMBEDDING),
];
