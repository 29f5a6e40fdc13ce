//! Goes on from a sparse checkpoint without masks.

use prune_core::{LayerRef, Masks};
use prune_schedule::Pruner;

use crate::model::Model;
use crate::{ended, pruner};

/// A dense layer, one pruned to a tenth, one that is entirely zero, and a bias of zeros.
fn checkpoint() -> Model {
    let mut model = Model::seeded(&[("d", &[10, 10]), ("s", &[10, 10]), ("new", &[4, 4]), ("s-bias", &[10])], 7);
    model.get_mut("s").values_mut().iter_mut().enumerate().filter(|(i, _)| i % 10 != 3).for_each(|(i, value)| {
        *value = if i % 2 == 0 { 0.0 } else { -0.0 };
    });
    for zero in ["new", "s-bias"] {
        model.get_mut(zero).values_mut().fill(0.0);
    }
    model
}

#[test]
fn masks_of_zeros_keep_a_checkpoint_sparse() {
    let mut model = checkpoint();
    let found = Masks::from_zeros(&model).unwrap();
    assert_eq!(found.masks.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["s"]);
    assert_eq!(found.open.iter().map(|open| open.layer.as_str()).collect::<Vec<_>>(), ["new"]);

    let strategy = "{3: {'method': 'unstr_local', 'density': {'s': 0.05}}}";
    let mut pruner = Pruner::with_masks(strategy.parse().unwrap(), found.masks);
    assert_eq!(pruner.check(&model).unwrap(), []);
    for epoch in 1..=3 {
        model.disturb(epoch);
        pruner.hold(&mut model).unwrap();
        let non_zero = |name: &str| LayerRef::of(model.get(name)).non_zero_len().unwrap();
        assert_eq!((non_zero("s"), non_zero("d")), (10, 100));
        if epoch < 3 {
            assert!(pruner.end_epoch(epoch, &mut model).unwrap().is_none());
        }
    }
    let report = ended(&mut pruner, 3, &mut model);
    assert_eq!((report.selected.kept, report.selected.closed, report.selected.newly_pruned), (5, 5, 5));
}

#[test]
fn a_mostly_zero_layer_without_a_mask_is_warned_of() {
    let mut model = checkpoint();
    let mut pruner = pruner("{3: {'method': 'unstr_local', 'density': {'d': 0.5}}}");
    let warnings: Vec<String> = pruner.check(&model).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["layer `s`: 90 of 100 are zero, but it has no mask and training will fill it; `Masks::from_zeros` makes one"]
    );
    // Exactly half of a layer is not most of it.
    ended(&mut pruner, 3, &mut model);
    let half = LayerRef::of(model.get("d")).non_zero_len().unwrap();
    assert_eq!(half, 50);
    let masks = Masks::from_zeros(&model).unwrap().masks;
    let one = [("s".to_owned(), masks.get("s").unwrap().clone())].into_iter().collect();
    assert_eq!(Pruner::with_masks("{}".parse().unwrap(), one).check(&model).unwrap(), []);
}
