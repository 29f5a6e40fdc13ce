//! A model's tensors as layers: which of them are weights, what an event will do to them, what is read for it, what is counted.

pub(crate) mod filter;
pub(crate) mod groups;
pub(crate) mod inputs;
pub(crate) mod known;
pub(crate) mod mask_bytes;
pub(crate) mod mask_values;
pub(crate) mod sums;
