//! Facts about a model that its `config.json` states.

use std::collections::BTreeMap;

use serde_json::Value;

/// The keys that name the kind of a model: transformers, diffusers, timm.
const KINDS: [&str; 3] = ["model_type", "_class_name", "architecture"];

/// The depth to which nested configurations are read. A model of several parts has one configuration for each, and
/// parts can have parts.
const DEPTH: usize = 8;

/// Facts about a model that its `config.json` states: its kind, and the sizes of its parts.
///
/// # Examples
///
/// ```
/// use prune_schedule::names::ModelFacts;
///
/// let facts = ModelFacts::from_config("{\"model_type\": \"gpt2\", \"n_embd\": 768, \"scale\": NaN}");
/// assert_eq!(facts.and_then(|facts| facts.model_type().map(str::to_owned)), Some("gpt2".to_owned()));
/// assert_eq!(ModelFacts::from_config("not JSON"), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelFacts {
    kinds: Vec<String>,
    sizes: BTreeMap<String, Vec<usize>>,
}

impl ModelFacts {
    /// Facts that say nothing.
    pub fn unknown() -> Self {
        Self::default()
    }

    /// Facts that say only the kind of model.
    pub fn of_type(model_type: impl Into<String>) -> Self {
        ModelFacts { kinds: vec![model_type.into()], sizes: BTreeMap::new() }
    }

    /// The facts that the text of a `config.json` states, including those of its parts (`text_config`, `vision_config`,
    /// ..); `None` if the text is not a JSON object.
    ///
    /// A byte-order mark is skipped, and `NaN`, `Infinity` and `-Infinity`, which Python writes, are read as null.
    pub fn from_config(text: &str) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let config: Value =
            serde_json::from_str(text).or_else(|_| serde_json::from_str(&without_bare_words(text))).ok()?;
        config.is_object().then(|| {
            let mut facts = Self::unknown();
            facts.gather(&config, DEPTH);
            facts
        })
    }

    fn gather(&mut self, config: &Value, depth: usize) {
        let Some(object) = config.as_object() else { return };
        for key in KINDS {
            if let Some(kind) = object.get(key).and_then(Value::as_str)
                && !self.kinds.iter().any(|known| known == kind)
            {
                self.kinds.push(kind.to_owned());
            }
        }
        for (key, value) in object {
            if let Some(size) = value.as_u64().and_then(|size| usize::try_from(size).ok()) {
                self.sizes.entry(key.clone()).or_default().push(size);
            } else if depth > 0 {
                self.gather(value, depth - 1);
            }
        }
    }

    /// The kind of model: the `model_type` of transformers, `_class_name` of diffusers or `architecture` of timm. For a
    /// model with parts, the kind of the whole.
    pub fn model_type(&self) -> Option<&str> {
        self.kinds.first().map(String::as_str)
    }

    /// True if the model, or a part of it, is of this kind.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.kinds.iter().any(|known| known == kind)
    }

    /// True if the model or a part of it states a size of this name with this value.
    pub(super) fn states(&self, key: &str, size: usize) -> bool {
        self.sizes.get(key).is_some_and(|sizes| sizes.contains(&size))
    }

    /// True if a size of this name has this value, and no other size has it.
    pub(super) fn states_only(&self, key: &str, size: usize) -> bool {
        self.states(key, size) && self.sizes.iter().all(|(other, sizes)| other.contains(key) || !sizes.contains(&size))
    }
}

/// The text with `NaN`, `Infinity` and `-Infinity` outside strings replaced by null.
fn without_bare_words(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = if first == '"' {
            string_len(rest)
        } else if let Some(word) = ["NaN", "-Infinity", "Infinity"].iter().find(|word| rest.starts_with(**word)) {
            plain.push_str("null");
            rest = &rest[word.len()..];
            continue;
        } else {
            first.len_utf8()
        };
        plain.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    plain
}

/// The length of the string at the start of a text, including its quotes; the length of the text if the string does not
/// end.
fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(text: &str) -> ModelFacts {
        ModelFacts::from_config(text).unwrap_or_else(|| panic!("{text} is read"))
    }

    #[test]
    fn what_python_writes_is_read() {
        let text = "\u{feff}{\"a\": NaN, \"b\": [-Infinity, Infinity], \"model_type\": \"a NaN \\\" Infinity\", \"n_embd\": 64}";
        let facts = facts(text);
        assert_eq!(facts.model_type(), Some("a NaN \" Infinity"));
        assert!(facts.states("n_embd", 64) && !facts.states("n_embd", 65));
    }

    #[test]
    fn parts_are_read_and_the_whole_comes_first() {
        let text =
            "{\"text_config\": {\"model_type\": \"part\", \"hidden_size\": 64}, \"model_type\": \"whole\", \"dim\": 8}";
        let facts = facts(text);
        assert_eq!(facts.model_type(), Some("whole"));
        assert!(facts.is("part") && facts.is("whole") && !facts.is("hidden_size"));
        assert!(facts.states("hidden_size", 64) && facts.states("dim", 8));
    }

    #[test]
    fn other_texts_are_no_facts() {
        for text in ["", "[]", "{", "null", "{\"a\": nan}", "\u{feff}", "{\"a\": \"", "{\"a\": NaN"] {
            assert_eq!(ModelFacts::from_config(text), None, "{text}");
        }
    }

    #[test]
    fn deep_texts_are_no_trouble() {
        let deep = "{\"a\":".repeat(100) + "{}" + &"}".repeat(100);
        assert_eq!(facts(&deep), ModelFacts::unknown());
    }
}
