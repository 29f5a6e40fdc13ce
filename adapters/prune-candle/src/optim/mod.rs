//! Optimisers whose buffers can be seen, held and saved.
//!
//! `sgd` and `adam_w` take steps, and `buffers` has the part that they share: parameters with buffers. `state` writes
//! and reads the buffers.

mod adam_w;
mod buffers;
mod sgd;
mod state;

pub use adam_w::AdamW;
pub use sgd::{Sgd, SgdConfig};
