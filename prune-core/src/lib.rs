//! Exact pruning masks for the weights of neural networks, on any tensor type.
//!
//! A density or an N:M pattern goes in, a packed [`Mask`] comes out: exactly as many elements as asked for, whatever
//! ties, zeros and infinities there are; the same mask, bit for bit, on any backend, memory layout, number of threads and
//! instruction set; in time linear in the number of elements, without a sort. Training loops then keep the zeros zero.
//!
//! Most users want this crate through an adapter, `prune-ndarray` or `prune-nalgebra`, and strategies over epochs through
//! `prune-schedule`. Here is what they stand on, for those who write a backend or hold their own memory.
//!
//! # A mask from weights
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
//! # More than one layer, or scores of your own
//!
//! [`Selector`] ranks layers together, also of different element types, by magnitude or by any tensor of scores, and
//! leaves dead what an earlier mask pruned. [`ChunkSource`] is for data larger than memory.
//!
//! [`Unit`] makes blocks or channels of a layer what is ranked, with one score each.
//!
//! [`Distribution`] says how many elements each layer keeps of a budget for all of them.
//!
//! # Zeros that stay zero
//!
//! [`Masks::hold`] writes zeros outside the masks into weights and into the optimiser's buffers after each step, and
//! [`Masks::revivals`] counts what came back.
//!
//! # Smaller layers
//!
//! [`compact()`] takes the neurons that masks have cut off out of a chain of dense layers; the function stays.
//!
//! # Activations
//!
//! [`ActivationPruner`] prunes inside a forward pass, in place, and masks the gradient in the backward pass.
//!
//! # A backend of your own
//!
//! Implement [`Tensor`] and [`TensorMut`] for your type, or call [`define_prune_ext!`] where the type is foreign, and
//! stamp [`conformance_tests!`] on it.
//!
//! # Why not the obvious few lines
//!
//! Sorting magnitudes and comparing with the threshold takes some hundred times as long as reading the weights, keeps too
//! many where values tie, panics or errs in silence on NaN, and multiplying by a mask turns infinities into NaN. The rules
//! kept here instead are stated once each: the kept count at [`Density`], order and ties at [`Mask`], NaN at
//! [`Element`], groups at [`NmPattern`], layouts at [`Layout`], zeros at [`Masks`].
//!
//! # Features
//!
//! * `rayon` (default): masks are made and applied on rayon's current thread pool; [`Threads::One`] still runs on the
//!   calling thread alone.
//! * `serde` (default): [`Mask`], [`Masks`], [`Density`] and [`NmPattern`] are written and read.
//! * `testing`: the generators, the full-sort oracle and the conformance suite.
//!
//! # Map
//!
//! `key` is the order of scores; `tensor/` and `layout` are how memory is lent; `mask/` the packed
//! mask; `score/` what ranks; `unit/` blocks and channels; `select/` how a cut is found and groups are decided;
//! `distribution/` shares a budget out among layers; `kernel/` the innermost loops on vectors, each beside its plain twin;
//! `apply`, `assign` and `masks` write; `compact/` takes idle neurons out; `activation/` prunes activations; `testing/`
//! tests backends.

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
mod n_of_m;
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
pub use compact::{Compacted, CompactedLayer, DenseLayer, compact};
pub use density::{Density, DensityError};
pub use distribution::{Distribution, Quota};
pub use element_type::ElementType;
pub use error::{Error, ErrorKind};
pub use ext::{LendMut, PruneExt};
pub use kernel::instructions::InstructionSet;
pub use key::RankBy;
pub use layout::Layout;
pub use mask::{Iter, KeptIndices, Mask, PatternCounts};
pub use masks::Masks;
pub use n_of_m::{NmPattern, PatternError};
pub use nearest::nearest;
pub use printable::printable;
pub use score::{Need, Score, Scores, Subject, draw};
pub use select::{Bound, ChunkSource, Ranked, Selected, Selector, SourceCut, SourceLayer, SourceMasker, Values};
pub use stats::Stats;
pub use tensor::{
    Element, LayerMut, LayerRef, Layers, LayersMut, Lent, LentMut, Memory, MemoryMut, PlainTensor, Run, Strided,
    Tensor, TensorMut,
};
pub use threads::Threads;
pub use unit::{Blocks, Channels, Norm, Pool, Unit};
pub use zeros::{OpenLayer, ZeroMasks, ZeroShare};
