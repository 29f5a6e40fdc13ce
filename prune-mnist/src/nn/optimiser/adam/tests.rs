//! Adam, compared with its definition.

#![allow(clippy::unwrap_used, reason = "tests")]
use proptest::prelude::*;
use prune_core::{LayersMut, Mask, Masks};

use super::*;
use crate::nn::backends::{NalgebraParams, NdarrayParams};
use crate::nn::spec::{Layer, ModelSpec};

/// Two inputs and three features: a kernel of six weights and a bias of three.
fn specs() -> Vec<ParamSpec> {
    ModelSpec::new("m", [1, 1, 2], vec![Layer::Dense { features: 3 }]).parameters().unwrap()
}

/// Algorithm 1 of the paper, word by word, for one weight.
struct Plain {
    weight: f64,
    m: f64,
    v: f64,
    t: i32,
}

impl Plain {
    fn step(&mut self, g: f64, alpha: f64) {
        self.t += 1;
        self.m = 0.9 * self.m + (1.0 - 0.9) * g;
        self.v = 0.999 * self.v + (1.0 - 0.999) * g * g;
        let m_hat = self.m / (1.0 - 0.9_f64.powi(self.t));
        let v_hat = self.v / (1.0 - 0.999_f64.powi(self.t));
        self.weight -= alpha * m_hat / (v_hat.sqrt() + 1e-8);
    }
}

#[test]
fn the_first_steps_are_those_worked_out_by_hand() {
    let specs = specs();
    let (mut params, mut gradients) = (NdarrayParams::<f64>::zeros(&specs), NdarrayParams::<f64>::zeros(&specs));
    let mut adam = Adam::new(&specs);
    gradients.values_mut(0)[0] = 2.0;
    adam.step(&mut params, &gradients, 0.1).unwrap();
    // m = 0.2, v = 0.004; corrected 2 and 4: the step is 0.1 * 2 / 2.
    assert!((params.values(0)[0] + 0.1).abs() < 1e-9);
    gradients.values_mut(0)[0] = -1.0;
    adam.step(&mut params, &gradients, 0.1).unwrap();
    // m = 0.18 - 0.1 = 0.08, v = 0.003996 + 0.001 = 0.004996; corrected 0.08 / 0.19 and 0.004996 / 0.001999.
    assert!((adam.buffers()[0].1.values(0)[0] - 0.08).abs() < 1e-15);
    assert!((adam.buffers()[1].1.values(0)[0] - 0.004_996).abs() < 1e-15);
    let second = 0.1 * (0.08 / 0.19) / (0.004_996_f64 / 0.001_999).sqrt();
    assert!((params.values(0)[0] + 0.1 + second).abs() < 1e-9, "{}", params.values(0)[0]);
    assert_eq!(adam.steps, 2);
}

/// One step for each gradient; returns the weights afterwards.
fn run<T: Real, P: ParamStorage<T>>(start: &[f64], gradients: &[Vec<f64>], rate: f64) -> Vec<f64> {
    let specs = specs();
    let (mut params, mut gradient) = (P::zeros(&specs), P::zeros(&specs));
    let fill = |set: &mut P, from: &[f64]| {
        set.values_mut(0).iter_mut().zip(from).for_each(|(value, &from)| *value = T::from_f64(from));
    };
    fill(&mut params, start);
    let mut adam = Adam::new(&specs);
    for step in gradients {
        fill(&mut gradient, step);
        adam.step(&mut params, &gradient, T::from_f64(rate)).unwrap();
    }
    params.values(0).iter().map(|&value| Real::to_f64(value)).collect()
}

fn gradient() -> impl Strategy<Value = f64> {
    prop_oneof![2 => -1.0..1.0, 1 => -1e-9..1e-9, 1 => Just(0.0), 1 => -1e6..1e6]
}

