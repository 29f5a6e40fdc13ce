//! Reads cases, a JSON document a line, and prints the masks that a strategy's event before training makes for each.
//! `tests/peers/methods.py` compares them with numpy and torch.
//!
//! ```text
//! {"strategy": "{0: ..}", "layers": [{"name": "fc.weight", "shape": [1, 2], "values": [0.5, -1.0]}],
//!  "gradients": [[..], ..], "inputs": [..]}
//! ```
//!
//! `gradients` are batches of layers, `inputs` the norms of the layers' inputs; both may be left out. The answer to a
//! case is `{"fc.weight": [1]}`, the indices kept of each layer with a mask, or `{"error": ".."}`.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, Write};

use prune_core::{LayerMut, LayerRef, PlainTensor};
use prune_schedule::{Evidence, Inputs, Pruner};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    strategy: String,
    layers: Vec<Layer>,
    #[serde(default)]
    gradients: Vec<Vec<Layer>>,
    #[serde(default)]
    inputs: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Layer {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

type Named = Vec<(String, PlainTensor<f32>)>;

fn tensors(layers: Vec<Layer>) -> Result<Named, prune_core::Error> {
    layers.into_iter().map(|layer| Ok((layer.name, PlainTensor::from_logical(&layer.shape, layer.values)?))).collect()
}

fn lend(named: &Named) -> Vec<(&str, LayerRef<'_>)> {
    named.iter().map(|(name, tensor)| (name.as_str(), LayerRef::of(tensor))).collect()
}

fn masks(case: Case) -> Result<BTreeMap<String, Vec<usize>>, Box<dyn Error>> {
    let mut pruner = Pruner::new(case.strategy.parse()?);
    for batch in case.gradients {
        pruner.observe(&lend(&tensors(batch)?))?;
    }
    let (mut model, inputs) = (tensors(case.layers)?, tensors(case.inputs)?);
    let mut layers: Vec<(&str, LayerMut<'_>)> =
        model.iter_mut().map(|(name, tensor)| (name.as_str(), LayerMut::of(tensor))).collect();
    pruner.check(&layers)?;
    let inputs = lend(&inputs);
    pruner.end_epoch_with(0, &mut layers, Evidence { inputs: Some(Inputs::Norms(&inputs)), ..Evidence::default() })?;
    Ok(pruner.masks().iter().map(|(name, mask)| (name.to_owned(), mask.kept_indices().collect())).collect())
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Masks(BTreeMap<String, Vec<usize>>),
    Refused { error: String },
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = match masks(serde_json::from_str(&line?)?) {
            Ok(masks) => Answer::Masks(masks),
            Err(error) => Answer::Refused { error: error.to_string() },
        };
        serde_json::to_writer(&mut out, &answer)?;
        writeln!(out)?;
    }
    Ok(())
}
