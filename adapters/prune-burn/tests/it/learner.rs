//! Pruning in burn's `Learner`, which calls only the module.

use std::sync::Arc;

use burn::data::dataloader::batcher::Batcher;
use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
use burn::data::dataset::InMemDataset;
use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer, MultiGradientsParams};
use burn::tensor::{Device, Tensor};
use burn::train::{InferenceStep, Learner, RegressionOutput, SupervisedTraining, TrainOutput, TrainStep};
use prune_burn::{ModulePruner, SharedPruner};

use crate::nets::{Mlp, device, filled, values};

#[derive(Module, Debug)]
struct Model {
    net: Mlp,
    #[module(skip)]
    pruner: SharedPruner,
}

type Batch = (Tensor<2>, Tensor<2>);

impl Model {
    fn output(&self, (input, targets): Batch) -> RegressionOutput {
        let output = self.net.forward(input);
        let loss = (output.clone() - targets.clone()).powf_scalar(2.0).mean();
        RegressionOutput { loss, output, targets }
    }
}

impl TrainStep for Model {
    type Input = Batch;
    type Output = RegressionOutput;

    fn step(&self, batch: Batch) -> TrainOutput<RegressionOutput> {
        let output = self.pruner.forward(self).output(batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }

    fn optimize(self, optimizer: &mut ModuleOptimizer, rate: ModuleLearningRate, gradients: GradientsParams) -> Self {
        let pruner = self.pruner.clone();
        pruner.optimize(self, optimizer, rate, gradients)
    }

    fn optimize_multi(
        self,
        optimizer: &mut ModuleOptimizer,
        rate: ModuleLearningRate,
        gradients: MultiGradientsParams,
    ) -> Self {
        let pruner = self.pruner.clone();
        pruner.optimize_multi(self, optimizer, rate, gradients)
    }
}

impl InferenceStep for Model {
    type Input = Batch;
    type Output = RegressionOutput;

    fn step(&self, batch: Batch) -> RegressionOutput {
        self.output(batch)
    }
}

/// A batch that depends only on its numbers.
#[derive(Clone)]
struct Numbers;

impl Batcher<u64, Batch> for Numbers {
    fn batch(&self, items: Vec<u64>, device: &Device) -> Batch {
        (filled(items[0], [items.len(), 12], device), filled(items[0] + 1000, [items.len(), 6], device))
    }
}

fn loader(items: u64) -> Arc<dyn DataLoader<Batch>> {
    let items = InMemDataset::new((0..items).collect());
    DataLoaderBuilder::new(Numbers).batch_size(4).set_device(Device::default()).build(items)
}

/// Trains three epochs of five steps.
fn trained(strategy: &str, epochs_of: Option<u64>) -> (Model, SharedPruner) {
    let mut shared = SharedPruner::new(ModulePruner::new(strategy.parse().unwrap()));
    if let Some(steps) = epochs_of {
        shared = shared.with_epochs_of(steps);
    }
    let model = Model { net: Mlp::new(7, &device()), pruner: shared.clone() };
    shared.check(&model).unwrap();
    let model = shared.start(model).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let training =
        SupervisedTraining::new(folder.path(), loader(20), loader(4)).with_application_logger(None).num_epochs(3);
    let learned = training.launch(Learner::new(model, AdamWConfig::new().init(), 0.01));
    (learned.model, shared)
}

#[test]
fn a_strategy_keyed_by_steps_prunes_in_the_learner() {
    let strategy = "{'4 steps': {'method': 'unstr_unified_local', 'density': 0.5},
                     '9 steps': {'method': 'str_unified_local', 'pattern': '1:4', 'axis': 'reduction'}}";
    let (model, shared) = trained(strategy, None);
    let reports = shared.finish().unwrap();
    assert_eq!(reports.len(), 2);
    let pruner = shared.pruner();
    assert_eq!(pruner.pruner().last_step(), Some(15));
    assert_eq!(pruner.revivals(&model).unwrap(), 0);
    let weights = values(&model.net.fc1.weight);
    assert_eq!(weights.iter().filter(|weight| **weight != 0.0).count(), 30);
}

