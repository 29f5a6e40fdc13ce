//! The conformance suite on the plain reference tensor: every element type, in memory of every kind of order.

use half::{bf16, f16};
use memory::{column_major, permuted, reversed, row_major};
use prune_core::{PruneExt, conformance_tests};

mod memory;

conformance_tests!(row_major_f32: f32, |shape, data| row_major(shape, data));
conformance_tests!(row_major_f64: f64, |shape, data| row_major(shape, data));
conformance_tests!(row_major_f16: f16, |shape, data| row_major(shape, data));
conformance_tests!(row_major_bf16: bf16, |shape, data| row_major(shape, data));

conformance_tests!(column_major_f32: f32, |shape, data| column_major(shape, data));
conformance_tests!(column_major_f64: f64, |shape, data| column_major(shape, data));
conformance_tests!(column_major_f16: f16, |shape, data| column_major(shape, data));
conformance_tests!(column_major_bf16: bf16, |shape, data| column_major(shape, data));

conformance_tests!(reversed_f32: f32, |shape, data| reversed(shape, data));
conformance_tests!(reversed_f64: f64, |shape, data| reversed(shape, data));
conformance_tests!(reversed_f16: f16, |shape, data| reversed(shape, data));
conformance_tests!(reversed_bf16: bf16, |shape, data| reversed(shape, data));

conformance_tests!(permuted_f32: f32, |shape, data| permuted(shape, data));
conformance_tests!(permuted_f64: f64, |shape, data| permuted(shape, data));
conformance_tests!(permuted_f16: f16, |shape, data| permuted(shape, data));
conformance_tests!(permuted_bf16: bf16, |shape, data| permuted(shape, data));
