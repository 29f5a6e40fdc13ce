//! Forward passes of masked copies while dense weights train.

use proptest::prelude::*;
use prune_core::Masks;
use prune_schedule::Evidence;

use crate::model::Model;
use crate::oracle::{unstructured, weights};
use crate::{Kept, densities, models, pruner};

fn as_kept(masks: &Masks) -> Kept {
    masks.iter().map(|(name, mask)| (name.to_owned(), mask.iter().collect())).collect()
}

proptest! {
    #[test]
    fn masks_are_of_the_weights_as_they_are(model in models(), density in densities(), global in any::<bool>(), last in 1u64..4) {
        let method = if global { "unstr_global" } else { "unstr_unified_local" };
        let mut dense = model;
        let mut pruner = pruner(&format!(
            "{{'1..={last}': {{'method': '{method}', 'density': {density}, 'straight_through': True}}}}"));
        let alive = Kept::new();
        let now = |model: &Model| {
            let scores = model.0.iter().map(|(name, _)| (name.clone(), weights(model, name).iter().map(|w| w.abs()).collect()));
            unstructured(model, density, global, &alive, &scores.collect())
        };
        pruner.check(&dense).unwrap();
        for epoch in 1..=last {
            for batch in 0..2 {
                let masks = pruner.forward_masks(&dense).unwrap();
                prop_assert_eq!(Some(as_kept(&masks)), now(&dense));
                dense.disturb(epoch * 10 + batch);
                // The dense weights are not held.
                let bits = dense.bits();
                pruner.hold(&mut dense).unwrap();
                prop_assert_eq!(dense.bits(), bits);
            }
            let (before, expected) = (dense.clone(), now(&dense));
            let report = pruner.end_epoch(epoch, &mut dense).unwrap().unwrap();
            prop_assert_eq!(Some(crate::kept(&pruner)), expected.clone());
            prop_assert_eq!(report.selected.asked, Some(report.selected.kept));
            // The weights are still dense within the range, and the report describes the weights.
            let non_zero = |name: &str| weights(&dense, name).iter().filter(|weight| **weight != 0.0).count();
            for layer in &report.layers {
                prop_assert_eq!(layer.counts.non_zero, non_zero(&layer.layer));
            }
            if epoch < last {
                prop_assert_eq!(dense.bits(), before.bits());
            } else {
                prop_assert_eq!(dense.bits(), crate::applied(&before, &expected.unwrap()).bits());
            }
        }
        // From then on the last masks are held; they equal those of the forward pass.
        dense.disturb(99);
        pruner.hold(&mut dense).unwrap();
        prop_assert_eq!(pruner.revivals(&dense).unwrap(), 0);
        prop_assert_eq!(&pruner.forward_masks(&dense).unwrap(), pruner.masks());
    }
}

#[test]
fn scores_that_need_evidence_are_given_it() {
    let dense = Model::of(&[("fc.weight", &[1, 3], &[3.0, 2.0, 1.0])]);
    let pruner =
        pruner("{'1..=2': {'method': 'unstr_global', 'density': 0.3, 'score': 'saliency', 'straight_through': True}}");
    assert!(pruner.forward_masks(&dense).unwrap_err().to_string().contains("`saliency` needs the layer's gradient"));
    let gradient = Model::of(&[("fc.weight", &[1, 3], &[0.0, 1.0, 3.0])]);
    let evidence = Evidence { gradients: Some(&gradient), ..Evidence::default() };
    let masks = pruner.forward_masks_with(&dense, evidence).unwrap();
    assert_eq!(as_kept(&masks)["fc.weight"], [false, false, true]);
}
