//! The conformance suite on matrices: every element type, in every memory layout of a matrix.

#![allow(clippy::unwrap_used, reason = "tests")]

use nalgebra::{
    DMatrix, DMatrixViewMut, DVector, DVectorViewMut, Dyn, MatrixViewMut, RowDVector, SMatrix, SVector, U1,
};
use prune_core::conformance_tests;
use prune_core::testing::generators::{Shapes, TestElement};
use prune_nalgebra::PruneExt;

fn matrix<E: TestElement>(shape: &[usize], logical: Vec<E>) -> DMatrix<E> {
    DMatrix::from_row_iterator(shape[0], shape[1], logical)
}

type Steps<E> = MatrixViewMut<'static, E, Dyn, Dyn, Dyn, Dyn>;

/// A mutable view with any strides, over leaked memory, so that the view lives as long as the suite needs.
fn view<E: TestElement>(shape: &[usize], logical: Vec<E>, row_stride: usize, column_stride: usize) -> Steps<E> {
    let (rows, columns) = (shape[0], shape[1]);
    let memory = vec![E::nearest(7.0); rows * row_stride + columns * column_stride + 1];
    let mut view = Steps::from_slice_with_strides_generic(
        memory.leak(),
        Dyn(rows),
        Dyn(columns),
        Dyn(row_stride),
        Dyn(column_stride),
    );
    view.copy_from(&matrix(shape, logical));
    view
}

/// Columns of a larger matrix.
fn inner_rows<E: TestElement>(shape: &[usize], logical: Vec<E>) -> DMatrixViewMut<'static, E> {
    let (rows, columns) = (shape[0], shape[1]);
    let larger = Box::leak(Box::new(DMatrix::from_element(rows + 3, columns + 2, E::nearest(7.0))));
    let mut view = larger.view_mut((1, 1), (rows, columns));
    view.copy_from(&matrix(shape, logical));
    view
}

/// All rows of some columns of a larger matrix: in one piece, though the type does not show it.
fn inner_columns<E: TestElement>(shape: &[usize], logical: Vec<E>) -> DMatrixViewMut<'static, E> {
    let (rows, columns) = (shape[0], shape[1]);
    let larger = Box::leak(Box::new(DMatrix::from_element(rows, columns + 2, E::nearest(7.0))));
    let mut view = larger.view_mut((0, 1), (rows, columns));
    view.copy_from(&matrix(shape, logical));
    view
}

conformance_tests!(dmatrix_f32: f32, shapes = Shapes::ranks(2..=2), |shape, data| matrix(shape, data));
conformance_tests!(dmatrix_f64: f64, shapes = Shapes::ranks(2..=2), |shape, data| matrix(shape, data));
conformance_tests!(dmatrix_f16: half::f16, shapes = Shapes::ranks(2..=2), |shape, data| matrix(shape, data));
conformance_tests!(dmatrix_bf16: half::bf16, shapes = Shapes::ranks(2..=2), |shape, data| matrix(shape, data));

conformance_tests!(dvector_f32: f32, shapes = Shapes::ranks(1..=1), |_shape, data| DVector::from_vec(data));
conformance_tests!(row_vector_f64: f64, shapes = Shapes::ranks(1..=1), |_shape, data| RowDVector::from_vec(data));
conformance_tests!(static_f32: f32, shapes = Shapes::only(&[[5, 7]]), |_shape, data| {
    SMatrix::<_, 5, 7>::from_row_slice(&data)
});
conformance_tests!(static_vector_f64: f64, shapes = Shapes::only(&[[9]]), |_shape, data| {
    SVector::<_, 9>::from_column_slice(&data)
});

conformance_tests!(not_clone inner_rows_f32: f32, shapes = Shapes::ranks(2..=2), |shape, data| inner_rows(shape, data));
conformance_tests!(not_clone inner_rows_f16: half::f16, shapes = Shapes::ranks(2..=2), |shape, data| inner_rows(shape, data));
conformance_tests!(not_clone inner_columns_f64: f64, shapes = Shapes::ranks(2..=2), |shape, data| inner_columns(shape, data));

// Rows in one piece, with and without gaps between them.
conformance_tests!(not_clone row_major_f32: f32, shapes = Shapes::ranks(2..=2), |shape, data| {
    view(shape, data, shape[1].max(1), 1)
});
conformance_tests!(not_clone rows_with_gaps_f64: f64, shapes = Shapes::ranks(2..=2), |shape, data| {
    view(shape, data, shape[1] + 2, 1)
});
// No two elements are neighbours.
conformance_tests!(not_clone scattered_f32: f32, shapes = Shapes::ranks(2..=2), |shape, data| {
    view(shape, data, 2, 2 * shape[0] + 1)
});
conformance_tests!(not_clone scattered_vector_bf16: half::bf16, shapes = Shapes::ranks(1..=1), |_shape, data| {
    let memory = vec![half::bf16::ONE; 3 * data.len() + 1];
    let rows = data.len();
    let mut view: DVectorViewMut<'static, half::bf16, Dyn, Dyn> =
        MatrixViewMut::from_slice_with_strides_generic(memory.leak(), Dyn(rows), U1, Dyn(3), Dyn(1));
    view.copy_from(&DVector::from_vec(data));
    view
});