#[test]
fn a_strategy_keyed_by_epochs_is_told_their_length() {
    let strategy = "{1: {'method': 'unstr_global', 'density': 0.5}, 3: {'method': 'unstr_global', 'density': 0.2}}";
    let (model, shared) = trained(strategy, Some(5));
    assert_eq!(shared.finish().unwrap().len(), 2);
    let pruner = shared.pruner();
    assert_eq!(pruner.pruner().last_epoch(), Some(3));
    assert_eq!(pruner.revivals(&model).unwrap(), 0);
    assert_eq!(pruner.masks().iter().map(|(_, mask)| mask.kept_len()).sum::<usize>(), 36);
}

#[test]
fn rigl_runs_in_the_learner() {
    let strategy =
        "{0: {'method': 'unstr_unified_local', 'density': 0.3}, '3..=12 steps': {'method': 'rigl', 'every': 3}}";
    let (model, shared) = trained(strategy, None);
    let reports = shared.finish().unwrap();
    assert_eq!(reports.len(), 5);
    let pruner = shared.pruner();
    assert_eq!(pruner.revivals(&model).unwrap(), 0);
    assert_eq!(pruner.masks().iter().map(|(_, mask)| mask.kept_len()).sum::<usize>(), 54);
}

#[test]
fn after_an_error_the_module_stays_and_the_error_is_returned() {
    let strategy = "{'2 steps': {'method': 'unstr_local', 'density': {'net.fc1.weight': 0.5}},
                     '3 steps': {'method': 'unstr_local', 'density': {'net.fc1.weight': 0.9}}}";
    let pruner = ModulePruner::new(strategy.parse().unwrap());
    let shared = SharedPruner::new(pruner);
    let mut model = Model { net: Mlp::new(7, &device()), pruner: shared.clone() };
    let mut optimizer = AdamWConfig::new().init();
    let mut weights = Vec::new();
    for batch in 0..5 {
        let gradients = model.net.gradients(batch);
        model = shared.optimize(model, &mut optimizer, 0.01, gradients);
        weights.push(values(&model.net.fc1.weight));
    }
    assert!(shared.failure().unwrap().contains("`net.fc1.weight`"));
    let error = shared.finish().unwrap_err().to_string();
    assert!(error.contains("only 60 are alive"), "{error}");
    assert_eq!(shared.reports().len(), 1);
    assert_eq!(weights[2], weights[4]);
}

#[test]
fn gradients_of_several_devices_are_added_up() {
    let pruner = SharedPruner::new(ModulePruner::new("{}".parse().unwrap()));
    let model = Model { net: Mlp::new(7, &device()), pruner: pruner.clone() };
    let gradients = || {
        let device = device().without_autodiff();
        MultiGradientsParams { grads: [1, 2].map(|batch| (model.net.gradients(batch), device.clone())).into() }
    };
    let stepped = pruner.optimize_multi(model.clone(), &mut AdamWConfig::new().init(), 0.01, gradients());
    let expected = AdamWConfig::new().init().step_multi(0.01, model.clone(), gradients());
    assert_eq!(values(&stepped.net.fc1.weight), values(&expected.net.fc1.weight));
    assert_ne!(values(&stepped.net.fc1.weight), values(&model.net.fc1.weight));
}

/// Without the length of an epoch, events keyed by epochs would never happen.
#[test]
fn epochs_of_which_nobody_tells_the_length_are_refused() {
    for strategy in
        ["{3: {'method': 'unstr_global', 'density': 0.2}}", "{-1: {'method': 'unstr_global', 'density': 0.2}}"]
    {
        let shared = SharedPruner::new(ModulePruner::new(strategy.parse().unwrap()));
        let model = Model { net: Mlp::new(7, &device()), pruner: shared.clone() };
        let refused = |error: String| assert!(error.contains("by `with_epochs_of`"), "{error}");
        refused(shared.check(&model).unwrap_err().to_string());
        refused(shared.start(model.clone()).unwrap_err().to_string());
        // Without `check` and `start`, `finish` returns the error, and nothing has trained.
        let before = values(&model.net.fc1.weight);
        let gradients = model.net.gradients(1);
        let model = shared.optimize(model, &mut AdamWConfig::new().init(), 0.01, gradients);
        assert_eq!(values(&model.net.fc1.weight), before);
        refused(shared.finish().unwrap_err().to_string());
        let told = SharedPruner::new(ModulePruner::new(strategy.parse().unwrap())).with_epochs_of(5);
        assert!(told.check(&model).is_ok());
    }
    // Epoch 0 is before training.
    let start = "{0: {'method': 'unstr_global', 'density': 0.2}}";
    let shared = SharedPruner::new(ModulePruner::new(start.parse().unwrap()));
    assert!(shared.check(&Mlp::new(7, &device())).is_ok());
}

