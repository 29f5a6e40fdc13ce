//! RigL on burn: it sees the dense gradient, its event replaces the step, and opened weights start at zero.

use burn::optim::AdamWConfig;
use prune_burn::{ModulePruner, StepAction};

use crate::nets::{Mlp, device, values};

#[test]
fn rigl_opens_where_the_dense_gradient_is_greatest() {
    let strategy = "{0: {'method': 'unstr_unified_local', 'density': 0.3},
                     '4..=40 steps': {'method': 'rigl', 'every': 4}}";
    let mut pruner = ModulePruner::new(strategy.parse().unwrap());
    let (mut model, mut optimizer) = (Mlp::new(8, &device()), AdamWConfig::new().init());
    pruner.check(&model).unwrap();
    (model, _) = pruner.start(model).unwrap();
    let (mut updates, mut moved) = (0, 0);
    for step in 1..=48 {
        let gradients = model.gradients(step);
        let dense = gradients.get::<2>(model.fc1.weight.id).unwrap().into_data().try_into_vec::<f32>().unwrap();
        let before = pruner.masks().get("fc1.weight").unwrap().clone();
        let weights = values(&model.fc1.weight);
        let (gradients, action) = pruner.before_step(&model, gradients).unwrap();
        // The last update of a cosine moves nothing, so it replaces no step.
        assert_eq!(action == StepAction::Replace, step % 4 == 0 && step < 40);
        if action == StepAction::Go {
            model = optimizer.step(0.01, model, gradients);
        }
        let report;
        (model, report) = pruner.after_step(model, &mut optimizer).unwrap();
        assert_eq!(report.is_some(), step % 4 == 0 && step <= 40);
        assert_eq!(pruner.revivals(&model).unwrap() + pruner.moment_revivals(&model, &optimizer).unwrap(), 0);
        let after = pruner.masks().get("fc1.weight").unwrap();
        assert_eq!(after.kept_len(), 36);
        if action == StepAction::Replace {
            updates += 1;
            let opened = after.difference(&before).unwrap();
            let closed = before.difference(after).unwrap();
            assert_eq!(opened.kept_len(), closed.kept_len());
            moved += opened.kept_len();
            // Of all closed weights, those with the greatest gradients are opened, and they start at zero.
            let least = opened.kept_indices().map(|i| dense[i].abs()).fold(f32::INFINITY, f32::min);
            let stayed = before.union(after).unwrap().complement();
            assert!(stayed.kept_indices().all(|i| dense[i].abs() <= least));
            let now = values(&model.fc1.weight);
            assert!(opened.kept_indices().all(|i| now[i].to_bits() == 0));
            // Nothing else has moved, since the update replaced the step.
            let same = before.intersection(after).unwrap();
            assert!(same.kept_indices().all(|i| now[i] == weights[i]));
        }
    }
    assert_eq!(updates, 9);
    assert!(moved > 20);
}
