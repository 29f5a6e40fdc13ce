//! Projections to a vocabulary.

use crate::names::entry::{Entry, other};

const VOCABULARY: &str = "projection to a vocabulary";

pub(super) const ENTRIES: &[Entry] = &[
    other("proj_out.weight", VOCABULARY).of(&["whisper"]),
    other("head.weight", VOCABULARY).of(&["rwkv", "rwkv5", "rwkv6", "rwkv7"]),
    other("head.weight", VOCABULARY).near("blocks.0.att"),
    other("**.lm_head.weight", VOCABULARY),
    other("**.embed_out.weight", VOCABULARY),
    other("output.weight", VOCABULARY),
    other("**.cls.predictions.decoder.weight", VOCABULARY),
];
