//! A value as it was written, with its place in the text. Every form is read into this tree.
//!
//! It keeps what a checked strategy cannot hold: duplicate keys, wrong kinds, unknown fields. So each of them can be
//! refused by name.

use core::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::words::clip;

/// The depth to which values may nest. A strategy needs at most four levels; the reader recurses, so there is a limit.
pub(crate) const DEPTH: usize = 32;

/// A value and the byte offset of its start, if there is a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Option<usize>,
    pub(crate) value: NodeValue,
}

/// A value of any kind that a text can hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NodeValue {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Table(Vec<(Node, Node)>),
    /// A kind that only TOML has.
    Date(String),
}

impl From<NodeValue> for Node {
    fn from(value: NodeValue) -> Self {
        Node { at: None, value }
    }
}

impl NodeValue {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        NodeValue::Text(text.into())
    }

    /// The value in the words of an error.
    pub(crate) fn describe(&self) -> String {
        match self {
            NodeValue::Null => "nothing (None or null)".to_owned(),
            NodeValue::Bool(value) => format!("the boolean {value}"),
            NodeValue::Int(value) => format!("the number {value}"),
            NodeValue::Float(value) => format!("the number {value:?}"),
            NodeValue::Text(value) => format!("the string '{}'", clip(value)),
            NodeValue::List(items) if items.is_empty() => "an empty list".to_owned(),
            NodeValue::List(items) => match items.iter().map(|item| item.value.scalar()).collect::<Option<Vec<_>>>() {
                Some(shown) if shown.len() <= 4 => format!("the list ({})", shown.join(", ")),
                _ if items.len() == 1 => "a list of one value".to_owned(),
                _ => format!("a list of {} values", items.len()),
            },
            NodeValue::Table(_) => "a table".to_owned(),
            NodeValue::Date(value) => format!("the date {}", clip(value)),
        }
    }

    /// The text of a single value.
    fn scalar(&self) -> Option<String> {
        match self {
            NodeValue::Null => Some("None".to_owned()),
            NodeValue::Bool(value) => Some(value.to_string()),
            NodeValue::Int(value) => Some(value.to_string()),
            NodeValue::Float(value) => Some(format!("{value:?}")),
            NodeValue::Text(value) => Some(format!("'{}'", clip(value))),
            NodeValue::List(_) | NodeValue::Table(_) | NodeValue::Date(_) => None,
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            NodeValue::Null => serializer.serialize_unit(),
            NodeValue::Bool(value) => serializer.serialize_bool(*value),
            NodeValue::Int(value) => serializer.serialize_i64(*value),
            NodeValue::Float(value) => serializer.serialize_f64(*value),
            NodeValue::Text(value) | NodeValue::Date(value) => serializer.serialize_str(value),
            NodeValue::List(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| seq.serialize_element(item))?;
                seq.end()
            }
            NodeValue::Table(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        NodeSeed(DEPTH).deserialize(deserializer)
    }
}

/// Reads a value that may nest to this depth.
struct NodeSeed(usize);

impl<'de> DeserializeSeed<'de> for NodeSeed {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl NodeSeed {
    fn deeper<E: serde::de::Error>(&self) -> Result<usize, E> {
        self.0.checked_sub(1).ok_or_else(|| E::custom(format_args!("values are nested more than {DEPTH} deep")))
    }
}

impl<'de> Visitor<'de> for NodeSeed {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a strategy: a table from epochs to events, or its text")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(NodeValue::Null.into())
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(NodeValue::Null.into())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(NodeValue::Bool(value).into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(NodeValue::Int(value).into())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Node, E> {
        let value = i64::try_from(value).map_err(|_| E::custom(format_args!("the number {value} is too large")))?;
        Ok(NodeValue::Int(value).into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(NodeValue::Float(value).into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(NodeValue::text(value).into())
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(NodeValue::Text(value).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let depth = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(NodeSeed(depth))? {
            items.push(item);
        }
        Ok(NodeValue::List(items).into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let depth = self.deeper()?;
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(NodeSeed(depth))? {
            entries.push((key, map.next_value_seed(NodeSeed(depth))?));
        }
        Ok(NodeValue::Table(entries).into())
    }
}

/// A strategy's tree, or its text, from any serde format.
pub(crate) fn or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
    if deserializer.is_human_readable() {
        return Node::deserialize(deserializer);
    }
    // A format that is not self-describing cannot be asked for "any value". There a strategy is its text.
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(D::Error::custom("the strategy is empty")) } else { Ok(NodeValue::Text(text).into()) }
}
