//! Memory in one piece, and its layout.
//!
//! The only unsafe code of the crate is here. nalgebra marks a matrix in one piece by a trait on its storage type.
//! Most views lack this trait, since it depends on their strides. Their storage alone gives a slice, through a
//! function that is unsafe because the view may have gaps. The code here checks the strides first. The safe twins are
//! [`gather`](crate::runs::gather) for reading and one run an element for writing. They are at least ten times slower
//! on a view in one piece, and tested to agree.

use nalgebra::{Dim, Dyn, Matrix, MatrixViewMut, RawStorage, RawStorageMut};
use prune_core::{Element, Layout};

/// The elements in memory order, if they lie without gaps or repeats: column by column or row by row.
pub(crate) fn as_slice<E, R: Dim, C: Dim, S: RawStorage<E, R, C>>(matrix: &Matrix<E, R, C, S>) -> Option<&[E]> {
    if matrix.is_empty() {
        return Some(&[]);
    }
    if !is_dense(matrix.shape(), matrix.strides()) {
        return None;
    }
    // SAFETY: the slice runs from the first element to the last. By the strides each place between them is an element
    // of this matrix, which is borrowed as long as the slice.
    #[expect(unsafe_code, reason = "nalgebra has no safe way to a slice of a view whose strides are known at run time")]
    let values = unsafe { matrix.data.as_slice_unchecked() };
    (values.len() == matrix.len()).then_some(values)
}

/// The same as [`as_slice`], for writing.
pub(crate) fn as_slice_mut<E, R: Dim, C: Dim, S: RawStorageMut<E, R, C>>(
    matrix: &mut Matrix<E, R, C, S>,
) -> Option<&mut [E]> {
    if matrix.is_empty() {
        return Some(&mut []);
    }
    if !is_dense(matrix.shape(), matrix.strides()) {
        return None;
    }
    let len = matrix.len();
    // SAFETY: as in `as_slice`; no place belongs to any other matrix, so the borrow of this one covers the slice.
    #[expect(unsafe_code, reason = "nalgebra has no safe way to a slice of a view whose strides are known at run time")]
    let values = unsafe { matrix.data.as_mut_slice_unchecked() };
    (values.len() == len).then_some(values)
}

/// Consumes a view and returns its slice, for the lifetime of the loan; returns the view itself if it has gaps.
pub(crate) fn into_slice_mut<'a, E, R: Dim, C: Dim>(
    mut matrix: MatrixViewMut<'a, E, R, C, Dyn, Dyn>,
) -> Result<&'a mut [E], MatrixViewMut<'a, E, R, C, Dyn, Dyn>> {
    let Some(values) = as_slice_mut(&mut matrix) else { return Err(matrix) };
    let (first, len) = (values.as_mut_ptr(), values.len());
    // SAFETY: pointer and length are those of a slice. Its elements were lent to the view for `'a` and to nothing
    // else, and the view ends here.
    #[expect(unsafe_code, reason = "nalgebra has no safe way from a view with strides to a slice that outlives it")]
    let values = unsafe { core::slice::from_raw_parts_mut(first, len) };
    Ok(values)
}

/// True if a matrix with elements lies in one piece, each place one element. The stride of a dimension of length 1
/// means nothing.
fn is_dense((rows, columns): (usize, usize), (row_stride, column_stride): (usize, usize)) -> bool {
    let steps = |length: usize, stride: usize, dense: usize| length == 1 || stride == dense;
    let by_columns = steps(rows, row_stride, 1) && steps(columns, column_stride, rows);
    let by_rows = steps(columns, column_stride, 1) && steps(rows, row_stride, columns);
    by_columns || by_rows
}

/// The layout of the elements in memory. A matrix whose type has one column or one row has rank 1.
pub(crate) fn layout_of<E: Element, R: Dim, C: Dim, S: RawStorage<E, R, C>>(matrix: &Matrix<E, R, C, S>) -> Layout {
    let ((rows, columns), (row_stride, column_stride)) = (matrix.shape(), matrix.strides());
    let layout = if C::try_to_usize() == Some(1) {
        Layout::new(&[rows], &[row_stride as isize], 0)
    } else if R::try_to_usize() == Some(1) {
        Layout::new(&[columns], &[column_stride as isize], 0)
    } else {
        Layout::new(&[rows, columns], &[row_stride as isize, column_stride as isize], 0)
    };
    match layout {
        Ok(layout) => layout,
        Err(error) => unreachable!("a matrix has a stride for every axis and a length that can be counted: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_dense;

    /// By the definition: the places are 0, 1, 2, ... in some order.
    #[test]
    fn dense_is_what_the_definition_says() {
        for (rows, columns) in (1..=4).flat_map(|rows| (1..=4).map(move |columns| (rows, columns))) {
            for (row_stride, column_stride) in (0..=17).flat_map(|r| (0..=17).map(move |c| (r, c))) {
                let mut places: Vec<usize> =
                    (0..rows).flat_map(|r| (0..columns).map(move |c| r * row_stride + c * column_stride)).collect();
                places.sort_unstable();
                let dense = places.iter().copied().eq(0..rows * columns);
                let found = is_dense((rows, columns), (row_stride, column_stride));
                assert_eq!(found, dense, "{rows} x {columns}, strides {row_stride} and {column_stride}");
            }
        }
    }
}
