//! Prune networks that are trained with [candle](candle_core): exact masks, zeros that stay zero, and optimisers that
//! resume.
//!
//! The variables of a `VarMap` become [`Params`]: layers with names, in the order of names. A [`Pruner`] carries out a
//! [`Strategy`] on them. [`AdamW`] and [`Sgd`] give access to their buffers, which can then be held and saved. Masks
//! equal those of every other backend, bit for bit.
//!
//! It is not on crates.io yet. From a clone of the repository: `cargo add --path ../prune/adapters/prune-candle`.
//!
//! # In a training loop
//!
//! ```
//! use prune_candle::candle_core::{DType, Device, Tensor};
//! use prune_candle::candle_nn::{Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, linear};
//! use prune_candle::prune_schedule::StepAction;
//! use prune_candle::{AdamW, Evidence, Gradients, Params, Pruner};
//!
//! // A model as candle has it.
//! let varmap = VarMap::new();
//! let vars = VarBuilder::from_varmap(&varmap, DType::F32, &Device::Cpu);
//! let (hidden, out) = (linear(16, 8, vars.pp("hidden"))?, linear(8, 4, vars.pp("out"))?);
//! let inputs = Tensor::randn(0f32, 1.0, (32, 16), &Device::Cpu)?;
//!
//! // Its parameters, an optimiser, and what is pruned when.
//! let mut params = Params::of(&varmap)?;
//! let mut optimiser = AdamW::for_params(&params, ParamsAdamW::default())?;
//! let mut pruner = Pruner::new("{2: {'method': 'str_unified_local', 'pattern': (2, 4)}}".parse()?);
//! for warning in params.check(&pruner)? {
//!     println!("{warning}"); // before any training
//! }
//! pruner.start(&mut params)?;
//!
//! for epoch in 1..=3 {
//!     for _batch in 0..5 {
//!         let loss = out.forward(&hidden.forward(&inputs)?.relu()?)?.sqr()?.mean_all()?;
//!         let gradients = loss.backward()?;
//!         if pruner.before_step(&Gradients::of(&params, &gradients))? == StepAction::Go {
//!             optimiser.step(&gradients)?;
//!         }
//!         let [first, second] = optimiser.moments_mut();
//!         pruner.after_step(&mut params, &mut [first, second])?; // zeros stay zero
//!     }
//!     let [first, second] = optimiser.moments_mut();
//!     if let Some(report) = params.end_epoch(&mut pruner, epoch, &mut [first, second], Evidence::default())? {
//!         println!("{report}");
//!     }
//! }
//! // Pruned weights have no moments either: a state that is saved now is as sparse.
//! assert_eq!(optimiser.moments()[0].revivals(pruner.masks())?, 0);
//! // Two of every four inputs of each output, an epoch after the event.
//! let kept = hidden.weight().ne(0f32)?.to_dtype(DType::F32)?.reshape((8, 4, 4))?.sum(2)?;
//! assert!(kept.flatten_all()?.to_vec1::<f32>()?.iter().all(|&kept| kept == 2.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Names are those of the map, so a strategy says `hidden.weight`. candle's `Linear` keeps (out, in), so N:M along the
//! last axis, the default, groups inputs. An event without names of layers takes every parameter of two axes or more as
//! a weight. [`Params::check`] warns of those that look like embeddings, and [`Params::with_dense`] leaves them dense.
//! **The weights of `ConvTranspose1d` and `ConvTranspose2d` have shape (in, out / groups, ..)**, and only some of their
//! names tell them from those of a convolution. Give their axes with [`Params::with_axes`]; otherwise an event of
//! channels removes inputs instead of outputs. [`Params::with_facts`] takes all other facts, and [`Params::pruner`]
//! makes a pruner that knows them. [`Params::of`] refuses a variable with two names; [`Params::joined`] gives it one
//! name.
//!
//! # Saving and resuming
//!
//! Three files: the weights (`VarMap::save`), the buffers ([`AdamW::save`], [`Sgd::save`]) and the pruner with its
//! masks (`Pruner::to_json`). A run that is resumed from them ends as one that was never stopped, bit for bit. In the
//! file of weights, too, weights outside the masks are zero, so `prune check` and every other reader see the sparsity.
//!
//! ```
//! use prune_candle::candle_core::{DType, Device};
//! use prune_candle::candle_nn::{ParamsAdamW, VarBuilder, VarMap, linear};
//! use prune_candle::{AdamW, Params, Pruner};
//!
//! # let folder = std::env::temp_dir().join(format!("prune-candle-page-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! let mut varmap = VarMap::new();
//! linear(16, 8, VarBuilder::from_varmap(&varmap, DType::F32, &Device::Cpu))?;
//! let params = Params::of(&varmap)?;
//! let mut optimiser = AdamW::for_params(&params, ParamsAdamW::default())?;
//! let pruner = Pruner::new("{1: {'method': 'unstr_global', 'density': 0.1}}".parse()?);
//!
//! varmap.save(folder.join("weights.safetensors"))?;
//! optimiser.save(folder.join("optimiser.safetensors"))?;
//! std::fs::write(folder.join("pruner.json"), pruner.to_json())?;
//! // Later, with a model and an optimiser made as before:
//! varmap.load(folder.join("weights.safetensors"))?;
//! optimiser.load(folder.join("optimiser.safetensors"))?;
//! assert_eq!(Pruner::from_json(&std::fs::read_to_string(folder.join("pruner.json"))?)?, pruner);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # One tensor
//!
//! [`PruneExt`] puts the methods of [`prune_core`] on `Tensor` and `Var`, for `f32`, `f64`, `f16` or `bf16` and any
//! strides. Methods that write do so in place, and **a clone of a candle tensor is the same memory**:
//! [`LendMut::duplicate`] makes a copy.
//!
//! ```
//! use prune_candle::candle_core::{Device, Tensor};
//! use prune_candle::PruneExt;
//!
//! let mut weights = Tensor::new(&[[0.5f32, -3.0, 2.0], [-0.1, 0.2, 1.0]], &Device::Cpu)?;
//! let mask = weights.mask_unstructured("0.5".parse()?)?;
//! weights.apply_mask(&mask)?;
//! assert_eq!(weights.to_vec2::<f32>()?, [[0.0, -3.0, 2.0], [0.0, 0.0, 1.0]]);
//! // In a view of the same memory.
//! assert_eq!(weights.t()?.mask_unstructured("0.5".parse()?)?.kept_len(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Cost of holding
//!
//! Holding weights and both moments after each step takes 1.1% of a step of a transformer block and 2.4% of one of
//! LeNet-300-100, at density 0.1 (`benches/hold.rs`, measured on two Zen 4 cores, 2026-11-28).
//!
//! # candle's own AdamW
//!
//! Its moments are private, so nothing can hold them. [`mask_gradients`] shows how to use it anyway, and what that
//! costs.
//!
//! # Devices
//!
//! Masks are made on the host. [`DeviceMasks`] applies them on the device of the weights, by `where_cond`; its page has
//! the loop. **Tests ran on the host only, not on CUDA or Metal.**
//!
//! # Limits
//!
//! * Integers, 8-bit and smaller floats, and tensors on devices are listed, but refused with the reason if an event
//!   selects them.
//! * Layers are read through a copy. candle's lock must not be held while other code runs: code that sets a variable
//!   during that time would wait for ever. Exceptions, which copy nothing: [`Params::check`], [`Params::revivals`],
//!   every hold, and [`Params::prepare`] and [`Params::end_epoch`] if no evidence is given. Views with gaps are written
//!   through a copy; variables never are such views.
//! * If one of candle's own guards (`storage_and_layout`) is alive while the same tensor is written, the thread waits
//!   for ever, here as in candle.
//! * A `VarMap` in which a variable was replaced is another model: [`Params::check_current`] detects it.
//! * Optimisers take whole tensors at a time, as candle's do: a step allocates some tensors of a parameter's size.
//!
//! # Versions
//!
//! For candle 0.11. The next version may change these: `InplaceOp1` and `Tensor::inplace_op1` (the only way to write),
//! `Tensor::storage_and_layout` with the variants of `CpuStorage` (reading), the fields of `ParamsAdamW`, and the names
//! that `VarMap` writes to files. The arithmetic of candle's `AdamW` and `SGD` is followed to the bit, and tests fail
//! when it changes.
//!
//! # Features
//!
//! `rayon` (default) is forwarded to prune-core and prune-schedule: masks are made and applied on all threads. They are
//! the same without it. `testing` is forwarded to prune-core. candle's devices are features of candle; name them in
//! your own manifest.
//!
//! # Map
//!
//! - `tensor/`: lends candle's memory
//! - `params/`: lists parameters
//! - `gradients`: names gradients and masks them
//! - `optim/`: the optimisers
//! - `device`: masks as tensors
//!
//! Everything else is [`prune_core`] and [`prune_schedule`], which are re-exported, as are [`candle_core`] and
//! [`candle_nn`].

