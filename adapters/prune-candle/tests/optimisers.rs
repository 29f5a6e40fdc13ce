//! Steps of the optimisers, compared with candle's own and with loops over numbers.

#![allow(clippy::unwrap_used, reason = "tests")]

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{Optimizer, ParamsAdamW};
use proptest::prelude::*;
use prune_candle::{AdamW, CandleError, Params, Sgd, SgdConfig};

/// A variable of these values, and a copy in memory of its own.
fn twins(values: &[f32]) -> (Var, Var) {
    let var = || Var::from_slice(values, values.len(), &Device::Cpu).unwrap();
    (var(), var())
}

/// The gradients of a loss that mixes its weights.
fn gradients(var: &Var, step: usize) -> GradStore {
    let target = Tensor::new((step as f32 * 0.7).sin(), &Device::Cpu).unwrap().to_dtype(var.dtype()).unwrap();
    let off = var.broadcast_sub(&target).unwrap();
    (off.sqr().unwrap().sum_all().unwrap() + off.sum_all().unwrap().sqr().unwrap()).unwrap().backward().unwrap()
}

fn bits(var: &Var) -> Vec<u32> {
    var.to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn adam_w_takes_candles_steps_to_the_bit(
        values in prop::collection::vec(-3.0f32..3.0, 1..9),
        lr in 1e-4..0.5f64,
        weight_decay in prop_oneof![Just(0.0), 1e-3..0.5f64],
        beta1 in 0.0..0.99f64,
    ) {
        let (ours, theirs) = twins(&values);
        let config = ParamsAdamW { lr, weight_decay, beta1, ..ParamsAdamW::default() };
        let mut adam = AdamW::for_params(&Params::named([("w", ours.clone())]).unwrap(), config.clone()).unwrap();
        let mut candles = candle_nn::AdamW::new(vec![theirs.clone()], config).unwrap();
        for step in 0..5 {
            adam.step(&gradients(&ours, step)).unwrap();
            candles.step(&gradients(&theirs, step)).unwrap();
            prop_assert_eq!(bits(&ours), bits(&theirs));
        }
        prop_assert_eq!(adam.steps(), 5);
    }

    #[test]
    fn sgd_without_more_takes_candles_steps_to_the_bit(
        values in prop::collection::vec(-3.0f32..3.0, 1..9), learning_rate in 1e-4..0.05f64,
    ) {
        let (ours, theirs) = twins(&values);
        let config = SgdConfig { learning_rate, momentum: 0.0, ..SgdConfig::default() };
        let mut sgd = Sgd::new(vec![ours.clone()], config).unwrap();
        let mut candles = candle_nn::SGD::new(vec![theirs.clone()], learning_rate).unwrap();
        for step in 0..5 {
            sgd.step(&gradients(&ours, step)).unwrap();
            candles.step(&gradients(&theirs, step)).unwrap();
            prop_assert_eq!(bits(&ours), bits(&theirs));
        }
    }

    /// Compares with the definition, number by number.
    #[test]
    fn sgd_follows_its_definition(
        values in prop::collection::vec(-3.0f64..3.0, 1..6),
        learning_rate in 1e-4..0.02f64,
        momentum in 0.1..0.95f64,
        weight_decay in prop_oneof![Just(0.0), 1e-3..0.5f64],
        nesterov in any::<bool>(),
    ) {
        let var = Var::from_slice(&values, values.len(), &Device::Cpu).unwrap();
        let params = Params::named([("w", var.clone())]).unwrap();
        let mut sgd = Sgd::for_params(&params, SgdConfig { learning_rate, momentum, weight_decay, nesterov }).unwrap();
        let (mut weights, mut buffer) = (values.clone(), vec![0.0; values.len()]);
        for step in 0..6 {
            let store = gradients(&var, step);
            let gradient = store.get(&var).unwrap().to_vec1::<f64>().unwrap();
            for i in 0..weights.len() {
                let grown = gradient[i] + weights[i] * weight_decay;
                buffer[i] = buffer[i] * momentum + grown;
                let direction = if nesterov { grown + buffer[i] * momentum } else { buffer[i] };
                weights[i] -= direction * learning_rate;
            }
            sgd.step(&store).unwrap();
            prop_assert_eq!(var.to_vec1::<f64>().unwrap(), weights.clone());
            prop_assert_eq!(sgd.momentum().get("w").unwrap().to_vec1::<f64>().unwrap(), buffer.clone());
        }
    }
}

