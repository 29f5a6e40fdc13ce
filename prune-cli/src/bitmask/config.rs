//! The block that tells readers how weights are packed, in `config.json` or in a file's metadata.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::CONFIG;
use crate::error::Error;

/// The version of compressed-tensors whose layout this is.
const VERSION: &str = "0.12.2";

/// The longest `config.json` that is read.
const LONGEST: u64 = 16 << 20;

/// The block: which layers are packed, and how sparse the model is. `within` is what was there before.
pub(super) fn block(within: Option<&Value>, layers: &[String], sparsity: f64, structure: &str) -> Value {
    let targets: Vec<&str> = layers.iter().map(|name| name.strip_suffix(super::WEIGHT).unwrap_or(name)).collect();
    let mut block = within.and_then(Value::as_object).cloned().unwrap_or_default();
    block.entry("quant_method").or_insert_with(|| json!("compressed-tensors"));
    block.entry("version").or_insert_with(|| json!(VERSION));
    block.insert(
        "sparsity_config".to_owned(),
        json!({
            "format": "sparse-bitmask",
            "global_sparsity": sparsity,
            "sparsity_structure": structure,
            "targets": targets,
            "ignore": [],
        }),
    );
    Value::Object(block)
}

/// The block without what [`block`] added; `None` where nothing else is in it.
pub(super) fn without(within: &Value) -> Option<Value> {
    let mut block = within.as_object()?.clone();
    block.remove("sparsity_config");
    let ours = block.keys().all(|key| key == "quant_method" || key == "version");
    (!ours).then_some(Value::Object(block))
}

/// The `config.json` of a folder, where there is one.
pub(super) fn read(folder: &Path) -> Result<Option<Map<String, Value>>, Error> {
    let path = folder.join("config.json");
    let about = match fs::metadata(&path) {
        Ok(about) if about.is_file() => about,
        _ => return Ok(None),
    };
    let refuse = |why: String| Error::Companion { path: path.clone(), why };
    if about.len() > LONGEST {
        return Err(refuse(format!("{} bytes are too many for a configuration", about.len())));
    }
    let text = fs::read(&path).map_err(Error::read(&path))?;
    serde_json::from_slice(&text).map(Some).map_err(|error| refuse(format!("this is no configuration: {error}")))
}

/// A file's metadata as it was before [`super::pack_into`].
pub(super) fn plain_metadata(metadata: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut plain = metadata.clone();
    plain.remove(super::DENSE_HEADER);
    if let Some(text) = plain.remove(CONFIG)
        && let Ok(value) = serde_json::from_str::<Value>(&text)
        && let Some(rest) = without(&value)
    {
        plain.insert(CONFIG.to_owned(), rest.to_string());
    }
    plain
}
