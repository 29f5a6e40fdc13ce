//! Memory in one piece, and what lies where in it.
//!
//! The only unsafe code of the crate is here. nalgebra says whether a matrix is in one piece by a marker trait on its
//! storage type, which most views lack, since it depends on their strides; a slice of such a view is to be had from its
//! storage alone, through a function that is unsafe because the view may have gaps. Here the strides are looked at
//! first. The safe twins are [`gather`](crate::runs::gather) for reading and one run an element for writing: ten times
//! slower and more where a view is in one piece, and tested to agree.

use nalgebra::{Dim, Dyn, Matrix, MatrixViewMut, RawStorage, RawStorageMut};
use prune_core::{Element, Layout};

/// The elements in memory order, where they lie without gaps or repeats: column by column or row by row.
pub(crate) fn as_slice<E, R: Dim, C: Dim, S: RawStorage<E, R, C>>(matrix: &Matrix<E, R, C, S>) -> Option<&[E]> {
    if matrix.is_empty() {
        return Some(&[]);
    }
    if !is_dense(matrix.shape(), matrix.strides()) {
        return None;
    }
    // SAFETY: the slice runs from the first element to the last, and by the strides each place between them is an
    // element of this matrix, borrowed as long as the slice is.
    #[expect(unsafe_code, reason = "nalgebra has no safe way to a slice of a view whose strides are known at run time")]
    let values = unsafe { matrix.data.as_slice_unchecked() };
    (values.len() == matrix.len()).then_some(values)
}

/// As [`as_slice`], for writing.
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
    // SAFETY: as in `as_slice`; no place belongs to any other matrix, so that the borrow of this one covers the slice.
    #[expect(unsafe_code, reason = "nalgebra has no safe way to a slice of a view whose strides are known at run time")]
    let values = unsafe { matrix.data.as_mut_slice_unchecked() };
    (values.len() == len).then_some(values)
}

/// As [`as_slice_mut`], of a view that is used up, for as long as it was lent; the view itself where it has gaps.
pub(crate) fn into_slice_mut<'a, E, R: Dim, C: Dim>(
    mut matrix: MatrixViewMut<'a, E, R, C, Dyn, Dyn>,
) -> Result<&'a mut [E], MatrixViewMut<'a, E, R, C, Dyn, Dyn>> {
    let Some(values) = as_slice_mut(&mut matrix) else { return Err(matrix) };
    let (first, len) = (values.as_mut_ptr(), values.len());
    // SAFETY: pointer and length are those of a slice. Its elements were lent to the view for `'a` and to nobody else, and
    // the view ends here.
    #[expect(unsafe_code, reason = "nalgebra has no safe way from a view with strides to a slice that outlives it")]
    let values = unsafe { core::slice::from_raw_parts_mut(first, len) };
    Ok(values)
}

/// Whether a matrix with elements lies in one piece, each place one element. The stride of a dimension of 1 says
/// nothing.
fn is_dense((rows, columns): (usize, usize), (row_stride, column_stride): (usize, usize)) -> bool {
    let steps = |length: usize, stride: usize, dense: usize| length == 1 || stride == dense;
    let by_columns = steps(rows, row_stride, 1) && steps(columns, column_stride, rows);
    let by_rows = steps(columns, column_stride, 1) && steps(rows, row_stride, columns);
    by_columns || by_rows
}

/// Where the elements lie in memory. A matrix with one column or one row by its type has rank 1.
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
