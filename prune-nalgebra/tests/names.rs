//! The public names that every backend has.

use prune_core::backend_names_tests;

backend_names_tests!(prune_nalgebra, |shape, data| nalgebra::DMatrix::from_row_slice(shape[0], shape[1], &data));
