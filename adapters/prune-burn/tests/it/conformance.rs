//! The conformance suite, on data of the host and on tensors, for every element type.

use burn::tensor::{DType, Device, Element as BurnElement, Tensor, TensorData};
use prune_burn::PruneExt;
use prune_core::conformance_tests;
use prune_core::testing::generators::{Shapes, TestElement};

fn data<E: TestElement + BurnElement>(shape: &[usize], logical: Vec<E>) -> TensorData {
    TensorData::new(logical, shape.to_vec())
}

fn tensor<E: TestElement + BurnElement, const D: usize>(shape: &[usize], logical: Vec<E>, dtype: DType) -> Tensor<D> {
    Tensor::from_data(data(shape, logical), (&Device::default(), dtype))
}

/// The same elements in another memory order: a permuted view of the transposed tensor.
fn permuted(shape: &[usize], logical: Vec<f32>) -> Tensor<2> {
    let (rows, columns) = (shape[0], shape[1]);
    let transposed = (0..columns).flat_map(|j| (0..rows).map(move |i| i * columns + j)).map(|at| logical[at]).collect();
    tensor::<f32, 2>(&[columns, rows], transposed, DType::F32).swap_dims(0, 1)
}

/// The same elements as a part of a larger tensor.
fn sliced(shape: &[usize], logical: Vec<f32>) -> Tensor<2> {
    let (rows, columns) = (shape[0], shape[1]);
    let mut wide = vec![7.0; (rows + 2) * (columns + 3)];
    for (i, row) in logical.chunks(columns.max(1)).enumerate() {
        let start = (i + 1) * (columns + 3) + 2;
        wide[start..start + row.len()].copy_from_slice(row);
    }
    tensor::<f32, 2>(&[rows + 2, columns + 3], wide, DType::F32).slice([1..rows + 1, 2..columns + 2])
}

conformance_tests!(permuted_f32: f32, shapes = Shapes::ranks(2..=2), |shape, logical| permuted(shape, logical));
conformance_tests!(sliced_f32: f32, shapes = Shapes::ranks(2..=2), |shape, logical| sliced(shape, logical));
conformance_tests!(data_f32: f32, |shape, logical| data(shape, logical));
conformance_tests!(data_f64: f64, |shape, logical| data(shape, logical));
conformance_tests!(data_f16: half::f16, |shape, logical| data(shape, logical));
conformance_tests!(data_bf16: half::bf16, |shape, logical| data(shape, logical));

conformance_tests!(
    tensor1_f32: f32,
    shapes = Shapes::ranks(1..=1),
    |shape, logical| tensor::<f32, 1>(shape, logical, DType::F32)
);
conformance_tests!(
    tensor2_f32: f32,
    shapes = Shapes::ranks(2..=2),
    |shape, logical| tensor::<f32, 2>(shape, logical, DType::F32)
);
conformance_tests!(
    tensor2_f64: f64,
    shapes = Shapes::ranks(2..=2),
    |shape, logical| tensor::<f64, 2>(shape, logical, DType::F64)
);
conformance_tests!(
    tensor3_f16: half::f16,
    shapes = Shapes::ranks(3..=3),
    |shape, logical| tensor::<half::f16, 3>(shape, logical, DType::F16)
);
conformance_tests!(
    tensor4_bf16: half::bf16,
    shapes = Shapes::ranks(4..=4),
    |shape, logical| tensor::<half::bf16, 4>(shape, logical, DType::BF16)
);
