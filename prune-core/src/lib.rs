//! Exact pruning masks for the weights of neural networks, on any tensor type.
//!
//! A density or an N:M pattern goes in, a packed [`Mask`] comes out. It keeps exactly the number of elements asked
//! for, whatever the ties, zeros and infinities. It is the same, bit for bit, on any backend, memory layout, number
//! of threads and instruction set. It takes linear time, without a sort. Training loops then keep the zeros zero.
//!
//! Most users use this crate through an adapter (`prune-ndarray`, `prune-nalgebra`, `prune-candle`, `prune-burn` or the
//! Python package), and strategies over epochs through `prune-schedule`. Use this crate
//! directly if you write a backend or hold your own memory.
//!
//! It is not on crates.io yet. From a clone of the repository: `cargo add --path ../prune/prune-core`.
//!
//! # One mask
//!
//! ```
//! use prune_core::{Density, PlainTensor, PruneExt};
//!
//! let mut weights = PlainTensor::from_logical(&[2, 4], vec![0.5f32, -3.0, 2.0, 0.1, 0.0, -0.2, 0.3, 0.4])?;
//! let mask = weights.mask_unstructured(Density::new(0.25)?)?;
//! weights.apply_mask(&mask)?;
//! assert_eq!(weights.values(), [0.0, -3.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
//!
//! // Two of every four along the last axis; N is the number kept.
//! let mask = weights.mask_n_m("2:4".parse()?, -1)?;
//! assert_eq!(mask.kept_len(), 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Several layers
//!
//! A [`Selector`] ranks layers together, also of different element types, by magnitude or by any tensor of scores.
//! Elements that an earlier mask pruned stay dead.
//!
//! ```
//! use prune_core::{Density, LayerRef, PlainTensor, Ranked, Selector};
//!
//! let kernel = PlainTensor::from_logical(&[2, 2], vec![0.1f32, -0.9, 0.3, 0.2])?;
//! let head = PlainTensor::from_logical(&[2], vec![2.0f64, 0.05])?;
//! let (kernel, head) = (LayerRef::of(&kernel), LayerRef::of(&head));
//! let layers = [Ranked::new("fc.kernel", &kernel), Ranked::new("head", &head)];
//!
//! // The best half of all six, and then the best two of these three.
//! let half = Selector::default().global(&layers, Density::new(0.5)?)?;
//! let alive = [layers[0].with_alive(Some(&half[0].mask)), layers[1].with_alive(Some(&half[1].mask))];
//! let fewer = Selector::default().global(&alive, Density::new(0.3)?)?;
//! assert_eq!(fewer.iter().map(|selected| selected.mask.kept_len()).collect::<Vec<_>>(), [1, 1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Blocks and channels are ranked as one [`Unit`] each. A [`Distribution`] shares one budget among layers. A
//! [`Score`] ranks by something other than magnitude. A [`ChunkSource`] reads data larger than memory.
//!
//! # A model that stays sparse
//!
//! A model lists its layers. [`Masks::hold`] writes zeros outside the masks into the weights, and into the optimiser's
//! buffers, after each step; [`Masks::revivals`] counts what came back.
//!
//! ```
//! use std::borrow::Cow;
//!
//! use prune_core::{Density, LayerMut, LayerRef, Layers, LayersMut, Masks, PlainTensor, PruneExt};
//!
//! struct Model { kernel: PlainTensor<f32>, bias: PlainTensor<f32> }
//!
//! impl Layers for Model {
//!     fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
//!         vec![("fc.kernel".into(), self.kernel.layer()), ("fc.bias".into(), self.bias.layer())]
//!     }
//! }
//!
//! impl LayersMut for Model {
//!     fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
//!         vec![("fc.kernel".into(), self.kernel.layer_mut()), ("fc.bias".into(), self.bias.layer_mut())]
//!     }
//! }
//!
//! let mut model = Model {
//!     kernel: PlainTensor::from_logical(&[2, 2], vec![1.0, 0.2, -3.0, 0.4])?,
//!     bias: PlainTensor::from_logical(&[2], vec![0.1, 0.2])?,
//! };
//! let mut masks = Masks::default();
//! masks.insert("fc.kernel", model.kernel.mask_unstructured(Density::new(0.5)?)?);
//! for _step in 0..3 {
//!     model.kernel.values_mut().iter_mut().for_each(|weight| *weight += 0.01); // what an optimiser does
//!     masks.hold(&mut model)?;
//! }
//! assert_eq!(masks.revivals(&model)?, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Smaller layers
//!
//! [`compact()`] removes neurons that masks have cut off from a chain of dense layers; the chain computes the same
//! function.
//!
//! # Activations
//!
//! [`ActivationPruner`] prunes inside a forward pass, in place, and masks the gradient in the backward pass.
//!
//! # A backend of your own
//!
//! Implement [`Tensor`] and [`TensorMut`] for your type, or call [`define_prune_ext!`] if the type is foreign, and
//! stamp [`conformance_tests!`] on it. [`backend`] writes one from nothing.
//!
//! # Why not the obvious few lines
//!
//! Sorting magnitudes and comparing with the threshold takes some hundred times as long as reading the weights. It
//! keeps too many elements if values tie. On NaN it panics, or gives a wrong mask without a message. Multiplying by a
//! mask turns infinities into NaN. The rules kept here instead are stated once each: the kept count at [`Density`],
//! order and ties at [`Mask`], NaN at [`Element`], groups at [`NmPattern`], layouts at [`Layout`], zeros at [`Masks`].
//!
//! # Features
//!
//! * `rayon` (default): masks are made and applied on rayon's current thread pool; [`Threads::One`] still runs on the
//!   calling thread alone.
//! * `serde` (default): [`Mask`], [`Masks`], [`Density`] and [`NmPattern`] can be serialised and read back.
//! * `testing`: the generators, the full-sort oracle and the conformance suite.
//!
//! # Map
//!
//! - `key`: the order of scores
//! - `tensor/`, `layout`: the memory that backends lend
//! - `mask/`: the packed mask
//! - `score/`: the scores
//! - `unit/`: blocks and channels
//! - `select/`: cuts are found and groups decided
//! - `distribution/`: a budget is shared among layers
//! - `kernel/`: the innermost loops on vectors, each beside its plain twin
//! - `apply`, `assign`, `masks`: everything that writes
//! - `compact/`: idle neurons are removed
//! - `activation/`: activations are pruned
//! - `testing/`: backends are tested

