//! Masks as reparameterisations within the module.

use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams, LBFGSConfig, MuonConfig};
use prune_burn::{ModulePruner, PruneMask};

use crate::nets::{Mlp, Zoo, device, filled, values};

const TWICE: &str = "{1: {'method': 'unstr_global', 'density': 0.5}, 2: {'method': 'unstr_global', 'density': 0.2}}";

#[test]
fn later_events_replace_the_mask_that_burn_would_keep() {
    let mut pruner = ModulePruner::new(TWICE.parse().unwrap()).with_masks_in_module();
    let (mut model, mut optimizer) = (Mlp::new(4, &device()), AdamWConfig::new().init());
    pruner.check(&model).unwrap();
    for (epoch, kept) in [(1, 90), (2, 36)] {
        for batch in 0..5 {
            let gradients = model.gradients(epoch * 100 + batch);
            (model, _) = pruner.step(0.01, model, gradients, &mut optimizer).unwrap();
            assert_eq!(pruner.revivals(&model).unwrap() + pruner.moment_revivals(&model, &optimizer).unwrap(), 0);
        }
        (model, _) = pruner.end_epoch(epoch, model, &mut optimizer).unwrap();
        assert!(model.fc1.weight.reparameterization::<PruneMask>().is_some());
        let used = [values(&model.fc1.weight), values(&model.fc2.weight)].concat();
        assert_eq!(used.iter().filter(|weight| **weight != 0.0).count(), kept);
    }
    // The base, which the optimiser moves, is zero as well.
    let base = model.fc1.weight.base().into_data().try_into_vec::<f32>().unwrap();
    assert_eq!(base, values(&model.fc1.weight));
}

/// The weights equal those with held gradients: the place of the masks makes no difference.
#[test]
fn weights_are_those_of_a_pruner_that_holds() {
    let run = |within: bool| {
        let mut pruner = ModulePruner::new(TWICE.parse().unwrap());
        pruner = if within { pruner.with_masks_in_module() } else { pruner };
        let (mut model, mut optimizer) = (Mlp::new(4, &device()), AdamWConfig::new().init());
        for epoch in 1..=3 {
            for batch in 0..5 {
                let gradients = model.gradients(epoch * 100 + batch);
                (model, _) = pruner.step(0.01, model, gradients, &mut optimizer).unwrap();
            }
            (model, _) = pruner.end_epoch(epoch, model, &mut optimizer).unwrap();
        }
        model
    };
    let (within, held) = (run(true).materialize(), run(false));
    assert_eq!(values(&within.fc1.weight), values(&held.fc1.weight));
    assert_eq!(values(&within.fc2.weight), values(&held.fc2.weight));
    assert!(within.fc1.weight.reparameterization::<PruneMask>().is_none());
}

#[test]
fn every_rank_and_layout_is_masked_in_a_forward_pass() {
    let mut pruner = ModulePruner::new("{0: {'method': 'unstr_unified_local', 'density': 0.3}}".parse().unwrap());
    let (held, _) = pruner.start(Zoo::new(6)).unwrap();
    let mut pruner = ModulePruner::new("{0: {'method': 'unstr_unified_local', 'density': 0.3}}".parse().unwrap())
        .with_masks_in_module();
    let (within, _) = pruner.start(Zoo::new(6)).unwrap();
    assert_eq!(values(&within.conv.weight), values(&held.conv.weight));
    assert_eq!(values(&within.column.weight), values(&held.column.weight));
    assert_eq!(values(&within.own), values(&held.own));
    let input = filled(1, [2, 3, 6, 5], &device());
    let output = |zoo: &Zoo| zoo.up.forward(zoo.conv.forward(input.clone())).into_data();
    assert_eq!(output(&within), output(&held));
}

/// A product would turn an infinity into NaN and a negative weight into -0.0.
#[test]
fn a_mask_selects_and_does_not_multiply() {
    let mut pruner =
        ModulePruner::new("{0: {'method': 'unstr_global', 'density': 0.5}}".parse().unwrap()).with_masks_in_module();
    let (model, _) = pruner.start(Mlp::new(4, &device())).unwrap();
    struct Spoil;
    impl burn::module::ModuleMapper for Spoil {
        fn map_float<const D: usize>(
            &mut self,
            param: burn::module::Param<burn::tensor::Tensor<D>>,
        ) -> burn::module::Param<burn::tensor::Tensor<D>> {
            param.map(|tensor| tensor.zeros_like() + f32::NEG_INFINITY)
        }
    }
    let spoilt = values(&model.map(&mut Spoil).fc1.weight);
    let mask = pruner.masks().get("fc1.weight").unwrap();
    for (weight, kept) in spoilt.iter().zip(mask.iter()) {
        assert_eq!(weight.to_bits(), if kept { f32::NEG_INFINITY.to_bits() } else { 0 });
    }
}