/// Moments of half-precision parameters are `f32`, so that a step too small for half precision is not lost.
#[test]
fn half_precision_has_moments_in_single_precision() {
    for dtype in [DType::F16, DType::BF16] {
        let start = Tensor::new(&[1f32, -2.0, 0.5, 3.0], &Device::Cpu).unwrap();
        let half = Var::from_tensor(&start.to_dtype(dtype).unwrap()).unwrap();
        let single = Var::from_tensor(&start).unwrap();
        let config = ParamsAdamW { lr: 0.1, ..ParamsAdamW::default() };
        let params = Params::named([("w", half.clone())]).unwrap();
        let mut adam = AdamW::for_params(&params, config.clone()).unwrap();
        let mut oracle = candle_nn::AdamW::new(vec![single.clone()], config).unwrap();
        // The square of these is 0 in `f16`.
        let small = Tensor::new(&[1e-4f32, -1e-4, 1e-4, 1e-4], &Device::Cpu).unwrap();
        let loss = |var: &Var| {
            let small = small.to_dtype(var.dtype()).unwrap();
            (var.as_tensor() * small).unwrap().sum_all().unwrap().backward().unwrap()
        };
        adam.step(&loss(&half)).unwrap();
        oracle.step(&loss(&single)).unwrap();
        let [first, second] = adam.moments();
        assert_eq!((first.get("w").unwrap().dtype(), second.get("w").unwrap().dtype()), (DType::F32, DType::F32));
        let stepped = half.to_dtype(DType::F32).unwrap().to_vec1::<f32>().unwrap();
        for (got, expected) in stepped.iter().zip(single.to_vec1::<f32>().unwrap()) {
            assert!((got - expected).abs() <= 0.01 * expected.abs(), "{dtype:?}: {got} {expected}");
        }
        // Masks hold both types at once.
        let mut masks = prune_candle::Masks::default();
        masks.insert("w", prune_candle::Mask::from_bools(&[4], &[true, false, true, false]).unwrap());
        let mut params = params;
        let [first, second] = adam.moments_mut();
        masks.hold_each(&mut [&mut params, first, second]).unwrap();
        for set in [&params, adam.moments()[0], adam.moments()[1]] {
            assert_eq!(set.revivals(&masks).unwrap(), 0);
        }
    }
}

#[test]
fn empty_frozen_and_whole_numbers_are_passed_over() {
    let weight = Var::new(&[1f32, 2.0], &Device::Cpu).unwrap();
    let empty = Var::zeros((0, 3), DType::F32, &Device::Cpu).unwrap();
    let counts = Var::zeros(2, DType::U32, &Device::Cpu).unwrap();
    let frozen = Var::new(&[5f32], &Device::Cpu).unwrap();
    let named = [("counts", counts), ("empty", empty.clone()), ("frozen", frozen.clone()), ("weight", weight.clone())];
    let params = Params::named(named).unwrap();
    let mut adam = AdamW::for_params(&params, ParamsAdamW::default()).unwrap();
    let mut sgd = Sgd::for_params(&params, SgdConfig::default()).unwrap();
    assert_eq!(adam.moments()[0].names().collect::<Vec<_>>(), ["empty", "frozen", "weight"]);
    let loss = (weight.sqr().unwrap().sum_all().unwrap() + empty.sum_all().unwrap()).unwrap();
    let mut store = loss.backward().unwrap();
    store.insert(&empty, empty.zeros_like().unwrap());
    adam.step(&store).unwrap();
    sgd.step(&store).unwrap();
    assert_eq!(frozen.to_vec1::<f32>().unwrap(), [5.0]);
    assert!(weight.to_vec1::<f32>().unwrap()[0] < 1.0);
    // The buffer of the weight moved, and no other did.
    assert_eq!(sgd.momentum().get("weight").unwrap().to_vec1::<f32>().unwrap(), [2.0, 4.0]);
    assert_eq!(sgd.momentum().get("frozen").unwrap().to_vec1::<f32>().unwrap(), [0.0]);
    let folder = tempfile::tempdir().unwrap();
    adam.save(folder.path().join("adam")).unwrap();
    adam.load(folder.path().join("adam")).unwrap();
}

#[test]
fn a_variable_given_twice_is_refused() {
    let var = Var::new(&[1f32], &Device::Cpu).unwrap();
    let error = Sgd::new(vec![var.clone(), var], SgdConfig::default()).unwrap_err();
    assert!(error.to_string().starts_with("`0` and `1` are one variable"), "{error}");
}

#[test]
fn settings_outside_their_range_are_refused() {
    let params = Params::named([("w", Var::new(&[1f32], &Device::Cpu).unwrap())]).unwrap();
    let sgd = |config| Sgd::for_params(&params, config).unwrap_err().to_string();
    let base = SgdConfig::default();
    assert_eq!(sgd(SgdConfig { momentum: 1.0, ..base }), "Sgd: momentum is 1; it must be at least 0 and below 1");
    assert_eq!(
        sgd(SgdConfig { learning_rate: f64::NAN, ..base }),
        "Sgd: learning_rate is NaN; it must be finite and at least 0"
    );
    assert_eq!(
        sgd(SgdConfig { momentum: 0.0, nesterov: true, ..base }),
        "Sgd: momentum is 0; it must be above 0 with `nesterov`"
    );
    let adam = |config| AdamW::for_params(&params, config).unwrap_err();
    let base = ParamsAdamW::default();
    assert!(matches!(adam(ParamsAdamW { eps: 0.0, ..base.clone() }), CandleError::Setting { setting: "eps", .. }));
    assert!(matches!(adam(ParamsAdamW { beta2: -0.1, ..base.clone() }), CandleError::Setting { setting: "beta2", .. }));
    assert!(matches!(adam(ParamsAdamW { weight_decay: f64::INFINITY, ..base }), CandleError::Setting { .. }));
}
