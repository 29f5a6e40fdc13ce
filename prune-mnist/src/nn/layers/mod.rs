//! The arithmetic of each layer, on slices: what goes in and out lies in NHWC order, one sample after the other.
//!
//! Nothing here knows of threads, models or backends. A caller hands over the samples of one fixed part of the batch,
//! and parameters and their gradients as matrix views, whose strides say how the backend stores them.

pub(super) mod conv;
pub(super) mod dense;
pub(super) mod elementwise;
pub(super) mod loss;
pub(super) mod pool;
