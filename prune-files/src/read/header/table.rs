//! The JSON table: unique names, known fields only, bounded shapes.

use core::fmt;
use std::collections::{BTreeMap, HashSet};

use safetensors::Dtype;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::error::HeaderProblem;
use crate::text::texts::Texts;

/// The longest header that the format allows.
pub(crate) const LONGEST: u64 = 100_000_000;

/// The most axes that a shape may have, as in NumPy.
const MOST_AXES: usize = 64;

/// Names and places as they are written.
pub(super) struct Table {
    pub(super) tensors: Vec<(String, RawTensor)>,
    pub(super) metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTensor {
    pub(super) dtype: Dtype,
    pub(super) shape: RawShape,
    pub(super) data_offsets: [u64; 2],
}

pub(super) struct RawShape(pub(super) Vec<usize>);

pub(super) fn read(table: &[u8]) -> Result<Table, HeaderProblem> {
    let unreadable = |why: String| HeaderProblem::Unreadable { why };
    if table.first() != Some(&b'{') {
        return Err(unreadable("it does not begin with `{`".to_owned()));
    }
    // The reader limits nesting. The names that it quotes in its messages may be long.
    serde_json::from_slice(table).map_err(|error| unreadable(clip(&error.to_string())))
}

/// The first characters of a message, control characters as escapes.
fn clip(message: &str) -> String {
    let end = message.char_indices().nth(200).map_or(message.len(), |(end, _)| end);
    let shown = prune_core::printable(&message[..end]);
    if end < message.len() { format!("{shown}..") } else { shown.into_owned() }
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tensors;

        impl<'de> Visitor<'de> for Tensors {
            type Value = Table;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table, A::Error> {
                let mut table = Table { tensors: Vec::new(), metadata: BTreeMap::new() };
                let mut seen = HashSet::new();
                while let Some(name) = map.next_key::<String>()? {
                    if !seen.insert(name.clone()) {
                        return Err(A::Error::custom(format_args!("the name `{name}` stands twice")));
                    }
                    if name == "__metadata__" {
                        table.metadata = map.next_value::<Texts>()?.0;
                    } else {
                        let tensor = map.next_value()?;
                        table.tensors.push((name, tensor));
                    }
                }
                Ok(table)
            }
        }

        deserializer.deserialize_map(Tensors)
    }
}

impl<'de> Deserialize<'de> for RawShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sides;

        impl<'de> Visitor<'de> for Sides {
            type Value = RawShape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a shape")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sides: A) -> Result<RawShape, A::Error> {
                let mut shape = Vec::new();
                while let Some(side) = sides.next_element::<usize>()? {
                    if shape.len() == MOST_AXES {
                        return Err(A::Error::custom(format_args!("a shape has more than {MOST_AXES} axes")));
                    }
                    shape.push(side);
                }
                Ok(RawShape(shape))
            }
        }

        deserializer.deserialize_seq(Sides)
    }
}
