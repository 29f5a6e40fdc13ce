//! Selects the elements that are kept.
//!
//! A selection never sorts. An unstructured or global one finds its *cut* (the lowest key that is kept, and the
//! number of elements with this key that are kept) in `cut.rs`, over anything that can be scanned again: tensors in
//! memory (`scan.rs`) or a source of chunks (`source/`). N:M works group by group (`lanes.rs`, `concatenated.rs`).
//! Slices of a layer are ranked one by one (`slices.rs`, `slice_rank.rs`), units by their scores (`units.rs`). Layers
//! within bounds take several cuts (`bounded.rs`).

mod bounded;
pub(crate) mod candidates;
mod concatenated;
pub(crate) mod cut;
mod guess;
mod lanes;
mod ranked;
pub(crate) mod sample;
mod scan;
mod selector;
mod slice_cuts;
mod slice_rank;
mod slices;
mod source;
mod tally;
mod top;
mod units;

pub use bounded::{Bound, reachable, within_bounds};
pub use ranked::Ranked;
pub use selector::{Selected, Selector};
pub use source::{ChunkSource, SourceCut, SourceLayer, SourceMasker};
