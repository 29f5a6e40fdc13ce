//! Projections to a vocabulary. Heads that classify are weights.

use crate::names::entry::{Axes, Condition, NameEntry, other, weight};

const VOCABULARY: &str = "projection to a vocabulary";

pub(super) const ENTRIES: &[NameEntry] = &[
    other(
        "**.{lm_head,generator_lm_head,embed_out,logits_dense,vocab_projector,lm_loss,unembed}.{weight,kernel}",
        VOCABULARY,
    ),
    other("**.{codebooks_head,lm_head_dense,ctc_lo,ctc_head,ctc_proj}.{weight,kernel}", VOCABULARY),
    other("**.lm_heads.#.weight", VOCABULARY),
    other(
        "**.{lm_head,predictions,entity_predictions,mlm_head,mim_head,mmm_image_head,mmm_text_head}.decoder.weight",
        VOCABULARY,
    ),
    other("**.lm_head.out_proj.weight", VOCABULARY),
    other("**.shared_head.head.weight", VOCABULARY),
    other("**.pred_layer.proj.weight", VOCABULARY),
    other("**.log_softmax.mlp.layer0.weight", VOCABULARY),
    other("output_projection.weight", VOCABULARY),
    other("**.decoder.output_projection.weight", VOCABULARY),
    weight("output.weight", Axes::OutIn).of(&["pe_audio_encoder", "pe_audio_video_encoder", "pe_video_encoder"]),
    other("output.weight", VOCABULARY),
    other("decoder.weight", VOCABULARY).when(Condition::Near("embeddings")),
    other("decoder.weight", VOCABULARY).when(Condition::Near("rnn")),
    other("head.decoder.weight", VOCABULARY).of(&["ultrabert", "ultravbert"]),
    other("cls.weight", VOCABULARY).of(&["ultrabert", "ultravbert"]),
    // These names mean other layers elsewhere; the table of tokens beside them decides.
    other("proj_out.weight", VOCABULARY).of(&["whisper", "canary", "cohere_asr"]),
    other("proj_out.weight", VOCABULARY).when(Condition::Near("decoder.embed_tokens")),
    other("head.weight", VOCABULARY).of(&["rwkv", "rwkv5", "rwkv6", "rwkv7", "deepseek_v4"]),
    other("head.weight", VOCABULARY).when(Condition::Near("emb.weight")),
    other("head.weight", VOCABULARY).when(Condition::Near("embed.weight")),
    other("head.weight", VOCABULARY).when(Condition::Near("embed_tokens.weight")),
    other("**.output_layer.weight", VOCABULARY).when(Condition::Near("embed")),
    other("**.output_layer.weight", VOCABULARY).when(Condition::Near("embedding")),
    // A layer with as many rows as the vocabulary has tokens, whatever its name.
    other("**.weight", "table or projection of a vocabulary").rank(2).when(Condition::Rows("vocab_size")),
];
