//! Zeros stay zero for a thousand steps with weight decay, in weights and buffers.

#![allow(clippy::unwrap_used, reason = "tests")]

use candle_core::{DType, Device, Tensor};
use candle_nn::{Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, linear};
use prune_candle::{AdamW, Evidence, Layers, LayersMut, Params, Pruner, Sgd, SgdConfig, mask_gradients};

struct Net {
    varmap: VarMap,
    layers: [Linear; 2],
}

impl Net {
    fn new() -> Self {
        let varmap = VarMap::new();
        let vars = VarBuilder::from_varmap(&varmap, DType::F32, &Device::Cpu);
        let layers = [linear(12, 9, vars.pp("hidden")).unwrap(), linear(9, 5, vars.pp("out")).unwrap()];
        Net { varmap, layers }
    }

    fn params(&self) -> Params {
        Params::of(&self.varmap).unwrap()
    }

    fn loss(&self, step: u32) -> Tensor {
        let values: Vec<f32> = (0..96).map(|i| ((i * 5 + step * 17) as f32).cos()).collect();
        let input = Tensor::from_vec(values, (8, 12), &Device::Cpu).unwrap();
        let hidden = self.layers[0].forward(&input).unwrap().relu().unwrap();
        (self.layers[1].forward(&hidden).unwrap() - 1.0).unwrap().sqr().unwrap().mean_all().unwrap()
    }
}

const STRATEGY: &str = "{1: {'method': 'unstr_global', 'density': 0.1}}";
const DECAY: f64 = 0.1;

/// The number of elements outside the masks that are not `+0.0`, by their bits.
fn not_plus_zero(layers: &dyn Layers, pruner: &Pruner) -> usize {
    let outside = |(name, layer): (std::borrow::Cow<'_, str>, prune_candle::LayerRef<'_>)| {
        let Some(mask) = pruner.masks().get(&name) else { return 0 };
        let values = layer.to_logical_f64().unwrap();
        values.iter().zip(mask.iter()).filter(|(value, kept)| !kept && value.to_bits() != 0).count()
    };
    layers.layers().into_iter().map(outside).sum()
}

#[test]
fn adam_w_with_held_moments() {
    let net = Net::new();
    let mut params = net.params();
    let config = ParamsAdamW { lr: 0.01, weight_decay: DECAY, ..ParamsAdamW::default() };
    let mut optimiser = AdamW::for_params(&params, config).unwrap();
    let mut pruner = Pruner::new(STRATEGY.parse().unwrap());
    // The moments exist before the event.
    (0..5).for_each(|step| optimiser.backward_step(&net.loss(step)).unwrap());
    let before = optimiser.moments().map(|moments| moments.on_cpu().unwrap());
    let [first, second] = optimiser.moments_mut();
    let report = params.end_epoch(&mut pruner, 1, &mut [first, second], Evidence::default()).unwrap().unwrap();
    assert_eq!(report.next_step(), None);
    // Before any other step, and so in a state that is saved now.
    for (set, before) in [&params, optimiser.moments()[0], optimiser.moments()[1]].into_iter().zip([
        None,
        Some(&before[0]),
        Some(&before[1]),
    ]) {
        assert_eq!(not_plus_zero(set, &pruner), 0);
        assert!(before.is_none_or(|before| not_plus_zero(before, &pruner) > 0));
    }
    for step in 0..1000 {
        optimiser.backward_step(&net.loss(step)).unwrap();
        let [first, second] = optimiser.moments_mut();
        pruner.hold_each(&mut [&mut params, first, second]).unwrap();
        if step % 100 == 99 {
            for set in [&params, optimiser.moments()[0], optimiser.moments()[1]] {
                assert_eq!((set.revivals(pruner.masks()).unwrap(), not_plus_zero(set, &pruner)), (0, 0));
            }
        }
    }
    // Without a hold they come back, so this test can fail.
    optimiser.backward_step(&net.loss(0)).unwrap();
    assert!(params.revivals(pruner.masks()).unwrap() > 0);
}

#[test]
fn sgd_with_held_momentum() {
    let net = Net::new();
    let mut params = net.params();
    let config = SgdConfig { learning_rate: 0.01, weight_decay: DECAY, ..SgdConfig::default() };
    let mut optimiser = Sgd::for_params(&params, config).unwrap();
    let mut pruner = Pruner::new(STRATEGY.parse().unwrap());
    (0..5).for_each(|step| optimiser.backward_step(&net.loss(step)).unwrap());
    params.end_epoch(&mut pruner, 1, &mut [optimiser.momentum_mut()], Evidence::default()).unwrap();
    assert_eq!(not_plus_zero(optimiser.momentum(), &pruner), 0);
    for step in 0..1000 {
        optimiser.backward_step(&net.loss(step)).unwrap();
        let mut sets: [&mut dyn LayersMut; 2] = [&mut params, optimiser.momentum_mut()];
        pruner.hold_each(&mut sets).unwrap();
    }
    for set in [&params, optimiser.momentum()] {
        assert_eq!((set.revivals(pruner.masks()).unwrap(), not_plus_zero(set, &pruner)), (0, 0));
    }
}

/// No hold at all: gradients are masked, and the optimiser is made anew at the event.
#[test]
fn candles_adam_w_with_masked_gradients() {
    let net = Net::new();
    let mut params = net.params();
    let config = ParamsAdamW { lr: 0.01, weight_decay: DECAY, ..ParamsAdamW::default() };
    let optimiser = || candle_nn::AdamW::new(params.vars(), config.clone()).unwrap();
    let (mut old, mut fresh) = (optimiser(), optimiser());
    (0..5).for_each(|step| old.backward_step(&net.loss(step)).unwrap());
    let mut pruner = Pruner::new(STRATEGY.parse().unwrap());
    params.end_epoch(&mut pruner, 1, &mut [], Evidence::default()).unwrap();
    let masked = |step| {
        let mut store = net.loss(step).backward().unwrap();
        assert!(mask_gradients(&mut store, &net.params(), pruner.held()).unwrap().is_empty());
        store
    };
    for step in 0..1000 {
        fresh.step(&masked(step)).unwrap();
    }
    assert_eq!((params.revivals(pruner.masks()).unwrap(), not_plus_zero(&params, &pruner)), (0, 0));
    // An optimiser from before the event still moves pruned weights by its old moments.
    old.step(&masked(0)).unwrap();
    assert!(params.revivals(pruner.masks()).unwrap() > 0);
}
