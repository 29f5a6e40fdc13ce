//! Optimisers whose buffers can be seen, held and saved.
//!
//! `sgd` and `adam_w` take steps; `buffers` keeps what both have: parameters with a buffer each; `state` writes and reads
//! the buffers.

mod adam_w;
mod buffers;
mod sgd;
mod state;

pub use adam_w::AdamW;
pub use sgd::{Sgd, SgdConfig};