proptest! {
    #[test]
    fn follows_the_definition(
        start in prop::collection::vec(-1.0..1.0, 6),
        gradients in prop::collection::vec(prop::collection::vec(gradient(), 6), 1..40),
        rate in 1e-4..0.1,
    ) {
        let mut plain: Vec<Plain> = start.iter().map(|&weight| Plain { weight, m: 0.0, v: 0.0, t: 0 }).collect();
        for step in &gradients {
            plain.iter_mut().zip(step).for_each(|(plain, &gradient)| plain.step(gradient, rate));
        }
        let rows = run::<f64, NdarrayParams<f64>>(&start, &gradients, rate);
        for (got, plain) in rows.iter().zip(&plain) {
            prop_assert!((got - plain.weight).abs() < 1e-9, "{got} {}", plain.weight);
        }
        // Memory order does not matter to an optimiser.
        prop_assert_eq!(&rows, &run::<f64, NalgebraParams<f64>>(&start, &gradients, rate));
        // A step is at most about 7 rates long, and f32 loses a millionth of that.
        for (got, plain) in run::<f32, NdarrayParams<f32>>(&start, &gradients, rate).iter().zip(&plain) {
            prop_assert!((got - plain.weight).abs() < 1e-5 * gradients.len() as f64, "{got} {}", plain.weight);
        }
    }
}

fn masked<P: ParamStorage<f32> + LayersMut + prune_core::Layers>() {
    let specs = specs();
    let (mut params, mut gradients) = (P::zeros(&specs), P::zeros(&specs));
    let mut masks = Masks::default();
    masks.insert("Dense_0-kernel", Mask::from_bools(&[2, 3], &[true, false, false, true, false, true]).unwrap());
    params.values_mut(0).fill(0.5);
    let mut adam = Adam::new(&specs);
    for step in 0..50 {
        let values = gradients.values_mut(0).iter_mut().enumerate();
        values.for_each(|(i, value)| *value = ((step * 7 + i * 3) as f32).sin());
        if step == 10 {
            // From here on the mask is in force: the gradients alone are masked at each step.
            masks.hold(&mut params).unwrap();
            adam.buffers_mut().into_iter().for_each(|(_, buffer)| masks.hold(buffer).unwrap());
        }
        if step >= 10 {
            masks.hold(&mut gradients).unwrap();
        }
        adam.step(&mut params, &gradients, 0.01).unwrap();
        if step >= 10 {
            assert_eq!(masks.revivals(&params).unwrap(), 0);
            for (name, buffer) in adam.buffers() {
                assert_eq!(masks.revivals(buffer).unwrap(), 0, "{name}");
            }
            let zeros = params.values(0).iter().filter(|&&value| value == 0.0 && value.is_sign_positive()).count();
            assert_eq!(zeros, 3, "pruned weights are +0.0 and the others moved");
        }
    }
}

#[test]
fn masked_gradients_keep_zeros_zero_in_weights_and_both_buffers() {
    masked::<NdarrayParams<f32>>();
    masked::<NalgebraParams<f32>>();
}

#[test]
fn threads_do_not_change_a_bit() {
    // More than two parts, the last one not full.
    let specs = ModelSpec::mlp().parameters().unwrap();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (mut params, mut gradients) =
                (NdarrayParams::<f32>::zeros(&specs), NdarrayParams::<f32>::zeros(&specs));
            let mut adam = Adam::new(&specs);
            for step in 0..3 {
                for index in 0..specs.len() {
                    let values = gradients.values_mut(index).iter_mut().enumerate();
                    values.for_each(|(i, value)| *value = ((i * 31 + step * 17 + index) as f32).sin() * 0.1);
                }
                adam.step(&mut params, &gradients, 1e-3).unwrap();
            }
            let sets = [&params].into_iter().chain(adam.buffers().into_iter().map(|(_, buffer)| buffer));
            let bits = |set: &NdarrayParams<f32>| -> Vec<u32> {
                (0..specs.len()).flat_map(|i| set.values(i).iter().map(|v| v.to_bits()).collect::<Vec<_>>()).collect()
            };
            sets.flat_map(bits).collect::<Vec<u32>>()
        })
    };
    let one = run(1);
    assert!([2, 3, 7].into_iter().all(|threads| run(threads) == one));
}

#[test]
fn another_models_gradients_are_refused_before_a_write() {
    let other = ModelSpec::mlp().parameters().unwrap();
    let mut params = NdarrayParams::<f32>::zeros(&specs());
    let mut adam = Adam::new(&specs());
    let message = adam.step(&mut params, &NdarrayParams::zeros(&other), 0.1).unwrap_err().to_string();
    assert_eq!(message, "gradients: 6 tensors, but the model has 2");
    assert_eq!((adam.steps, params), (0, NdarrayParams::zeros(&specs())));
}
