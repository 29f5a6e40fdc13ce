//! Zeros stay zero: in weights and in the optimiser's buffers, after every step and after every event.

use burn::module::Module;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{
    AdaGradConfig, AdamConfig, AdamWConfig, AdanConfig, GradientsParams, LambConfig, LionConfig, ModuleOptimizer,
    MuonConfig, RmsPropConfig, SgdConfig,
};
use prune_burn::ModulePruner;

use crate::nets::{Mlp, device, values};

const TWICE: &str = "{1: {'method': 'unstr_global', 'density': 0.5},
                      2: {'method': 'str_unified_local', 'pattern': '1:4', 'axis': 'reduction'}}";

/// Trains three epochs and checks every step.
fn trained(mut optimizer: ModuleOptimizer, steps: u64) -> (ModulePruner, Mlp, ModuleOptimizer) {
    let mut model = Mlp::new(5, &device());
    let mut pruner = ModulePruner::new(TWICE.parse().unwrap());
    pruner.check(&model).unwrap();
    for epoch in 1..=3 {
        for batch in 0..steps {
            let gradients = model.gradients(epoch * 1000 + batch);
            model = pruner.step(0.01, model, gradients, &mut optimizer).unwrap().0;
            assert_eq!(pruner.revivals(&model).unwrap(), 0);
            if batch < 3 || batch + 1 == steps {
                assert_eq!(pruner.moment_revivals(&model, &optimizer).unwrap(), 0);
            }
        }
        model = pruner.end_epoch(epoch, model, &mut optimizer).unwrap().0;
        assert_eq!(pruner.revivals(&model).unwrap(), 0);
        assert_eq!(pruner.moment_revivals(&model, &optimizer).unwrap(), 0);
    }
    (pruner, model, optimizer)
}

#[test]
fn nothing_revives_in_a_thousand_steps_of_adamw_with_weight_decay() {
    let (pruner, model, optimizer) = trained(AdamWConfig::new().with_weight_decay(0.05).init(), 1000);
    assert!(pruner.masks().iter().all(|(_, mask)| mask.kept_len() * 3 <= mask.len()));
    assert_eq!(pruner.revivals(&model).unwrap() + pruner.moment_revivals(&model, &optimizer).unwrap(), 0);
    // Zeros are +0.0, to the bit.
    let weights = values(&model.fc1.weight);
    let mask = pruner.masks().get("fc1.weight").unwrap();
    assert!(weights.iter().zip(mask.iter()).all(|(weight, kept)| kept || weight.to_bits() == 0));
}

#[test]
fn nothing_revives_under_any_optimiser() {
    let decay = || Some(WeightDecayConfig::new(0.01));
    let momentum = |nesterov| Some(MomentumConfig::new().with_nesterov(nesterov));
    trained(SgdConfig::new().init(), 4);
    trained(SgdConfig::new().with_momentum(momentum(false)).with_weight_decay(decay()).init(), 4);
    trained(SgdConfig::new().with_momentum(momentum(true)).init(), 4);
    trained(AdamConfig::new().with_weight_decay(decay()).init(), 4);
    trained(AdamWConfig::new().with_amsgrad(true).with_cautious_weight_decay(true).init(), 4);
    trained(AdanConfig::new().init(), 4);
    trained(AdaGradConfig::new().init(), 4);
    trained(LambConfig::new().init(), 4);
    trained(LionConfig::new().init(), 4);
    trained(RmsPropConfig::new().with_centered(true).init(), 4);
}

/// Muon's update of a row is not zero where the row's gradient is zero.
#[test]
fn muon_moves_pruned_weights_and_the_hold_after_the_step_takes_it_back() {
    let mut model = Mlp::new(5, &device());
    let biasless = |layer: burn::nn::Linear| burn::nn::Linear { bias: None, ..layer };
    model = Mlp { fc1: biasless(model.fc1), fc2: biasless(model.fc2) };
    let mut optimizer = MuonConfig::new().init();
    let mut pruner = ModulePruner::new("{0: {'method': 'unstr_unified_local', 'density': 0.3}}".parse().unwrap());
    (model, _) = pruner.start(model).unwrap();
    for batch in 0..4 {
        let gradients = model.gradients(batch);
        let (gradients, _) = pruner.before_step(&model, gradients).unwrap();
        model = optimizer.step(0.01, model, gradients);
        assert!(pruner.revivals(&model).unwrap() > 0);
        (model, _) = pruner.after_step(model, &mut optimizer).unwrap();
        assert_eq!(pruner.revivals(&model).unwrap() + pruner.moment_revivals(&model, &optimizer).unwrap(), 0);
    }
}

