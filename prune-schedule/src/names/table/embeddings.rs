//! Tables that are looked up and not multiplied: tokens, positions, types.

use crate::names::entry::{Entry, other};

const EMBEDDING: &str = "embedding";

pub(super) const ENTRIES: &[Entry] = &[
    other("**.{embed_tokens,wte,wpe,word_embeddings,word_embedding,tok_embeddings,embed_in,shared}.weight", EMBEDDING)
        .rank(2),
    other("**.{position_embeddings,token_type_embeddings,embed_positions,embeddings,embedding}.weight", EMBEDDING)
        .rank(2),
    other("**.{relative_attention_bias,position_embedding,token_embedding,emb,embed,tok_emb}.weight", EMBEDDING)
        .rank(2),
    other("**.{embedding,embeddings}", EMBEDDING),
];
