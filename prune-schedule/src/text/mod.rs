//! Text to strategies and back: Python literals, JSON and TOML.
//!
//! All three are read into one tree of values that remember their place in the text (`tree/`), and `raw.rs` makes a
//! strategy of the tree. Writing goes the other way through the same tree (`write.rs`).

mod python;
mod raw;
mod toml;
mod write;

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Problem, StrategyError};
use crate::strategy::Strategy;
use crate::tree::{NodeValue, SourceText, or_text};

/// Reads a strategy in any of its forms.
fn read(text: &str) -> Result<Strategy, StrategyError> {
    // Some editors put a byte order mark at the start.
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let tree = match python::opening(body) {
        python::Opening::Nothing => return Err(Problem::Empty.into()),
        python::Opening::Literal => python::read(body)?,
        python::Opening::Other => toml::read(body)?,
    };
    raw::strategy(SourceText::of(body), &tree)
}

impl Strategy {
    /// The strategy as a Python literal; the same as its `Display`.
    pub fn to_python(&self) -> String {
        write::python(self)
    }

    /// The strategy as JSON.
    pub fn to_json(&self) -> String {
        write::json(self)
    }

    /// The strategy as TOML: a table per epoch. Without events it is `{}`, since an empty text is refused.
    pub fn to_toml(&self) -> String {
        write::toml(self)
    }
}

impl FromStr for Strategy {
    type Err = StrategyError;

    /// Reads a Python literal, JSON or TOML. A text that starts with `{` or `name =` is one of the first two.
    ///
    /// The time is proportional to the text's length. Brackets nested more than 32 deep are refused.
    fn from_str(text: &str) -> Result<Self, StrategyError> {
        read(text)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_python())
    }
}

impl Serialize for Strategy {
    /// Serialises as a table; in formats that are not self-describing, as a text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            write::tree(self).serialize(serializer)
        } else {
            serializer.serialize_str(&self.to_python())
        }
    }
}

impl<'de> Deserialize<'de> for Strategy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tree = or_text(deserializer)?;
        let strategy = match &tree.value {
            NodeValue::Text(text) => text.parse(),
            _ => raw::strategy(SourceText::none(), &tree),
        };
        strategy.map_err(serde::de::Error::custom)
    }
}
