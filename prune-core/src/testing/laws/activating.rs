//! Laws of activations: each sample is pruned alone, and gradient passes where the mask keeps.

use proptest::prelude::*;

use super::{bits_of, failed, logical_bits, nameless, same_elements, same_refusal, scores, small, with_nan};
use crate::activation::{ActivationPruner, ActivationRule};
use crate::key::RankBy;
use crate::testing::conformance::{Suite, for_all};
use crate::testing::generators::{densities, patterns};
use crate::testing::oracle::{self, Refusal, index_of};

/// `prune_act_unstruct` prunes a copy: the original stays as it was, to the bit. A backend whose `clone` is a handle
/// to the same memory must override `LendMut::duplicate`, or `TensorMut::duplicate` if it owns the type.
pub fn activations_are_pruned_in_a_copy(suite: &Suite) {
    let cases = (small(suite), densities());
    for_all("activations_are_pruned_in_a_copy", cases, |((shape, data), density)| {
        let tensor = suite.tensor(&shape, &data);
        let (pruned, mask) = tensor.prune_act_unstruct(density).map_err(failed)?;
        prop_assert_eq!(logical_bits(&tensor.layer())?, bits_of(&data));
        let wanted: Vec<u64> =
            data.iter().zip(mask.iter()).map(|(value, kept)| if kept { value.low_bits() } else { 0 }).collect();
        prop_assert_eq!(logical_bits(&pruned.layer())?, wanted);
        Ok(())
    });
}

/// `prune_act_unstruct` and `prune_act_struct` do to a copy the same as pruning in place: the density at each index
/// of axis 0, or N:M along the last axis. A NaN is named before anything is written.
pub fn activations_are_pruned_sample_by_sample(suite: &Suite) {
    let cases = (with_nan(suite), densities(), patterns(), any::<bool>());
    for_all("activations_are_pruned_sample_by_sample", cases, |((shape, data), density, pattern, grouped)| {
        let rule = if grouped { ActivationRule::Nm(pattern) } else { ActivationRule::Unstructured(density) };
        let mut pruner = ActivationPruner::new(rule);
        let mut tensor = suite.tensor(&shape, &data);
        match (pruner.prune(tensor.layer_mut()), by_definition(rule, &shape, &scores(&data))) {
            (Ok(report), Ok(kept)) => {
                prop_assert_eq!(pruner.mask().shape(), &shape[..]);
                same_elements(pruner.mask(), &kept)?;
                let count = kept.iter().filter(|&&kept| kept).count();
                prop_assert_eq!((report.elements, report.asked, report.kept), (data.len(), count, count));
                let wanted: Vec<u64> =
                    data.iter().zip(&kept).map(|(value, &kept)| if kept { value.low_bits() } else { 0 }).collect();
                prop_assert_eq!(logical_bits(&tensor.layer())?, wanted.clone());
                let mut gradient = suite.tensor(&shape, &data);
                pruner.mask_gradient(gradient.layer_mut()).map_err(failed)?;
                prop_assert_eq!(logical_bits(&gradient.layer())?, wanted);
            }
            (Err(got), Err(wanted)) => {
                same_refusal(&got, &wanted)?;
                prop_assert!(pruner.mask().is_empty());
                prop_assert_eq!(logical_bits(&tensor.layer())?, bits_of(&data));
            }
            (got, wanted) => return Err(TestCaseError::fail(format!("got {got:?} where the oracle has {wanted:?}"))),
        }
        Ok(())
    });
}

/// The kept activations; a tensor of rank 0 or 1 is one sample.
fn by_definition(rule: ActivationRule, shape: &[usize], scores: &[f64]) -> Result<Vec<bool>, Refusal> {
    if let Some(first) = scores.iter().position(|score| score.is_nan()) {
        return Err(Refusal::Nan { layer: String::new(), index: index_of(first, shape) });
    }
    match rule {
        ActivationRule::Nm(pattern) => {
            let one = [1];
            let layer = nameless(if shape.is_empty() { &one } else { shape }, scores, None);
            oracle::n_m(layer, pattern.n(), pattern.m(), -1, RankBy::Magnitude).map(|answer| answer.kept)
        }
        ActivationRule::Unstructured(density) => {
            let samples = if shape.len() < 2 { 1 } else { shape[0] };
            let mut kept = Vec::with_capacity(scores.len());
            for sample in scores.chunks((scores.len() / samples.max(1)).max(1)) {
                let layer = nameless(&[], sample, None);
                kept.extend(oracle::unstructured(layer, density.get(), RankBy::Magnitude)?.kept);
            }
            Ok(kept)
        }
    }
}
