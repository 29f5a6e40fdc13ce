//! The conformance suite with no instructions beyond AVX2, if the machine has it. It is a process of its own, since
//! the limit holds for a whole process.

use half::{bf16, f16};
use memory::{column_major, permuted, reversed, row_major};
use prune_core::testing::generators::TestElement;
use prune_core::{InstructionSet, PlainTensor, PruneExt, conformance_tests};

mod memory;

/// A tensor for laws that hold on these instructions.
fn limited<E: TestElement>(tensor: PlainTensor<E>) -> PlainTensor<E> {
    InstructionSet::limit(Some(InstructionSet::Avx2));
    assert!(InstructionSet::in_use() <= InstructionSet::Avx2);
    tensor
}

conformance_tests!(row_major_f32: f32, |shape, data| limited(row_major(shape, data)));
conformance_tests!(column_major_f64: f64, |shape, data| limited(column_major(shape, data)));
conformance_tests!(permuted_f16: f16, |shape, data| limited(permuted(shape, data)));
conformance_tests!(reversed_bf16: bf16, |shape, data| limited(reversed(shape, data)));
