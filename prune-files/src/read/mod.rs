//! Checkpoints on disk: headers and indexes read strictly, tensors read by position.

pub(crate) mod foreign;
pub(crate) mod header;
pub(crate) mod model;
