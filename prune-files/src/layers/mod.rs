//! A model's tensors as layers: which tensors are weights, the plan of an event, the inputs for it, and counts.

pub(crate) mod filter;
pub(crate) mod groups;
pub(crate) mod inputs;
pub(crate) mod known;
pub(crate) mod mask_bytes;
pub(crate) mod mask_values;
pub(crate) mod sums;
