//! The conformance suite on candle tensors, for every element type and every arrangement of a tensor in memory.

#![allow(clippy::unwrap_used, reason = "tests")]

use candle_core::{Device, Tensor, Var, WithDType};
use prune_candle::{LendMut, PruneExt};
use prune_core::conformance_tests;
use prune_core::testing::generators::TestElement;

fn row_major<E: WithDType>(shape: &[usize], logical: Vec<E>) -> Tensor {
    Tensor::from_vec(logical, shape, &Device::Cpu).unwrap()
}

/// A tensor with its axes rotated by one: the memory order differs from the order of the shape.
fn permuted<E: WithDType>(shape: &[usize], logical: Vec<E>) -> Tensor {
    let mut axes: Vec<usize> = (0..shape.len()).collect();
    axes.rotate_left(usize::from(shape.len() > 1));
    let lying = row_major(shape, logical).permute(axes.clone()).unwrap().contiguous().unwrap();
    let mut back = vec![0; axes.len()];
    axes.iter().enumerate().for_each(|(place, &axis)| back[axis] = place);
    lying.permute(back).unwrap()
}

/// A part of a larger tensor, which has one more row, column and so on at either side.
fn narrowed<E: WithDType + TestElement>(shape: &[usize], logical: Vec<E>) -> Tensor {
    let larger: Vec<usize> = shape.iter().map(|len| len + 2).collect();
    let mut inside = row_major(&larger, vec![E::nearest(7.0); larger.iter().product()]);
    for (axis, &len) in shape.iter().enumerate() {
        inside = inside.narrow(axis, 1, len).unwrap();
    }
    let wanted = prune_core::PlainTensor::from_logical(shape, logical).unwrap();
    inside.layer_mut().assign(&prune_core::LayerRef::of(&wanted)).unwrap();
    inside
}

/// Rows of a larger tensor: one piece that does not start at the beginning of the storage.
fn rows<E: WithDType + TestElement>(shape: &[usize], mut logical: Vec<E>) -> Tensor {
    if shape.is_empty() {
        return row_major(shape, logical);
    }
    let row = shape[1..].iter().product();
    let (mut larger, mut values) = (shape.to_vec(), vec![E::nearest(7.0); row]);
    larger[0] += 2;
    values.append(&mut logical);
    values.extend(vec![E::nearest(7.0); row]);
    row_major(&larger, values).narrow(0, 1, shape[0]).unwrap()
}

conformance_tests!(row_major_f32: f32, |shape, data| row_major(shape, data));
conformance_tests!(row_major_f64: f64, |shape, data| row_major(shape, data));
conformance_tests!(row_major_f16: prune_core::half::f16, |shape, data| row_major(shape, data));
conformance_tests!(row_major_bf16: prune_core::half::bf16, |shape, data| row_major(shape, data));

conformance_tests!(permuted_f32: f32, |shape, data| permuted(shape, data));
conformance_tests!(permuted_bf16: prune_core::half::bf16, |shape, data| permuted(shape, data));
conformance_tests!(narrowed_f32: f32, |shape, data| narrowed(shape, data));
conformance_tests!(narrowed_f64: f64, |shape, data| narrowed(shape, data));
conformance_tests!(rows_f32: f32, |shape, data| rows(shape, data));
conformance_tests!(rows_f16: prune_core::half::f16, |shape, data| rows(shape, data));

conformance_tests!(vars_f32: f32, |shape, data| Var::from_vec(data, shape, &Device::Cpu).unwrap());
conformance_tests!(vars_f64: f64, |shape, data| Var::from_vec(data, shape, &Device::Cpu).unwrap());

/// Elements outside of a view do not change.
#[test]
fn writing_to_a_view_leaves_the_rest() {
    let mut whole = Tensor::arange(1f32, 13f32, &Device::Cpu).unwrap().reshape((3, 4)).unwrap();
    let mut middle = whole.narrow(1, 1, 2).unwrap();
    let mask = prune_core::Mask::none(&[3, 2]).unwrap();
    middle.apply_mask(&mask).unwrap();
    let written = [[1f32, 0.0, 0.0, 4.0], [5.0, 0.0, 0.0, 8.0], [9.0, 0.0, 0.0, 12.0]];
    assert_eq!(whole.to_vec2::<f32>().unwrap(), written);
    let mut copy = whole.duplicate();
    copy.apply_mask(&prune_core::Mask::none(&[3, 4]).unwrap()).unwrap();
    assert_eq!(whole.to_vec2::<f32>().unwrap(), written);
    // Its clone is a handle to the same memory.
    whole.clone().apply_mask(&prune_core::Mask::none(&[3, 4]).unwrap()).unwrap();
    assert_eq!(whole.to_vec2::<f32>().unwrap(), [[0.0; 4]; 3]);
    assert!(whole.layer_mut().as_ref().opaque_reason().is_none());
}

#[test]
fn what_cannot_be_lent_says_why() {
    let mut counts = Tensor::zeros((2, 2), candle_core::DType::U32, &Device::Cpu).unwrap();
    assert_eq!(counts.layer().opaque_reason(), Some("its elements are 32-bit unsigned integers"));
    let refused = counts.apply_mask(&prune_core::Mask::none(&[2, 2]).unwrap()).unwrap_err();
    assert_eq!(refused.to_string(), "it cannot be pruned: its elements are 32-bit unsigned integers; exclude it");
    // A broadcast view can be read, but not written.
    let mut rows = Tensor::arange(0f32, 3f32, &Device::Cpu).unwrap().broadcast_as((2, 3)).unwrap();
    assert_eq!(rows.layer().to_logical_f64().unwrap(), [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
    let refused = rows.apply_mask(&prune_core::Mask::none(&[2, 3]).unwrap()).unwrap_err();
    let why = "it cannot be pruned: some of its elements are the same memory, as in a broadcast view; exclude it";
    assert_eq!(refused.to_string(), why);
}
