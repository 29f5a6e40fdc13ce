//! Adapters of low rank, as PEFT and diffusers store them beside the layers that they change.

use crate::names::entry::{NameEntry, other};

const LOW_RANK: &str = "adapter of low rank";

pub(super) const ENTRIES: &[NameEntry] = &[
    other("**.{lora_A,lora_B,lora_embedding_A,lora_embedding_B,lora_magnitude_vector}.**", LOW_RANK),
    other("**.{lora_down,lora_up,lora_mid,lora_a,lora_b}.**", LOW_RANK),
    other("**.lora.{up,down}.weight", LOW_RANK),
    other("**.{to_q_lora,to_k_lora,to_v_lora,to_out_lora}.{up,down}.weight", LOW_RANK),
    other("**.{hada_w1_a,hada_w1_b,hada_w2_a,hada_w2_b,hada_t1,hada_t2}.**", LOW_RANK),
    other("**.{lokr_w1,lokr_w2,lokr_w1_a,lokr_w1_b,lokr_w2_a,lokr_w2_b,lokr_t2}.**", LOW_RANK),
    other("**.{vera_A,vera_B,vera_lambda_b,vera_lambda_d}.**", LOW_RANK),
    other("**.{oft_r,oft_R,boft_R,boft_s,ia3_l,hra_u}.**", "adapter"),
    other("**.prompt_embeddings", "prompt of an adapter"),
    other("**.prompt_encoder.*.embedding.weight", "prompt of an adapter"),
];
