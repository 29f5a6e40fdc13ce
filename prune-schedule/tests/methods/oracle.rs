//! The plain method: sort everything, keep the first.

use std::collections::BTreeMap;

use crate::Kept;
use crate::model::{Model, shape};

/// The kept count of `n` things by rule 1.
pub(crate) fn count(density: f64, n: usize) -> usize {
    let exact = density * n as f64;
    let rounded = if exact - exact.floor() >= 0.5 { exact.floor() + 1.0 } else { exact.floor() };
    if n == 0 { 0 } else { (rounded as usize).clamp(1, n) }
}

/// One thing to be ranked: a score, the layer, its index there.
pub(crate) type Thing = (f64, String, usize);

/// The best things in the one order: higher first, then the smaller name, then the lower index.
pub(crate) fn best(mut things: Vec<Thing>, kept: usize) -> Vec<(String, usize)> {
    // Adding zero turns -0.0 into 0.0.
    things.sort_by(|a, b| (b.0 + 0.0).total_cmp(&(a.0 + 0.0)).then_with(|| (&a.1, a.2).cmp(&(&b.1, b.2))));
    things.into_iter().take(kept).map(|(_, name, index)| (name, index)).collect()
}

/// The layers that an event without a table selects, in the model's order.
pub(crate) fn prunable(model: &Model) -> Vec<String> {
    model.0.iter().filter(|(_, tensor)| shape(tensor).len() >= 2).map(|(name, _)| name.clone()).collect()
}

pub(crate) fn weights(model: &Model, name: &str) -> Vec<f64> {
    model.get(name).values().iter().map(|&value| f64::from(value)).collect()
}

pub(crate) fn is_alive(alive: &Kept, name: &str, index: usize) -> bool {
    alive.get(name).is_none_or(|alive| alive[index])
}

/// The things of a layer that can be ranked, with their scores.
pub(crate) fn things(name: &str, scores: &[f64], alive: &Kept) -> Vec<Thing> {
    let each = scores.iter().enumerate().filter(|(index, _)| is_alive(alive, name, *index));
    each.map(|(index, &score)| (score, name.to_owned(), index)).collect()
}

/// The masks of these layers for the chosen things.
pub(crate) fn masks(model: &Model, layers: &[String], chosen: Vec<(String, usize)>) -> Kept {
    let mut kept: Kept =
        layers.iter().map(|name| (name.clone(), vec![false; model.get(name).values().len()])).collect();
    for (name, index) in chosen {
        kept.get_mut(&name).unwrap()[index] = true;
    }
    kept
}

/// The best of each layer by count; `None` if too few are alive.
pub(crate) fn local(
    model: &Model,
    layers: &[String],
    kept: impl Fn(&str) -> usize,
    alive: &Kept,
    scores: &BTreeMap<String, Vec<f64>>,
) -> Option<Kept> {
    let mut chosen = Vec::new();
    for name in layers {
        let things = things(name, &scores[name], alive);
        if kept(name) > things.len() {
            return None;
        }
        chosen.extend(best(things, kept(name)));
    }
    Some(masks(model, layers, chosen))
}

/// The same density in each layer, or over all layers ranked together.
pub(crate) fn unstructured(
    model: &Model,
    density: f64,
    global: bool,
    alive: &Kept,
    scores: &BTreeMap<String, Vec<f64>>,
) -> Option<Kept> {
    let layers = prunable(model);
    if !global {
        return local(model, &layers, |name| count(density, model.get(name).values().len()), alive, scores);
    }
    let all = layers.iter().map(|name| model.get(name).values().len()).sum();
    let things: Vec<Thing> = layers.iter().flat_map(|name| things(name, &scores[name], alive)).collect();
    let kept = count(density, all);
    (kept <= things.len()).then(|| masks(model, &layers, best(things, kept)))
}

/// The position along each axis of an index in row-major order.
pub(crate) fn place(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut place = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        place[axis] = index % shape[axis];
        index /= shape[axis];
    }
    place
}
