//! No call hangs: each runs on a thread of its own and must return in time.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::borrow::Cow;
use std::thread;
use std::time::Duration;

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{Optimizer, ParamsAdamW, VarMap};
use prune_candle::{
    AdamW, CandleError, DeviceMasks, Evidence, Gradients, LayerMut, LayerRef, Layers, LayersMut, Mask, Masks, Params,
    PruneExt, Pruner, Sgd, SgdConfig, mask_gradients,
};
use prune_core::PlainTensor;
use prune_schedule::{Inputs, Moment, StepAction};

use self::common::in_time;

fn var() -> Var {
    Var::new(&[[0.9f32, -0.1, 0.3, 0.2]], &Device::Cpu).unwrap()
}

fn half() -> Masks {
    [("w".to_owned(), Mask::from_bools(&[1, 4], &[true, false, true, false]).unwrap())].into_iter().collect()
}

fn ones() -> Tensor {
    Tensor::ones((1, 4), DType::F32, &Device::Cpu).unwrap()
}

#[test]
fn a_locked_map_is_refused() {
    in_time(|| {
        let varmap = VarMap::new();
        let guard = varmap.data().lock().unwrap();
        assert!(matches!(Params::of(&varmap), Err(CandleError::MapLocked)));
        assert!(matches!(Params::joined(&varmap), Err(CandleError::MapLocked)));
        drop(guard);
        let params = Params::of(&varmap).unwrap();
        let _guard = varmap.data().lock().unwrap();
        assert!(matches!(params.check_current(&varmap), Err(CandleError::MapLocked)));
    });
}

#[test]
fn variables_are_used_and_set_within_with_mut() {
    in_time(|| {
        let var = var();
        let params = Params::named([("w", var.clone())]).unwrap();
        params.with_mut(|layers| {
            let mut pruner = Pruner::new("{1: {'method': 'unstr_global', 'density': 0.5}}".parse().unwrap());
            pruner.check(layers).unwrap();
            var.set(&ones()).unwrap();
            let read = layers.layers();
            var.set(&(var.as_tensor() * 2.0).unwrap()).unwrap();
            drop(read);
            let written = layers.layers_mut();
            assert_eq!(var.to_vec2::<f32>().unwrap(), [[2.0; 4]]);
            var.set(&ones()).unwrap();
            drop(written);
            params.with_mut(|inner| pruner.end_epoch(1, inner)).unwrap();
            half().hold(layers).unwrap();
        });
        assert_eq!(params.revivals(&half()).unwrap(), 0);
    });
}

#[test]
fn variables_are_set_while_layers_of_tensors_are_alive() {
    in_time(|| {
        let mut var = var();
        let other = var.clone();
        let layer = other.layer();
        other.set(&ones()).unwrap();
        // The layer still has the values that were read.
        assert_eq!(layer.to_logical_f64().unwrap()[0], f64::from(0.9f32));
        let mut writable: LayerMut<'_> = var.layer_mut();
        other.set(&(other.as_tensor() * 3.0).unwrap()).unwrap();
        // The other layer has the same memory.
        writable.assign(&other.layer()).unwrap();
        writable.apply_mask(&Mask::none(&[1, 4]).unwrap()).unwrap();
        assert_eq!(other.to_vec2::<f32>().unwrap(), [[0.0; 4]]);
        // A view with gaps, and the whole tensor beside it.
        let whole = Tensor::ones((4, 4), DType::F32, &Device::Cpu).unwrap();
        let mut inside = whole.narrow(1, 1, 2).unwrap();
        let mut writable = inside.layer_mut();
        assert_eq!(whole.sum_all().unwrap().to_scalar::<f32>().unwrap(), 16.0);
        writable.apply_mask(&Mask::none(&[4, 2]).unwrap()).unwrap();
        drop(writable);
        assert_eq!(whole.sum_all().unwrap().to_scalar::<f32>().unwrap(), 8.0);
    });
}

#[test]
fn inputs_are_measured_by_code_that_sets_variables() {
    in_time(|| {
        let var = var();
        let mut params = Params::named([("fc.weight", var.clone())]).unwrap();
        let measure = |_: &str, _: &Masks| {
            var.set(&(var.as_tensor() * 1.0).unwrap()).unwrap();
            PlainTensor::from_logical(&[4], vec![1.0; 4])
        };
        let mut pruner =
            Pruner::new("{1: {'method': 'unstr_unified_local', 'density': 0.5, 'score': 'wanda'}}".parse().unwrap());
        let evidence = Evidence { inputs: Some(Inputs::Measure(&measure)), ..Evidence::default() };
        assert!(params.end_epoch(&mut pruner, 1, &mut [], evidence).unwrap().is_some());
        assert_eq!(params.revivals(pruner.masks()).unwrap(), 0);
    });
}

/// Layers that set a variable when they are listed, as a caller's layers may.
struct Setting<'a> {
    var: &'a Var,
    shown: Tensor,
}

impl Layers for Setting<'_> {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        self.var.set(&(self.var.as_tensor() * 1.0).unwrap()).unwrap();
        vec![("fc.weight".into(), self.shown.layer())]
    }
}

