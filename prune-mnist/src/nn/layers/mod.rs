//! The arithmetic of each layer, on slices. Inputs and outputs lie in NHWC order, one sample after the other.
//!
//! This module knows no threads, models or backends. A caller passes the samples of one fixed part of the batch, and
//! parameters and their gradients as matrix views, whose strides describe the backend's storage.

pub(super) mod conv;
pub(super) mod dense;
pub(super) mod elementwise;
pub(super) mod loss;
pub(super) mod pool;
