//! Tensors in parts of a few MiB: bytes as numbers, bits as masks, and work on all threads.

pub(crate) mod bits;
pub(crate) mod buffer;
pub(crate) mod drive;
pub(crate) mod runs;