/// The event, not the steps after it, clears the momentum of pruned weights.
#[test]
fn an_event_takes_the_buffers_of_what_it_prunes() {
    for mut optimizer in [AdamWConfig::new().init(), SgdConfig::new().with_momentum(Some(MomentumConfig::new())).init()]
    {
        let mut model = Mlp::new(5, &device());
        for batch in 0..5 {
            let gradients = model.gradients(batch);
            model = optimizer.step(0.01, model, gradients);
        }
        let mut pruner = ModulePruner::new("{1: {'method': 'unstr_global', 'density': 0.2}}".parse().unwrap());
        let before = optimizer.into_bytes().unwrap().to_vec();
        let (pruned, report) = pruner.end_epoch(1, model, &mut optimizer).unwrap();
        assert_eq!(report.unwrap().selected.kept, 36);
        assert_eq!(pruner.moment_revivals(&pruned, &optimizer).unwrap(), 0);
        assert_ne!(optimizer.into_bytes().unwrap().to_vec(), before);
        // A pruner with only the masks agrees and changes nothing.
        let held = optimizer.into_bytes().unwrap().to_vec();
        let other = ModulePruner::with_masks("{}".parse().unwrap(), pruner.masks().clone());
        assert!(other.hold_moments(&pruned, &mut optimizer).unwrap().is_empty());
        assert_eq!(optimizer.into_bytes().unwrap().to_vec(), held);
    }
}

/// Zeros in buffers are positive: -0.0 outside a mask is overwritten.
#[test]
fn an_event_takes_negative_zeros_of_buffers() {
    // With negative zeros as gradients, momentum is -0.0 everywhere.
    struct NegativeZeros(GradientsParams);
    impl burn::module::ModuleVisitor for NegativeZeros {
        fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<burn::tensor::Tensor<D>>) {
            let zeros = burn::tensor::Tensor::zeros(param.dims(), &param.lazy_device().without_autodiff());
            self.0.register::<D>(param.id, zeros.neg());
        }
    }
    let mut optimizer = SgdConfig::new().with_momentum(Some(MomentumConfig::new())).init();
    let mut gradients = NegativeZeros(GradientsParams::new());
    let model = Mlp::new(5, &device());
    model.visit(&mut gradients);
    let model = optimizer.step(0.01, model, gradients.0);
    let negative = |optimizer: &ModuleOptimizer| {
        let reader = burn_pack::Reader::from_bytes(optimizer.into_bytes().unwrap()).unwrap();
        let tensors = reader.into_tensors().unwrap().into_iter();
        let floats = tensors.flat_map(|tensor| tensor.into_parts().unwrap().4.to_vec());
        let bytes: Vec<u8> = floats.collect();
        bytes.chunks(4).filter(|float| *float == (-0.0f32).to_ne_bytes()).count()
    };
    assert_eq!(negative(&optimizer), 12 * 10 + 10 + 10 * 6 + 6);
    let mut pruner = ModulePruner::new("{1: {'method': 'unstr_global', 'density': 0.2}}".parse().unwrap());
    let (_, report) = pruner.end_epoch(1, model, &mut optimizer).unwrap();
    assert_eq!(report.unwrap().selected.kept, 36);
    assert_eq!(negative(&optimizer), 36 + 10 + 6);
}

/// Alive elements and biases train as without masks: a mask that keeps everything changes no bit.
#[test]
fn a_mask_that_keeps_everything_changes_nothing() {
    let (mut dense, mut masked) = (Mlp::new(5, &device()), Mlp::new(5, &device()));
    let (mut dense_optimizer, mut optimizer) = (AdamWConfig::new().init(), AdamWConfig::new().init());
    let mut pruner = ModulePruner::new("{0: {'method': 'unstr_global', 'density': 1}}".parse().unwrap());
    (masked, _) = pruner.start(masked).unwrap();
    for batch in 0..5 {
        let gradients = dense.gradients(batch);
        dense = dense_optimizer.step(0.01, dense, gradients);
        let gradients = masked.gradients(batch);
        (masked, _) = pruner.step(0.01, masked, gradients, &mut optimizer).unwrap();
    }
    assert_eq!(values(&dense.fc1.weight), values(&masked.fc1.weight));
    assert_eq!(values(dense.fc2.bias.as_ref().unwrap()), values(masked.fc2.bias.as_ref().unwrap()));
}

/// Under the straight-through estimator, the dense weights go on training. At the end the last mask is held.
#[test]
fn straight_through_trains_dense_weights_until_the_range_ends() {
    let strategy = "{'1..=2': {'method': 'unstr_unified_local', 'density': 0.25, 'straight_through': True}}";
    let mut pruner = ModulePruner::new(strategy.parse().unwrap());
    let (mut model, mut optimizer) = (Mlp::new(5, &device()), AdamWConfig::new().init());
    for epoch in 1..=3 {
        for batch in 0..3 {
            let forward = pruner.forward(&model).unwrap();
            let zeros = values(&forward.fc1.weight).iter().filter(|value| **value == 0.0).count();
            assert_eq!(zeros, 90);
            let gradients = forward.gradients(epoch * 100 + batch);
            let before = values(&model.fc1.weight);
            model = pruner.step(0.01, model, gradients, &mut optimizer).unwrap().0;
            let moved = before.iter().zip(values(&model.fc1.weight)).filter(|(a, b)| **a != *b).count();
            assert_eq!(moved > 30, epoch <= 2, "epoch {epoch}: {moved} weights have moved");
        }
        model = pruner.end_epoch(epoch, model, &mut optimizer).unwrap().0;
    }
    assert_eq!(pruner.revivals(&model).unwrap() + pruner.moment_revivals(&model, &optimizer).unwrap(), 0);
    assert_eq!(model.clone().valid().fc1.weight.dims(), [12, 10]);
}
