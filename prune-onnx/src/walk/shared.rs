//! Matrices that several nodes read. They are tied together, or copied if that frees more than it costs.

use std::collections::HashMap;

use prune_core::Density;
use prune_graph::Choice;

use crate::analysis::{Analysis, is_vector};
use crate::model::Model;

/// The most shared matrices that are tried; the rest are taken as tied. Each costs a walk.
const MOST_TRIED: usize = 32;

/// Floating constants that several nodes read and that are no vectors. The largest come first.
pub(super) fn candidates<'m>(model: &'m Model, analysis: &Analysis<'m>) -> Vec<&'m str> {
    let mut readers: HashMap<&str, usize> = HashMap::new();
    for name in model.graph().nodes().iter().flat_map(|node| node.inputs()) {
        *readers.entry(name).or_default() += 1;
    }
    let shared = analysis.constants.iter().filter(|(name, constant)| {
        let tensor = constant.tensor;
        tensor.data_type().is_floating() && !is_vector(tensor) && readers.get(*name).is_some_and(|&count| count > 1)
    });
    let mut found: Vec<(usize, &'m str)> = shared.map(|(&name, constant)| (constant.tensor.elements(), name)).collect();
    found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    found.truncate(MOST_TRIED);
    found.into_iter().map(|(_, name)| name).collect()
}

/// The parameters left, copies included, if each family loses half of its classes.
pub(super) fn left_of_half(analysis: &Analysis<'_>) -> u128 {
    let Ok(half) = Density::new(0.5) else { return u128::MAX };
    let scores = vec![0.0; analysis.classes.bound()];
    analysis.parameters(&Choice::local(half).choose(&analysis.classes, &scores))
}