mod device;
mod error;
mod gradients;
mod optim;
mod params;
mod tensor;

pub use candle_core;
pub use candle_nn;
pub use prune_core;
pub use prune_schedule;

pub use device::{DeviceMasks, mask_tensor};
pub use error::{CandleError, StateMismatch};
pub use gradients::{Gradients, mask_gradients};
pub use optim::{AdamW, Sgd, SgdConfig};
pub use params::{Params, ParamsWarning, PreparedEvent, RoleWarning};
pub use prune_core::{
    Density, Element, Error, ErrorKind, LayerMut, LayerRef, Layers, LayersMut, Mask, Masks, NmPattern, RankBy, Ranked,
    Selected, Selector, Threads,
};
pub use prune_schedule::{Evidence, LayerFacts, Pruner, Report, Strategy};

prune_core::define_prune_ext! {
    /// # Examples
    ///
    /// ```
    /// use prune_candle::candle_core::{Device, Tensor};
    /// use prune_candle::{Density, PruneExt};
    ///
    /// let mut weights = Tensor::new(&[[0.5f32, -3.0], [2.0, 0.1]], &Device::Cpu)?;
    /// let mask = weights.mask_unstructured(Density::new(0.5)?)?;
    /// weights.apply_mask(&mask)?;
    /// assert_eq!(weights.to_vec2::<f32>()?, [[0.0, -3.0], [2.0, 0.0]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
}
