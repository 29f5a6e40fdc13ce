//! Masks by name, read through serde.

use core::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Masks;
use crate::mask::Mask;

/// A layer that appears twice is an error: a plain map would silently keep the last.
impl<'de> Deserialize<'de> for Masks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MasksVisitor;

        impl<'de> Visitor<'de> for MasksVisitor {
            type Value = Masks;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("masks by layer name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Masks, A::Error> {
                let mut masks = Masks::default();
                while let Some((layer, mask)) = map.next_entry::<String, Mask>()? {
                    if masks.get(&layer).is_some() {
                        return Err(A::Error::custom(format_args!("layer `{layer}` has two masks")));
                    }
                    masks.insert(layer, mask);
                }
                Ok(masks)
            }
        }

        deserializer.deserialize_map(MasksVisitor)
    }
}