#[test]
fn events_that_training_has_not_reached_are_named() {
    let strategy = "{'2..=4': {'method': 'unstr_global', 'density': 0.2, 'schedule': 'cubic'},
                     '90 steps': {'method': 'unstr_global', 'density': 0.1}}";
    let (_, shared) = trained(strategy, Some(5));
    let error = shared.finish().unwrap_err().to_string();
    let expected = "training has ended after epoch 3 and step 15, before epoch 2..=4, step 90; train on, or give these \
                    events keys that training reaches";
    assert_eq!(error, expected);
    assert_eq!(shared.reports().len(), 2);
}

/// The module for the forward pass of `step` is masked, and the dense weights go on training.
#[test]
fn straight_through_runs_in_the_learner() {
    let strategy = "{'1..=3': {'method': 'unstr_unified_local', 'density': 0.25, 'straight_through': True}}";
    let shared = SharedPruner::new(ModulePruner::new(strategy.parse().unwrap())).with_epochs_of(5);
    let model = Model { net: Mlp::new(7, &device()), pruner: shared.clone() };
    let forward = shared.forward(&model);
    let zeros = |model: &Model| values(&model.net.fc1.weight).iter().filter(|weight| **weight == 0.0).count();
    assert_eq!((zeros(&forward), zeros(&model)), (90, 0));
    let (learned, shared) = trained(strategy, Some(5));
    assert_eq!(shared.finish().unwrap().len(), 3);
    assert_eq!(zeros(&learned), 90);
    // The forward pass has its own weights, so the result differs from the run without it.
    let (plain, _) = trained(&strategy.replace(", 'straight_through': True", ""), Some(5));
    assert_ne!(values(&plain.net.fc1.weight), values(&learned.net.fc1.weight));
}

/// A run that goes on from the `Learner`'s checkpoint and the pruner's state equals the run that was not stopped.
#[test]
fn training_goes_on_from_a_checkpoint() {
    let strategy =
        "{0: {'method': 'unstr_global', 'density': 0.6}, '4 steps': {'method': 'unstr_global', 'density': 0.5},
                     3: {'method': 'unstr_global', 'density': 0.2}}";
    for within in [false, true] {
        let build = |pruner: ModulePruner| if within { pruner.with_masks_in_module() } else { pruner };
        let folder = tempfile::tempdir().unwrap();
        let train = |folder: &std::path::Path, model: Model, epochs: usize, from: Option<usize>| {
            let mut training = SupervisedTraining::new(folder, loader(20), loader(4))
                .with_application_logger(None)
                .with_default_checkpointers()
                .num_epochs(epochs);
            if let Some(epoch) = from {
                training = training.checkpoint(epoch);
            }
            training.launch(Learner::new(model, AdamWConfig::new().init(), 0.01)).model
        };
        let begun = || {
            let shared = SharedPruner::new(build(ModulePruner::new(strategy.parse().unwrap()))).with_epochs_of(5);
            let model = Model { net: Mlp::new(7, &device()), pruner: shared.clone() };
            (shared.start(model).unwrap(), shared)
        };
        let (model, whole) = begun();
        let expected = train(tempfile::tempdir().unwrap().path(), model, 4, None);
        assert_eq!(whole.finish().unwrap().len(), 3);

        let (model, first) = begun();
        train(folder.path(), model, 2, None);
        let state = first.pruner().to_json();
        assert_eq!(first.reports().len(), 2);

        let shared = SharedPruner::new(build(ModulePruner::from_json(&state).unwrap())).with_epochs_of(5);
        let model = shared.attach(Model { net: Mlp::new(99, &device()), pruner: shared.clone() }).unwrap();
        let model = train(folder.path(), model, 4, Some(2));
        assert_eq!(shared.finish().unwrap().len(), 1);
        assert_eq!(shared.pruner().to_json(), whole.pruner().to_json());
        let weights = |model: Model| {
            let net = model.net.materialize();
            [values(&net.fc1.weight), values(&net.fc2.weight)].concat()
        };
        assert_eq!(shared.pruner().revivals(&model).unwrap(), 0);
        assert_eq!(weights(model), weights(expected));
    }
}
