//! Tensors in parts of some MiB: bytes as numbers, bits as masks, and going through them on all threads.

pub(crate) mod bits;
pub(crate) mod buffer;
pub(crate) mod drive;
pub(crate) mod runs;
