//! The conformance suite on arrays: every element type, in every memory layout of an array.

#![allow(clippy::unwrap_used, reason = "tests")]

use ndarray::{Array1, Array2, ArrayD, ArrayViewMutD, Axis, IxDyn, ShapeBuilder, Slice};
use prune_core::conformance_tests;
use prune_core::testing::generators::{Shapes, TestElement};
use prune_ndarray::PruneExt;

fn row_major<E: TestElement>(shape: &[usize], logical: Vec<E>) -> ArrayD<E> {
    ArrayD::from_shape_vec(IxDyn(shape), logical).unwrap()
}

fn column_major<E: TestElement>(shape: &[usize], logical: Vec<E>) -> ArrayD<E> {
    let mut array = ArrayD::from_elem(IxDyn(shape).f(), E::ZERO);
    array.assign(&row_major(shape, logical));
    assert!(array.len() < 2 || array.t().is_standard_layout());
    array
}

/// Axes rotated by one.
fn permuted<E: TestElement>(shape: &[usize], logical: Vec<E>) -> ArrayD<E> {
    let logical = row_major(shape, logical);
    let mut axes: Vec<usize> = (0..shape.len()).collect();
    axes.rotate_left(usize::from(shape.len() > 1));
    // Owned memory in the order of `axes`, seen in the order of the shape.
    let lying = logical.view().permuted_axes(axes.clone()).as_standard_layout().into_owned();
    let mut back = vec![0; axes.len()];
    axes.iter().enumerate().for_each(|(place, &axis)| back[axis] = place);
    lying.permuted_axes(back)
}

/// Every other axis backwards.
fn reversed<E: TestElement>(shape: &[usize], logical: Vec<E>) -> ArrayD<E> {
    let mut array = row_major(shape, logical);
    let flipped: Vec<Axis> = (0..shape.len()).filter(|axis| (shape.len() - axis) % 2 == 1).map(Axis).collect();
    flipped.iter().for_each(|&axis| array.invert_axis(axis));
    let mut array = array.as_standard_layout().into_owned();
    flipped.iter().for_each(|&axis| array.invert_axis(axis));
    array
}

/// A part of a larger array: `skip` of each axis is left out between neighbours, and the memory is not in one piece.
fn sliced<E: TestElement>(shape: &[usize], logical: Vec<E>, skip: &dyn Fn(usize) -> isize) -> ArrayD<E> {
    let larger: Vec<usize> = shape.iter().enumerate().map(|(axis, &len)| len * skip(axis).unsigned_abs() + 1).collect();
    let mut array = ArrayD::from_elem(IxDyn(&larger), E::nearest(7.0));
    for (axis, &len) in shape.iter().enumerate() {
        array.slice_axis_inplace(Axis(axis), Slice::new(1, None, skip(axis)));
        array.slice_axis_inplace(Axis(axis), Slice::new(0, Some(len as isize), 1));
    }
    array.assign(&row_major(shape, logical));
    array
}

/// Gaps on all axes: no two elements are neighbours in memory.
fn scattered<E: TestElement>(shape: &[usize], logical: Vec<E>) -> ArrayD<E> {
    sliced(shape, logical, &|_| 2)
}

/// Gaps after each run of the last axis.
fn rows_with_gaps<E: TestElement>(shape: &[usize], logical: Vec<E>) -> ArrayD<E> {
    sliced(shape, logical, &|_| 1)
}

/// The same, each run backwards.
fn backward_rows_with_gaps<E: TestElement>(shape: &[usize], logical: Vec<E>) -> ArrayD<E> {
    let last = shape.len().wrapping_sub(1);
    sliced(shape, logical, &|axis| if axis == last { -1 } else { 1 })
}

/// A mutable view of memory with gaps, in column-major order.
fn column_view<E: TestElement>(shape: &[usize], logical: Vec<E>) -> ArrayViewMutD<'static, E> {
    let turned: Vec<usize> = shape.iter().rev().copied().collect();
    // Leaked, so that the view outlives this function, as the suite needs.
    let base = Box::leak(Box::new(rows_with_gaps(&turned, vec![E::ZERO; logical.len()])));
    let mut view = base.view_mut().reversed_axes();
    view.assign(&row_major(shape, logical));
    view
}

conformance_tests!(row_major_f32: f32, |shape, data| row_major(shape, data));
conformance_tests!(row_major_f64: f64, |shape, data| row_major(shape, data));
conformance_tests!(row_major_f16: half::f16, |shape, data| row_major(shape, data));
conformance_tests!(row_major_bf16: half::bf16, |shape, data| row_major(shape, data));

conformance_tests!(column_major_f32: f32, |shape, data| column_major(shape, data));
conformance_tests!(column_major_f64: f64, |shape, data| column_major(shape, data));
conformance_tests!(permuted_f32: f32, |shape, data| permuted(shape, data));
conformance_tests!(permuted_bf16: half::bf16, |shape, data| permuted(shape, data));
conformance_tests!(reversed_f32: f32, |shape, data| reversed(shape, data));
conformance_tests!(reversed_f64: f64, |shape, data| reversed(shape, data));

conformance_tests!(scattered_f32: f32, |shape, data| scattered(shape, data));
conformance_tests!(rows_with_gaps_f32: f32, |shape, data| rows_with_gaps(shape, data));
conformance_tests!(rows_with_gaps_f64: f64, |shape, data| rows_with_gaps(shape, data));
conformance_tests!(backward_rows_with_gaps_f16: half::f16, |shape, data| backward_rows_with_gaps(shape, data));
conformance_tests!(not_clone column_view_f32: f32, |shape, data| column_view(shape, data));

// Arrays of a rank known at compile time.
conformance_tests!(array1_f32: f32, shapes = Shapes::ranks(1..=1), |_shape, data| Array1::from_vec(data));
conformance_tests!(
    array2_f64: f64,
    shapes = Shapes::ranks(2..=2),
    |shape, data| Array2::from_shape_vec((shape[0], shape[1]), data).unwrap()
);
