//! In burn's `Learner`, which calls the module alone.

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
        let output = self.output(batch);
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

/// A batch that follows from its numbers.
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