#[test]
fn evidence_of_every_kind_sets_variables() {
    in_time(|| {
        let var = var();
        let mut params = Params::named([("fc.weight", var.clone())]).unwrap();
        let setting = Setting { var: &var, shown: ones() };
        let norms = Setting { var: &var, shown: ones().flatten_all().unwrap() };
        let ways = [
            ("'score': 'given'", Evidence { scores: Some(&setting), ..Evidence::default() }),
            ("'score': 'saliency'", Evidence { gradients: Some(&setting), ..Evidence::default() }),
            ("'score': 'wanda'", Evidence { inputs: Some(Inputs::Norms(&norms)), ..Evidence::default() }),
            ("'rewind': 0", Evidence { rewind: Some(&setting), ..Evidence::default() }),
        ];
        for (way, evidence) in ways {
            let strategy = format!("{{1: {{'method': 'unstr_unified_local', 'density': 0.5, {way}}}}}");
            let mut pruner = Pruner::new(strategy.parse().unwrap());
            pruner.start(&mut params).unwrap();
            drop(params.prepare(&pruner, Moment::Epoch(1), evidence).unwrap().unwrap());
            params.check(&pruner).unwrap();
            params.end_on_device(&mut pruner.clone(), Moment::Epoch(1), evidence).unwrap().unwrap();
            params.end_epoch(&mut pruner, 1, &mut [], evidence).unwrap().unwrap();
            assert_eq!(params.revivals(pruner.masks()).unwrap(), 0, "{way}");
        }
    });
}

/// Parameters that are read while another thread waits to write. candle's lock then admits no further reader.
struct ReadBehindWriter<'a>(&'a Params);

impl Layers for ReadBehindWriter<'_> {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        let var = self.0.get("w").unwrap().clone();
        let writer = thread::spawn(move || var.set(&ones()).unwrap());
        // Enough time for the thread to reach the lock.
        thread::sleep(Duration::from_millis(200));
        let layers = self.0.layers();
        writer.join().unwrap();
        layers
    }
}

#[test]
fn parameters_are_their_own_scores_while_another_thread_sets_them() {
    in_time(|| {
        let params = Params::named([("w", var())]).unwrap();
        let strategy = "{1: {'method': 'unstr_global', 'density': 0.5, 'score': 'given'}}";
        let pruner = Pruner::new(strategy.parse().unwrap());
        let scores = ReadBehindWriter(&params);
        let evidence = Evidence { scores: Some(&scores), ..Evidence::default() };
        let prepared = params.prepare(&pruner, Moment::Epoch(1), evidence).unwrap().unwrap();
        assert_eq!(prepared.report().selected.kept, 2);
    });
}

#[test]
fn one_memory_under_two_names_is_held_and_refused() {
    in_time(|| {
        let (mut one, mut two) = (var(), var());
        two.clone_from(&one);
        let mut masks = half();
        masks.insert("x", masks.get("w").unwrap().clone());
        masks.hold(&mut [("w", one.layer_mut()), ("x", two.layer_mut())]).unwrap();
        assert_eq!(one.to_vec2::<f32>().unwrap(), [[0.9, 0.0, 0.3, 0.0]]);
        masks.insert("x", Mask::all(&[1, 4]).unwrap());
        let refused = masks.hold(&mut [("w", one.layer_mut()), ("x", two.layer_mut())]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "layers `w` and `x` are the same memory and have different masks; keep one name, or give both one mask"
        );
    });
}

#[test]
fn optimisers_step_and_are_held_within_with_mut() {
    in_time(|| {
        let var = var();
        let params = Params::named([("w", var.clone())]).unwrap();
        let mut adam = AdamW::for_params(&params, ParamsAdamW::default()).unwrap();
        let mut sgd = Sgd::for_params(&params, SgdConfig::default()).unwrap();
        let mut pruner = Pruner::new("{'2 steps': {'method': 'unstr_global', 'density': 0.5}}".parse().unwrap());
        pruner.start(&mut params.clone()).unwrap();
        for _step in 0..3 {
            let mut store = var.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let gradients = Gradients::of(&params, &store);
            let read = gradients.layers();
            params.with_mut(|layers| {
                assert_eq!(pruner.before_step(&gradients).unwrap(), StepAction::Go);
                adam.step(&store).unwrap();
                sgd.step(&store).unwrap();
                let [first, second] = adam.moments_mut();
                pruner.after_step(layers, &mut [first, second, sgd.momentum_mut()]).unwrap();
                mask_gradients(&mut store, layers, pruner.held()).unwrap();
                DeviceMasks::new(pruner.held(), &Device::Cpu).unwrap().hold(layers).unwrap();
            });
            drop(read);
        }
        assert_eq!(params.revivals(pruner.masks()).unwrap(), 0);
    });
}

#[test]
fn two_threads_hold_and_train() {
    in_time(|| {
        let var = var();
        let params = Params::named([("w", var.clone())]).unwrap();
        let pruner = Pruner::new("{1: {'method': 'unstr_global', 'density': 0.5}}".parse().unwrap());
        thread::scope(|scope| {
            scope.spawn(|| (0..200).for_each(|_| var.set(&ones()).unwrap()));
            scope.spawn(|| (0..200).for_each(|_| half().hold(&mut params.clone()).unwrap()));
            scope.spawn(|| {
                (0..200).for_each(|_| drop(params.prepare(&pruner, Moment::Epoch(1), Evidence::default()).unwrap()));
            });
        });
    });
}
