//! Every call refuses bad input at once. None waits for a lock that its own thread holds.

use std::sync::mpsc;
use std::time::Duration;

use burn::module::{Lora, Module, ParamGroup};
use burn::nn::Linear;
use burn::optim::{AdamWConfig, GradientsParams};
use prune_burn::{BurnError, Evidence, Mask, Masks, ModulePruner, SharedPruner};
use prune_schedule::Moment;

use crate::nets::{Mlp, device};

/// The result of `run`, which must come within a minute.
fn in_time<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || _ = sender.send(run()));
    receiver.recv_timeout(Duration::from_secs(60)).unwrap()
}

#[derive(Module, Debug)]
struct Tied {
    first: Linear,
    second: Linear,
}

fn tied() -> Tied {
    let first = Mlp::new(1, &device()).fc1;
    Tied { second: first.clone(), first }
}

fn adapted() -> Mlp {
    let lora = Lora::new(2, 4.0).set_param_group(ParamGroup::from_path("fc1.weight"));
    Mlp::new(1, &device()).apply_lora(lora)
}

/// A pruner with masks of both layers in force, and with events to come.
fn masked(layers: [(&str, [usize; 2]); 2]) -> ModulePruner {
    let mask = |(name, shape): (&str, [usize; 2])| (name.to_owned(), Mask::none(&shape).unwrap());
    let strategy = "{1: {'method': 'unstr_global', 'density': 0.5, 'reopen': 'random', 'seed': 1},
                     '1 steps': {'method': 'unstr_global', 'density': 0.5, 'reopen': 'random', 'seed': 1}}";
    ModulePruner::with_masks(strategy.parse().unwrap(), layers.into_iter().map(mask).collect::<Masks>())
}

/// Checks that every call returns an error.
fn refused_by_all<M: Module + 'static>(pruner: ModulePruner, module: M) {
    type Way<M> = (&'static str, fn(ModulePruner, M) -> Option<BurnError>);
    let ways: [Way<M>; 13] = [
        ("check", |pruner, module| pruner.check(&module).err()),
        ("prepare", |mut pruner, module| pruner.prepare(Moment::Epoch(1), &module, Evidence::default()).err()),
        ("before_step", |mut pruner, module| pruner.before_step(&module, GradientsParams::new()).err()),
        ("step", |mut pruner, module| {
            pruner.step(0.01, module, GradientsParams::new(), &mut AdamWConfig::new().init()).err()
        }),
        ("after_step", |mut pruner, module| pruner.after_step(module, None).err()),
        ("end_epoch", |mut pruner, module| pruner.end_epoch(1, module, None).err()),
        ("hold", |mut pruner, module| pruner.hold(module).err()),
        ("attach", |mut pruner, module| pruner.attach(module).err()),
        ("hold_moments", |pruner, module| pruner.hold_moments(&module, &mut AdamWConfig::new().init()).err()),
        ("moment_revivals", |pruner, module| pruner.moment_revivals(&module, &AdamWConfig::new().init()).err()),
        ("shared check", |pruner, module| SharedPruner::new(pruner).with_epochs_of(1).check(&module).err()),
        ("shared attach", |pruner, module| SharedPruner::new(pruner).attach(module).err()),
        ("shared optimize", |pruner, module| {
            let shared = SharedPruner::new(pruner).with_epochs_of(1);
            let mut optimizer = AdamWConfig::new().init();
            let module = shared.optimize(module, &mut optimizer, 0.01, GradientsParams::new());
            assert!(shared.failure().is_some());
            shared.optimize(module, &mut optimizer, 0.01, GradientsParams::new());
            shared.finish().err()
        }),
    ];
    for (name, way) in ways {
        let (pruner, module) = (pruner.clone(), module.clone());
        let error = in_time(move || way(pruner, module).map(|error| error.to_string()));
        assert!(error.is_some(), "{name} has let it pass");
    }
}

#[test]
fn tied_parameters_with_two_masks_are_refused_in_time() {
    refused_by_all(masked([("first.weight", [12, 10]), ("second.weight", [12, 10])]), tied());
}

#[test]
fn a_mask_of_no_parameter_is_refused_in_time() {
    refused_by_all(masked([("fc1.weight", [12, 10]), ("fc3.weight", [10, 6])]), Mlp::new(1, &device()));
}

#[test]
fn an_adapter_beside_a_mask_is_refused_in_time() {
    refused_by_all(masked([("fc1.weight", [12, 10]), ("fc2.weight", [10, 6])]), adapted());
}

#[test]
fn a_parameter_that_changed_after_prepare_is_refused_in_time() {
    let error = in_time(|| {
        let mut pruner = ModulePruner::new("{1: {'method': 'unstr_global', 'density': 0.5}}".parse().unwrap());
        let event = pruner.prepare(Moment::Epoch(1), &Mlp::new(1, &device()), Evidence::default()).unwrap().unwrap();
        pruner.commit(event, Mlp::new(2, &device()), None).unwrap_err().to_string()
    });
    assert!(error.contains("has changed since the event was prepared"), "{error}");
}

/// Many threads train with one pruner: each step is whole, and none waits for ever.
#[test]
fn threads_that_share_a_pruner_end() {
    let shared = SharedPruner::new(ModulePruner::new(
        "{'8 steps': {'method': 'unstr_global', 'density': 0.5}}".parse().unwrap(),
    ));
    let steps = in_time(move || {
        std::thread::scope(|scope| {
            for seed in 0..4 {
                let shared = &shared;
                scope.spawn(move || {
                    let (mut model, mut optimizer) = (Mlp::new(seed, &device()), AdamWConfig::new().init());
                    for batch in 0..4 {
                        let gradients = shared.forward(&model).gradients(batch);
                        model = shared.optimize(model, &mut optimizer, 0.01, gradients);
                    }
                });
            }
        });
        assert_eq!(shared.finish().unwrap().len(), 1);
        shared.pruner().pruner().last_step()
    });
    assert_eq!(steps, Some(16));
}