/// Muon moves the weights below the masks, but forward passes still use zeros.
#[test]
fn muon_moves_the_base_alone() {
    let mut pruner = ModulePruner::new("{0: {'method': 'unstr_unified_local', 'density': 0.3}}".parse().unwrap())
        .with_masks_in_module();
    let mut model = Mlp::new(5, &device());
    let biasless = |layer: burn::nn::Linear| burn::nn::Linear { bias: None, ..layer };
    model = Mlp { fc1: biasless(model.fc1), fc2: biasless(model.fc2) };
    (model, _) = pruner.start(model).unwrap();
    let mut optimizer = MuonConfig::new().init();
    for batch in 0..3 {
        let gradients = model.gradients(batch);
        (model, _) = pruner.step(0.01, model, gradients, &mut optimizer).unwrap();
    }
    let base = model.fc1.weight.base().into_data().try_into_vec::<f32>().unwrap();
    let mask = pruner.masks().get("fc1.weight").unwrap().clone();
    assert!(base.iter().zip(mask.iter()).any(|(weight, kept)| !kept && *weight != 0.0));
    assert_eq!(pruner.revivals(&model).unwrap(), 0);
    // After a hold, the base is zero too.
    let model = pruner.hold(model).unwrap();
    let base = model.fc1.weight.base().into_data().try_into_vec::<f32>().unwrap();
    assert!(base.iter().zip(mask.iter()).all(|(weight, kept)| kept || *weight == 0.0));
}

/// An optimiser that is no `ModuleOptimizer` takes its gradients itself. Masks within the module are in force even
/// then.
#[test]
fn l_bfgs_trains_what_is_alive() {
    let mut pruner = ModulePruner::new("{0: {'method': 'unstr_unified_local', 'density': 0.3}}".parse().unwrap())
        .with_masks_in_module();
    let (mut model, _) = pruner.start(Mlp::new(5, &device())).unwrap();
    let (input, target) = (filled(1, [16, 12], &device()), filled(2, [16, 6], &device()));
    let mut optimizer = LBFGSConfig::new().init();
    let mut losses = Vec::new();
    for _ in 0..3 {
        let loss;
        (model, loss) = optimizer.step(0.5, model, |model: Mlp| {
            let loss = (model.forward(input.clone()) - target.clone()).powf_scalar(2.0).mean();
            let value = loss.clone().into_scalar::<f64>();
            (value, GradientsParams::from_grads(loss.backward(), &model))
        });
        losses.push(loss);
        assert_eq!(pruner.revivals(&model).unwrap(), 0);
    }
    assert!(losses[2] < losses[0], "{losses:?}");
    let kept = values(&model.clone().materialize().fc1.weight).iter().filter(|weight| **weight != 0.0).count();
    assert_eq!(kept, 36);
}

#[test]
fn what_looks_at_gradients_of_pruned_weights_is_refused() {
    let strategy =
        "{0: {'method': 'unstr_unified_local', 'density': 0.3}, '4..=40 steps': {'method': 'rigl', 'every': 4}}";
    let pruner = ModulePruner::new(strategy.parse().unwrap()).with_masks_in_module();
    let error = pruner.check(&Mlp::new(1, &device())).unwrap_err().to_string();
    assert!(error.ends_with("use a pruner without `with_masks_in_module`"), "{error}");
}

/// Masks that the module lacks would be in force nowhere.
#[test]
fn a_module_without_the_masks_is_refused() {
    let mut pruner = ModulePruner::new(TWICE.parse().unwrap()).with_masks_in_module();
    let (dense, mut optimizer) = (Mlp::new(4, &device()), AdamWConfig::new().init());
    let (model, _) = pruner.end_epoch(1, dense.clone(), &mut optimizer).unwrap();
    let refused = "parameter `fc1.weight` is pruned, and the module has no mask for it; call `attach`, before a record is \
                   loaded and after `materialize`";
    let resumed = ModulePruner::from_json(&pruner.to_json()).unwrap().with_masks_in_module();
    let given = ModulePruner::with_masks(TWICE.parse().unwrap(), pruner.masks().clone()).with_masks_in_module();
    let materialized = model.clone().materialize();
    for (mut pruner, model) in [(resumed, dense.clone()), (given, dense), (pruner.clone(), materialized.clone())] {
        let gradients = model.gradients(1);
        assert_eq!(pruner.before_step(&model, gradients).unwrap_err().to_string(), refused);
        assert_eq!(pruner.after_step(model.clone(), &mut optimizer).unwrap_err().to_string(), refused);
        assert_eq!(pruner.end_epoch(2, model.clone(), &mut optimizer).unwrap_err().to_string(), refused);
        let model = pruner.attach(model).unwrap();
        let gradients = model.gradients(1);
        let (model, _) = pruner.step(0.01, model, gradients, &mut optimizer).unwrap();
        assert_eq!(pruner.revivals(&model).unwrap(), 0);
    }
    // A pruner without masks within the module would revive weights below the mask.
    let mut holds = ModulePruner::from_json(&pruner.to_json()).unwrap();
    let refused = "parameter `fc1.weight` has a mask within the module, and the pruner keeps none there; build the pruner with \
                   `with_masks_in_module`, or call `materialize` on the module";
    let gradients = model.gradients(1);
    assert_eq!(holds.before_step(&model, gradients).unwrap_err().to_string(), refused);
    assert_eq!(holds.check(&model).unwrap_err().to_string(), refused);
    let mut new = ModulePruner::new(TWICE.parse().unwrap());
    assert_eq!(new.end_epoch(1, model.clone(), &mut optimizer).unwrap_err().to_string(), refused);
    assert!(holds.end_epoch(2, materialized, &mut optimizer).is_ok());
}

