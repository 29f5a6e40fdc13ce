//! The block that tells readers the packing of weights, in `config.json` or in a file's metadata.
//!
//! The block is put into the text and taken out again. Every other byte of the text stays, even if the text is not
//! strict JSON, as Python writes it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::{CONFIG, DENSE_CONFIG, DENSE_HEADER, DENSE_INDEX};
use crate::bitmask::object_text::ObjectText;
use crate::disk;
use crate::error::Error;

/// The version of compressed-tensors that has this layout.
const VERSION: &str = "0.12.2";

/// The longest `config.json` that is read.
const LONGEST: u64 = 16 << 20;

/// The member of the block about zeros.
const SPARSITY: &str = "sparsity_config";

/// The facts about a packed model that the block states.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PackedFacts {
    /// The names of the packed tensors.
    pub(super) packed: Vec<String>,
    /// The fraction of zeros among the numbers of the whole model.
    pub(super) sparsity: f64,
    /// True if every group of four along the last axis of each packed tensor has two zeros.
    pub(super) two_of_four: bool,
}

impl PackedFacts {
    fn sparsity_config(&self) -> Value {
        let targets: Vec<&str> =
            self.packed.iter().map(|name| name.strip_suffix(super::WEIGHT).unwrap_or(name)).collect();
        json!({
            "format": "sparse-bitmask",
            "global_sparsity": self.sparsity,
            "sparsity_structure": if self.two_of_four { "2:4" } else { "unstructured" },
            "targets": targets,
            "ignore": [],
        })
    }

    /// The block. `within` is the earlier block in its place; a block of another program keeps all its other members.
    pub(super) fn block(&self, within: Option<&str>) -> String {
        match within.map(ObjectText::parse) {
            Some(Ok(object)) => object.with(SPARSITY, &pretty(&self.sparsity_config())),
            _ => pretty(&json!({
                "quant_method": "compressed-tensors",
                "version": VERSION,
                SPARSITY: self.sparsity_config(),
            })),
        }
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

/// The block without its member about zeros; `None` if nothing else is left.
fn without(block: &str) -> Option<String> {
    let object = ObjectText::parse(block).ok()?;
    let ours = object.names().all(|name| [SPARSITY, "quant_method", "version"].contains(&name));
    (!ours).then(|| object.without(SPARSITY))
}

/// The text of a folder's `config.json`, if there is one.
pub(super) fn read(folder: &Path) -> Result<Option<String>, Error> {
    let path = folder.join("config.json");
    let about = disk::stat_if_there(&path).map_err(Error::read(&path))?;
    let Some(about) = about.filter(std::fs::Metadata::is_file) else { return Ok(None) };
    let refuse = |why: String| Error::Companion { path: path.clone(), why };
    if about.len() > LONGEST {
        return Err(refuse(format!("{} bytes are too many for a configuration", about.len())));
    }
    let bytes = disk::read(&path).map_err(Error::read(&path))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| refuse("this is no configuration: it is not UTF-8; save it as UTF-8".to_owned()))?;
    match ObjectText::parse(&text) {
        Ok(_) => Ok(Some(text)),
        Err(why) => Err(refuse(format!("this is no configuration: {why}"))),
    }
}

/// The text of a configuration with the block, and the earlier text in its place, which may be empty.
pub(super) fn with_block(text: &str, described: &PackedFacts) -> (String, String) {
    let Ok(object) = ObjectText::parse(text) else { return (text.to_owned(), String::new()) };
    let within = object.get(CONFIG);
    (object.with(CONFIG, &described.block(within)), within.unwrap_or_default().to_owned())
}

/// The text of a configuration without the block. `before` is the earlier text that [`with_block`] returned, if it is
/// known.
pub(super) fn without_block(text: &str, before: Option<&str>) -> String {
    let Ok(object) = ObjectText::parse(text) else { return text.to_owned() };
    let Some(block) = object.get(CONFIG) else { return text.to_owned() };
    let before = before.map(|before| (!before.is_empty()).then(|| before.to_owned()));
    match before.unwrap_or_else(|| without(block)) {
        Some(rest) => object.with(CONFIG, &rest),
        None => object.without(CONFIG),
    }
}

/// A file's metadata before [`super::pack_into`], as far as the present metadata tells.
pub(super) fn plain_metadata(metadata: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut plain = metadata.clone();
    [DENSE_HEADER, DENSE_CONFIG, DENSE_INDEX].iter().for_each(|own| drop(plain.remove(*own)));
    if let Some(text) = plain.remove(CONFIG)
        && ObjectText::parse(&text).is_ok()
        && let Some(rest) = without(&text)
    {
        plain.insert(CONFIG.to_owned(), rest);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> PackedFacts {
        PackedFacts { packed: vec!["a.weight".to_owned()], sparsity: 0.5, two_of_four: true }
    }

    /// A block is put in and taken out, for every kind of earlier block.
    #[test]
    fn every_byte_outside_the_block_comes_back() {
        for text in [
            "{}",
            "{ }\n",
            "{\"z\": 1, \"a\": NaN}",
            "\u{feff}{\r\n  \"rope\": -Infinity,\r\n\t\"a\" :[ 1,2 ]\r\n}\r\n",
            "{\n  \"quantization_config\": null,\n  \"b\": Infinity\n}",
            "{\n  \"quantization_config\": {\n    \"quant_method\": \"gptq\"\n  }\n}",
            "{\"quantization_config\": {\"sparsity_config\": {\"format\": \"dense\"}, \"quant_method\": \"x\"}, \"b\": 1}",
            "{\"quantization_config\": {\"quant_method\": \"compressed-tensors\", \"version\": \"1\"}}",
        ] {
            let (with, before) = with_block(text, &described());
            let whole = ObjectText::parse(&with).expect("an object");
            let block = ObjectText::parse(whole.get(CONFIG).expect("the block")).expect("an object");
            let sparsity: Value = serde_json::from_str(block.get(SPARSITY).expect("its member")).expect("JSON");
            assert_eq!(sparsity["global_sparsity"], 0.5, "{with}");
            assert_eq!((&sparsity["sparsity_structure"], &sparsity["targets"][0]), (&json!("2:4"), &json!("a")));
            assert_eq!(without_block(&with, Some(&before)), text);
        }
    }

    /// For blocks of other programs the earlier text is unknown.
    #[test]
    fn blocks_of_others_lose_what_is_about_zeros() {
        let sparse = "{\"a\": 1, \"quantization_config\": {\"sparsity_config\": {}, \"quant_method\": \"x\"}}";
        assert_eq!(without_block(sparse, None), "{\"a\": 1}");
        let both = "{\"quantization_config\": {\"config_groups\": {}, \"sparsity_config\": {}}}";
        assert_eq!(without_block(both, None), "{\"quantization_config\": {\"config_groups\": {}}}");
    }
}
