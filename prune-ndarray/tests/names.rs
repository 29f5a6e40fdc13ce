//! The public names that every backend has.

#![allow(clippy::unwrap_used, reason = "tests")]

use prune_core::backend_names_tests;

backend_names_tests!(prune_ndarray, |shape, data| {
    ndarray::Array2::from_shape_vec((shape[0], shape[1]), data).unwrap()
});
