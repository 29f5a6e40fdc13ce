//! Facts about a model that its `config.json` states.

use std::collections::BTreeMap;

use serde_json::Value;

/// The keys that name the kind of a model: transformers, diffusers, timm.
const KINDS: [&str; 3] = ["model_type", "_class_name", "architecture"];

/// How deep configurations are nested: a model of several has one for each part, which may itself have parts.
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
    /// Nothing is known.
    pub fn unknown() -> Self {
        Self::default()
    }

    /// Nothing is known but the kind of model.
    pub fn of_type(model_type: impl Into<String>) -> Self {
        ModelFacts { kinds: vec![model_type.into()], sizes: BTreeMap::new() }
    }

    /// The facts that the text of a `config.json` states, those of its parts (`text_config`, `vision_config`, ..)
    /// included; `None` where the text is no JSON object.
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

    /// The kind of model: the `model_type` of transformers, `_class_name` of diffusers or `architecture` of timm. Of a
    /// model with parts, that of the whole.
    pub fn model_type(&self) -> Option<&str> {
        self.kinds.first().map(String::as_str)
    }

    /// Whether the model, or a part of it, is of this kind.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.kinds.iter().any(|known| known == kind)
    }

    /// Whether a size of this name is stated with this value, for the model or a part of it.
    pub(super) fn states(&self, key: &str, size: usize) -> bool {
        self.sizes.get(key).is_some_and(|sizes| sizes.contains(&size))
    }
}

/// The text with `NaN`, `Infinity` and `-Infinity` outside strings as null.
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

/// The length of the string that a text begins with, quotes included; all of it where the string does not end.
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