#[test]
fn another_mask_within_the_module_is_refused() {
    let pruned = |density: f64, seed: u64| {
        let strategy = format!(
            "{{0: {{'method': 'unstr_global', 'density': {density}}}, 2: {{'method': 'unstr_global', 'density': 0.1}}}}"
        );
        let mut pruner = ModulePruner::new(strategy.parse().unwrap()).with_masks_in_module();
        let (model, _) = pruner.start(Mlp::new(seed, &device())).unwrap();
        (pruner, model)
    };
    let ((mut pruner, _), (_, other)) = (pruned(0.5, 1), pruned(0.3, 2));
    let refused = "the mask of parameter `fc1.weight` within the module is not the pruner's; load the module and the pruner \
                   that were saved together, or call `materialize` and `attach`";
    let gradients = other.gradients(1);
    let mut optimizer = AdamWConfig::new().init();
    assert_eq!(pruner.clone().end_epoch(2, other.clone(), &mut optimizer).unwrap_err().to_string(), refused);
    // Loading a record of another run brings other masks, and the next step refuses them.
    let attached = pruner.attach(Mlp::new(3, &device())).unwrap();
    let loaded = attached.load_record(other.clone().into_record());
    assert_eq!(pruner.before_step(&loaded, gradients).unwrap_err().to_string(), refused);
    // A mask that the pruner does not know.
    let mut new = ModulePruner::new("{}".parse().unwrap()).with_masks_in_module();
    let gradients = other.gradients(1);
    assert_eq!(new.before_step(&other, gradients).unwrap_err().to_string(), refused);
    // After `attach`, the mask is the pruner's.
    let model = pruner.attach(other).unwrap();
    let gradients = model.gradients(1);
    let (model, _) = pruner.step(0.01, model, gradients, &mut optimizer).unwrap();
    assert_eq!(pruner.revivals(&model).unwrap(), 0);
}

/// A mask of another length than its parameter is an error that names the parameter.
#[test]
fn a_mask_that_cannot_be_read_is_no_mask_that_keeps_everything() {
    struct Cut;
    impl burn::module::ModuleMapper for Cut {
        fn map_bool<const D: usize>(
            &mut self,
            param: burn::module::Param<burn::tensor::Tensor<D, burn::tensor::Bool>>,
        ) -> burn::module::Param<burn::tensor::Tensor<D, burn::tensor::Bool>> {
            param.map(|tensor| tensor.narrow(0, 0, 3))
        }
    }
    let mut pruner =
        ModulePruner::new("{0: {'method': 'unstr_global', 'density': 0.5}}".parse().unwrap()).with_masks_in_module();
    let (model, _) = pruner.start(Mlp::new(4, &device())).unwrap();
    let error = prune_burn::Parameters::of(&model.map(&mut Cut)).unwrap_err().to_string();
    assert!(error.contains("`fc1.weight`"), "{error}");
}

/// Events happen without a `ModuleOptimizer`. The next optimiser has to be new.
#[test]
fn l_bfgs_is_pruned_on_the_way() {
    let strategy = "{1: {'method': 'unstr_global', 'density': 0.5}, '2 steps': {'method': 'unstr_global', 'density': 0.2}, \
                     2: {'method': 'unstr_global', 'density': 0.1}}";
    let mut pruner = ModulePruner::new(strategy.parse().unwrap()).with_masks_in_module();
    let mut model = Mlp::new(5, &device());
    let (input, target) = (filled(1, [16, 12], &device()), filled(2, [16, 6], &device()));
    let mut kept = Vec::new();
    for epoch in 1..=3 {
        let mut optimizer = LBFGSConfig::new().init();
        (model, _) = optimizer.step(0.5, model, |model: Mlp| {
            let loss = (model.forward(input.clone()) - target.clone()).powf_scalar(2.0).mean();
            let value = loss.clone().into_scalar::<f64>();
            (value, GradientsParams::from_grads(loss.backward(), &model))
        });
        let report;
        (model, report) = pruner.after_step(model, None).unwrap();
        kept.extend(report.map(|report| report.selected.kept));
        let report = if epoch == 2 {
            let event = pruner.prepare(prune_schedule::Moment::Epoch(2), &model, Default::default()).unwrap().unwrap();
            let report;
            (model, report) = pruner.commit(event, model, None).unwrap();
            Some(report)
        } else {
            let report;
            (model, report) = pruner.end_epoch(epoch, model, None).unwrap();
            report
        };
        kept.extend(report.map(|report| report.selected.kept));
        assert_eq!(pruner.revivals(&model).unwrap(), 0);
    }
    assert_eq!(kept, [90, 36, 18]);
}
