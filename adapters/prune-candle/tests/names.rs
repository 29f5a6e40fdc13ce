//! The public names that every backend has.

#![allow(clippy::unwrap_used, reason = "tests")]

use prune_candle::candle_core::{Device, Tensor};
use prune_core::backend_names_tests;

backend_names_tests!(prune_candle, |shape, data| Tensor::from_vec(data, shape, &Device::Cpu).unwrap());