mod activation;
mod apply;
mod assign;
mod bits;
mod compact;
mod conformance_tests;
mod density;
mod distribution;
mod element_type;
mod error;
mod ext;
mod hash;
mod kernel;
mod key;
mod layout;
mod mask;
mod masks;
mod n_m;
mod nearest;
mod printable;
mod score;
mod select;
mod stats;
mod tensor;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod threads;
mod unit;
mod walk;
mod zeros;

pub use activation::{
    ActivationPruner, ActivationReport, ActivationRule, ActivationScope, Scratch, prune_sample, zero_outside,
};
pub use compact::{CompactChain, CompactedLayer, DenseLayer, compact};
pub use density::{Density, DensityError};
pub use distribution::{Distribution, Quota};
pub use element_type::ElementType;
pub use error::{Error, ErrorKind};
pub use ext::{LendMut, PruneExt, named, named_mut};
pub use half;
pub use kernel::instructions::InstructionSet;
pub use key::RankBy;
pub use layout::Layout;
pub use mask::{Iter, KeptIndices, Mask, PatternCounts};
pub use masks::Masks;
pub use n_m::{NmPattern, PatternError};
pub use score::{Need, Score, ScoreNorm, Scores, Subject, draw};
pub use select::{
    Bound, ChunkSource, Ranked, Selected, Selector, SourceCut, SourceLayer, SourceMasker, reachable, within_bounds,
};
pub use stats::Stats;
pub use tensor::{
    Element, Guarded, LayerMut, LayerRef, Layers, LayersMut, LentMut, LentTensor, Memory, MemoryMut, PlainTensor, Run,
    Strided, Tensor, TensorMut, Values,
};
pub use threads::Threads;
pub use unit::{Blocks, Channels, Norm, Pool, Unit, UnitTally};
pub use zeros::{OpenLayer, ZeroMasks, ZeroShare};

#[doc = include_str!("../docs/backend.md")]
pub mod backend {}

// For the other crates of this workspace; no promise to anyone else.
#[doc(hidden)]
pub use nearest::nearest;
#[doc(hidden)]
pub use printable::printable;
