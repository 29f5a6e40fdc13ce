//! Rankings within each output, and within any index of an axis.

use proptest::prelude::*;

use crate::oracle::{self, best, count, prunable, things, weights};
use crate::{Kept, agrees, densities, earlier, ended, kept, models, models_of, prepared};

/// Each index of an axis keeps the best of its weights; `None` if one has too few alive.
fn each_index(
    model: &crate::model::Model,
    density: f64,
    axis: impl Fn(&str, usize) -> usize,
    alive: &Kept,
) -> Option<Kept> {
    let mut chosen = Vec::new();
    for name in prunable(model) {
        let shape = model.shape(&name);
        let axis = axis(&name, shape.len());
        let magnitudes: Vec<f64> = weights(model, &name).iter().map(|weight| weight.abs()).collect();
        for index in 0..shape[axis] {
            let mut of_index = things(&name, &magnitudes, alive);
            of_index.retain(|(_, _, element)| oracle::place(*element, &shape)[axis] == index);
            let asked = count(density, magnitudes.len() / shape[axis]);
            if asked > of_index.len() {
                return None;
            }
            chosen.extend(best(of_index, asked));
        }
    }
    Some(oracle::masks(model, &prunable(model), chosen))
}

proptest! {
    #[test]
    fn each_output_by_itself(mut model in models_of(&["fc.weight", "Conv_1-kernel", "conv.weight", "Dense_0-kernel"]),
                             earlier in earlier(), density in densities()) {
        let event = format!("'method': 'unstr_unified_local', 'density': {density}, 'ranking': 'output'");
        let mut pruner = prepared(earlier, &event, &mut model);
        let (before, alive) = (model.clone(), kept(&pruner));
        let axis = |name: &str, rank: usize| if name.ends_with("kernel") { rank - 1 } else { 0 };
        let expected = each_index(&before, density, axis, &alive);
        let outcome = ended(&mut pruner, &mut model, crate::Evidence::default());
        agrees(outcome, &pruner, &before, &model, &alive, expected)?;
    }

    #[test]
    fn each_index_of_a_given_axis(mut model in models(), earlier in earlier(), density in densities(), axis in -2isize..2) {
        let event =
            format!("'method': 'unstr_unified_local', 'density': {density}, 'ranking': 'output', 'axis': {axis}");
        let mut pruner = prepared(earlier, &event, &mut model);
        let (before, alive) = (model.clone(), kept(&pruner));
        let axis = |_: &str, rank: usize| axis.rem_euclid(rank as isize).unsigned_abs();
        let expected = each_index(&before, density, axis, &alive);
        let outcome = ended(&mut pruner, &mut model, crate::Evidence::default());
        agrees(outcome, &pruner, &before, &model, &alive, expected)?;
    }
}
