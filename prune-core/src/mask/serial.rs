//! A mask through serde: shape and bits, nothing that depends on a backend.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Mask;
use crate::layout::checked_len;

/// The serialised form: the bits as bytes, low bit first, with no byte past the last element; base64 in text formats.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMask<B> {
    shape: Vec<usize>,
    bits: B,
}

impl Serialize for Mask {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bits: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bits.truncate(self.len.div_ceil(8));
        let shape = self.shape.clone();
        if serializer.is_human_readable() {
            RawMask { shape, bits: STANDARD.encode(bits) }.serialize(serializer)
        } else {
            RawMask { shape, bits }.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Mask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = if deserializer.is_human_readable() {
            let raw = RawMask::<String>::deserialize(deserializer)?;
            RawMask { shape: raw.shape, bits: STANDARD.decode(raw.bits).map_err(D::Error::custom)? }
        } else {
            RawMask::<Vec<u8>>::deserialize(deserializer)?
        };
        let expected = checked_len(&raw.shape).map_err(D::Error::custom)?;
        if raw.bits.len() != expected.div_ceil(8) {
            return Err(D::Error::custom(format_args!(
                "a mask of shape {:?} has {} bytes of bits, but {} were found",
                raw.shape,
                expected.div_ceil(8),
                raw.bits.len()
            )));
        }
        let words = raw
            .bits
            .chunks(8)
            .map(|chunk| chunk.iter().rev().fold(0u64, |word, &byte| word << 8 | u64::from(byte)))
            .collect();
        Mask::from_words(&raw.shape, words).map_err(D::Error::custom)
    }
}
