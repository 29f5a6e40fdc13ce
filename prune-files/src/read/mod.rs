//! Checkpoints as they lie on disk: headers and indexes read strictly, tensors by position.

pub(crate) mod foreign;
pub(crate) mod header;
pub(crate) mod model;
