//! Prune modules of [burn]: strategies, masks that hold through its optimisers, resuming and reports.
//!
//! For burn 0.22, on any backend; tests run on Flex. A parameter's name is its path in the module (`fc1.weight`). The
//! facts about a layer follow from the class of its module: the weight of burn's `Linear` is (in, out), so its outputs
//! lie on axis 1, and embeddings are left dense unless they are named.
//!
//! It is not on crates.io yet. From a clone of the repository: `cargo add --path ../prune/adapters/prune-burn`.
//!
//! # In a loop of your own
//!
//! ```
//! use burn::module::Module;
//! use burn::nn::{Linear, LinearConfig};
//! use burn::optim::{AdamWConfig, GradientsParams};
//! use burn::tensor::activation::relu;
//! use burn::tensor::{Device, Distribution, Tensor};
//! use prune_burn::ModulePruner;
//!
//! #[derive(Module, Debug)]
//! struct Net { fc1: Linear, fc2: Linear }
//!
//! let device = Device::default().autodiff();
//! let mut net = Net { fc1: LinearConfig::new(16, 32).init(&device), fc2: LinearConfig::new(32, 4).init(&device) };
//! let mut optimizer = AdamWConfig::new().init();
//! let images = Tensor::<2>::random([8, 16], Distribution::Default, &device);
//!
//! // Two of every four inputs, after the first epoch.
//! let strategy = "{1: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': 'reduction'}}";
//! let mut pruner = ModulePruner::new(strategy.parse()?);
//! pruner.check(&net)?;
//! (net, _) = pruner.start(net)?;
//! for epoch in 1..=2 {
//!     for _batch in 0..3 {
//!         let loss = net.fc2.forward(relu(net.fc1.forward(images.clone()))).powf_scalar(2.0).mean();
//!         let gradients = GradientsParams::from_grads(loss.backward(), &net);
//!         // In the place of `optimizer.step(1e-3, net, gradients)`.
//!         (net, _) = pruner.step(1e-3, net, gradients, &mut optimizer)?;
//!     }
//!     let report;
//!     (net, report) = pruner.end_epoch(epoch, net, &mut optimizer)?;
//!     if let Some(report) = report {
//!         assert_eq!((epoch, report.selected.kept, report.selected.elements), (1, 320, 640));
//!     }
//! }
//! assert_eq!(pruner.revivals(&net)? + pruner.moment_revivals(&net, &optimizer)?, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`before_step`](ModulePruner::before_step) and [`after_step`](ModulePruner::after_step) are the two halves of
//! `step`, for a loop that steps in its own way: an event of RigL replaces a step. The gradients must be those of the
//! module as it is. To clip them, configure clipping in burn's optimiser.
//!
//! # In burn's `Learner`
//!
//! The module carries a [`SharedPruner`], and `TrainStep::optimize` calls it:
//!
//! ```
//! # use burn::module::Module;
//! # use burn::nn::{Linear, LinearConfig};
//! # use burn::tensor::Device;
//! use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
//! use burn::optim::{GradientsParams, ModuleOptimizer, MultiGradientsParams};
//! use prune_burn::{ModulePruner, SharedPruner};
//!
//! #[derive(Module, Debug)]
//! struct Net {
//!     fc: Linear,
//!     #[module(skip)]
//!     pruner: SharedPruner,
//! }
//!
//! // impl TrainStep for Net {
//! # impl Net {
//! fn optimize(self, optimizer: &mut ModuleOptimizer, rate: ModuleLearningRate, gradients: GradientsParams) -> Self {
//!     let pruner = self.pruner.clone();
//!     pruner.optimize(self, optimizer, rate, gradients)
//! }
//!
//! // Several devices come here; burn's own would step without masks.
//! fn optimize_multi(self, optimizer: &mut ModuleOptimizer, rate: ModuleLearningRate, gradients: MultiGradientsParams) -> Self {
//!     let pruner = self.pruner.clone();
//!     pruner.optimize_multi(self, optimizer, rate, gradients)
//! }
//! // }
//! # }
//!
//! let strategy = "{'100 steps': {'method': 'unstr_global', 'density': 0.5}, 3: {'method': 'unstr_global', 'density': 0.2}}";
//! // The `Learner` tells of no epoch: here one has 79 steps.
//! let pruner = SharedPruner::new(ModulePruner::new(strategy.parse()?)).with_epochs_of(79);
//! let net = Net { fc: LinearConfig::new(16, 4).init(&Device::default()), pruner: pruner.clone() };
//! pruner.check(&net)?;
//! let net = pruner.start(net)?;
//! // SupervisedTraining::new(..).launch(Learner::new(net, optimizer, rate));
//! // Its reports, once all events have happened. Nothing has trained here, and it says so.
//! let error = pruner.finish().map(|_| ()).map_err(|error| error.to_string());
//! assert!(error.is_err_and(|error| error.starts_with("training has ended after epoch 0, before epoch 3, step 100;")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Under `straight_through`, `TrainStep::step` runs the forward pass on `self.pruner.forward(self)`. Training on
//! replicas of the module (`ExecutionStrategy` with distributed data) is not supported: the replicas would share one
//! pruner, and each would count its steps.
//!
//! The `Learner`'s checkpoints do not hold the pruner. So launch only the epochs up to a checkpoint, and then save
//! [`to_json`](ModulePruner::to_json) of [`SharedPruner::pruner`] beside it. To go on, build a `SharedPruner` from
//! [`from_json`](ModulePruner::from_json), give a new module to [`attach`](SharedPruner::attach) instead of `start`,
//! and launch with `checkpoint`.
//!
//! # Two ways to keep masks in force
//!
//! | way | when | what it costs |
//! |---|---|---|
//! | zeros in gradients before a step, and in weights after it | always, unless you ask for the other way | in each step two passes over the masked layers, with one layer copied at a time (on Flex, at density 0.1, 1.3% of the step of a transformer block and 5.8% of LeNet-300-100's: `benches/hold.rs`, measured on two Zen 4 cores, 2026-11-28); on the device one byte for each masked weight |
//! | within the module ([`with_masks_in_module`](ModulePruner::with_masks_in_module)), as burn's reparameterisation | the optimiser is no `ModuleOptimizer` (L-BFGS), or the step is not yours; masks shall be part of the module's record | a masked copy of a layer for each use in a forward pass, kept until the backward pass |
//!
//! The first is the default because it costs less, lets RigL see the dense gradient, and leaves the module as it is.
//! Both select by masks (`mask_fill`) and never multiply. An optimiser's buffers are private in burn. Events write
//! zeros into them through the optimiser's record, and zero gradients keep those zeros from then on.
//! [`moment_revivals`](ModulePruner::moment_revivals) counts exceptions.
//!
//! A pruner refuses to step a module if its masks are not where this pruner keeps masks (beside the module, or within
//! it). A pruner with masks within the module needs [`attach`](ModulePruner::attach) again after a `materialize`. A
//! pruner without them refuses a module that contains masks.
//!
//! Muon mixes the elements of a matrix, so it moves pruned weights too; `after_step` sets them back to zero. With masks
//! within the module, Muon moves the unmasked weights, but forward passes still see zeros. L-BFGS does the same if its
//! history is older than a mask. So pass no optimiser (`None`) to the event, and make a new one after the event.
//!
//! # Groups of N:M
//!
//! Without an axis in the strategy, groups run along the last axis, which is that of the outputs in `Linear`'s (in,
//! out). Write `'axis': 'reduction'` for groups along the inputs, as sparse kernels need them.
//!
//! # Saving, resuming, inference
//!
//! Save the records of the module and of the optimiser with burn, and [`to_json`](ModulePruner::to_json) beside them. A
//! run that goes on from there equals one that was never stopped, bit for bit, if the optimiser's buffers have burn's
//! default type (below). Masks within the module must be [attached](ModulePruner::attach) before its record is loaded.
//! Inference needs no further step, since the weights are zero; burn's `materialize` merges masks within the module.
//!
//! # Other types than `f32`
//!
//! burn reads every buffer of an optimiser back as the default type of its default device, which is `f32`. So even
//! burn's own reload turns `f64` moments into `f32`. An event that would have to write such buffers is refused before
//! anything has happened. Set the default before the first tensor is made:
//!
//! ```standalone_crate
//! use burn::nn::LinearConfig;
//! use burn::optim::{AdamWConfig, GradientsParams};
//! use burn::tensor::{DType, Device, DeviceConfig, Distribution, FloatDType, Tensor};
//! use prune_burn::ModulePruner;
//!
//! let mut device = Device::default();
//! device.configure(DeviceConfig::default().float_dtype(FloatDType::F64))?;
//! let device = device.autodiff();
//! let (mut layer, mut optimizer) = (LinearConfig::new(8, 4).init(&device), AdamWConfig::new().init());
//! let mut pruner = ModulePruner::new("{1: {'method': 'unstr_global', 'density': 0.5}}".parse()?);
//! for epoch in 1..=2 {
//!     let loss = layer.forward(Tensor::<2>::random([4, 8], Distribution::Default, &device)).powf_scalar(2.0).mean();
//!     let gradients = GradientsParams::from_grads(loss.backward(), &layer);
//!     (layer, _) = pruner.step(1e-3, layer, gradients, &mut optimizer)?;
//!     (layer, _) = pruner.end_epoch(epoch, layer, &mut optimizer)?;
//! }
//! assert_eq!(layer.weight.dtype(), DType::F64);
//! assert_eq!(pruner.revivals(&layer)? + pruner.moment_revivals(&layer, &optimizer)?, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A tensor by itself
//!
//! [`PruneExt`] puts the methods of [`prune_core`] on burn's tensors and on [`TensorData`](burn::tensor::TensorData):
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use prune_burn::{Density, PruneExt};
//!
//! let mut weights = Tensor::<2>::from_data([[0.5, -3.0, 2.0], [-0.1, 0.2, 1.0]], &Device::default());
//! let mask = weights.mask_unstructured(Density::new(0.5)?)?;
//! weights.apply_mask(&mask)?;
//! assert_eq!(weights.into_data().try_into_vec::<f32>()?, [0.0, -3.0, 2.0, 0.0, 0.0, 1.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//!
//! - Masks are made on the host: an event copies the parameters and the optimiser's buffers there and back. A step
//!   copies nothing to the host, except gradients that an event needs and, under `straight_through`, every parameter.
//!   Only Flex is tested; other backends are reached only through burn's own operations.
//! - A class is known by its name: a module of your own that is called `Linear` is taken for burn's. Nothing is guessed
//!   about other modules: an event that needs an axis of one is refused and says so; give the axis with
//!   [`with_facts`](ModulePruner::with_facts).
//! - One parameter under two names is refused if either name is pruned, since burn's optimisers move only the first.
//! - An event refuses optimisers with buffers of a type that is not burn's default, as above.
//! - In burn, clones of a module share the running statistics of its norms. An event that rewinds sets them back in
//!   every clone, even if the event is then refused.
//! - A parameter has at most one reparameterisation. If masks are not within the module, LoRA on a masked parameter is
//!   refused. If they are, burn drops the later adapter without a message.
//! - Quantised, integer and boolean parameters are listed, but refused if an event selects them.
//! - Adafactor's sums of rows and columns belong to no single weight and are not held; weights are.
//!   [`unheld_buffers`](ModulePruner::unheld_buffers) names them after an event.
//! - These depend on burn 0.22 and must be checked with the next version: the names of its classes and of
//!   `enter_module`'s containers, `Reparameterization` (new in 0.22), and the format of an optimiser's record, which
//!   `burn-pack` reads.
//!
//! # Features
//!
//! `rayon` (default) is forwarded to prune-core and prune-schedule, `testing` to prune-core.
//!
//! # Map
//!
//! - `pruner/`: the interface for users; `shared`: the same for the `Learner`
//! - `parameters`: lists a module, with the facts from `classes`; `gradients`: lists its gradients
//! - `fit`: tests that masks fit a module
//! - `closed`: holds masks on devices
//! - `write`, `prune_mask`: put masks in force; `moments`: does so in an optimiser's record
//! - `host`: lends tensors to prune-core

mod classes;
mod closed;
mod error;
mod fit;
mod gradients;
mod host;
mod moments;
mod parameters;
mod path;
mod prune_mask;
mod pruner;
mod shared;
mod write;

pub use burn;
pub use prune_core;
pub use prune_schedule;

pub use error::BurnError;
pub use host::{LendMut, PruneExt, named, named_mut};
pub use parameters::Parameters;
pub use prune_mask::PruneMask;
pub use pruner::{ModulePruner, PreparedEvent};
pub use shared::SharedPruner;

pub use prune_core::{
    Density, Element, Error, ErrorKind, LayerMut, LayerRef, Layers, LayersMut, Mask, Masks, NmPattern, RankBy, Ranked,
    Selected, Selector, Threads,
};
pub use prune_schedule::{Evidence, LayerFacts, Pruner, Report, StepAction, Strategy};
