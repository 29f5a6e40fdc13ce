//! Under construction.

mod activation;
mod apply;
mod conformance_tests;
mod density;
mod element;
mod error;
mod ext;
mod kernel;
mod layer;
mod layout;
mod mask;
mod masks;
mod n_of_m;
mod nearest;
mod plain;
mod select;
mod stats;
mod tensor;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod threads;
mod walk;

pub use activation::{ActivationPruner, ActivationReport, ActivationRule, ActivationScope, Scratch, prune_sample};
pub use density::Density;
pub use element::{Element, ElementType, RankBy};
pub use error::{DensityError, Error, PatternError};
pub use ext::{LendMut, PruneExt};
pub use kernel::instructions::InstructionSet;
pub use layer::{LayerMut, LayerRef, Layers, LayersMut};
pub use layout::Layout;
pub use mask::{Iter, KeptIndices, Mask, PatternCounts};
pub use masks::Masks;
pub use n_of_m::NmPattern;
pub use nearest::nearest;
pub use plain::PlainTensor;
pub use select::{ChunkSource, Ranked, Selected, Selector, SourceCut, SourceLayer, SourceMasker, Values};
pub use stats::Stats;
pub use tensor::{Lent, LentMut, Memory, MemoryMut, Run, Strided, Tensor, TensorMut};
pub use threads::Threads;
