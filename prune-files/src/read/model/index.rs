//! `model.safetensors.index.json`, which maps tensors to shards.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::Deserialize;

use crate::error::IndexProblem;
use crate::text::texts::Texts;

/// The longest index that is read; real ones have about a hundred bytes a tensor.
pub(super) const LONGEST: u64 = 100_000_000;

#[derive(Deserialize)]
struct RawIndex {
    weight_map: Texts,
}

/// Tensors with the file names of their shards.
pub(crate) fn parse(text: &[u8]) -> Result<BTreeMap<String, String>, IndexProblem> {
    let index: RawIndex = serde_json::from_slice(text).map_err(|error| {
        let why = prune_core::printable(&error.to_string()).chars().take(200).collect();
        IndexProblem::Unreadable { why }
    })?;
    let Texts(map) = index.weight_map;
    if map.is_empty() {
        return Err(IndexProblem::Empty);
    }
    match map.values().find(|shard| !is_plain(shard)) {
        Some(shard) => Err(IndexProblem::Path { shard: shard.clone() }),
        None => Ok(map),
    }
}

/// True if a name is that of a file in the same folder, on any system, and not hidden.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
        && !name.contains(['/', '\\', ':', '\0'])
        && !name.starts_with('.')
        && name.len() <= 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_shards() {
        for bad in ["", ".", "..", "../x", "a/b", "/etc/passwd", "a/", "./a", "C:a", "a\\b", ".hidden", "x\0y"] {
            assert!(!is_plain(bad), "{bad:?}");
            let text = serde_json::json!({ "weight_map": { "fc": bad } }).to_string();
            assert_eq!(parse(text.as_bytes()), Err(IndexProblem::Path { shard: bad.to_owned() }));
        }
        assert!(is_plain("model-00001-of-00002.safetensors"));
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"weight_map": 3}"#,
            r#"{"weight_map": {"a": 3}}"#,
            r#"{"weight_map": {"a": "x", "a": "y"}}"#,
        ] {
            assert!(matches!(parse(bad.as_bytes()), Err(IndexProblem::Unreadable { .. })), "{bad}");
        }
        assert_eq!(parse(br#"{"weight_map": {}}"#), Err(IndexProblem::Empty));
        let deep = "[".repeat(1_000_000);
        assert!(matches!(parse(deep.as_bytes()), Err(IndexProblem::Unreadable { .. })));
    }
}
