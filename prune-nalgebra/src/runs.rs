//! Memory with gaps: gathered for reading, written run by run in place.

use nalgebra::{Dim, Dyn, Matrix, MatrixViewMut, RawStorage, RawStorageMut};
use prune_core::{Element, Run, Strided};

use crate::contiguous::into_slice_mut;

/// The elements in logical order.
pub(crate) fn gather<E: Element, R: Dim, C: Dim, S: RawStorage<E, R, C>>(matrix: &Matrix<E, R, C, S>) -> Vec<E> {
    let (rows, columns) = matrix.shape();
    let mut values = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        values.extend((0..columns).map(|column| matrix[(row, column)]));
    }
    values
}

/// A matrix whose memory is not in one piece.
pub(crate) struct StridedMatrix<'a, E> {
    matrix: MatrixViewMut<'a, E, Dyn, Dyn, Dyn, Dyn>,
}

impl<'a, E: Element> StridedMatrix<'a, E> {
    pub(crate) fn new<R: Dim, C: Dim, S: RawStorageMut<E, R, C>>(matrix: &'a mut Matrix<E, R, C, S>) -> Self {
        let shape = matrix.shape();
        StridedMatrix { matrix: matrix.view_with_steps_mut((0, 0), shape, (0, 0)) }
    }
}

impl<E: Element> Strided<E> for StridedMatrix<'_, E> {
    fn gather(&self) -> Vec<E> {
        gather(&self.matrix)
    }

    fn for_each_run<'s>(&'s mut self, visit: &mut dyn FnMut(Run<'s, E>)) {
        let columns = self.matrix.ncols();
        let (row_stride, column_stride) = self.matrix.strides();
        if column_stride == 1 && row_stride != 1 {
            for (row, values) in self.matrix.row_iter_mut().enumerate() {
                if let Ok(values) = into_slice_mut(values) {
                    visit(Run { first: row * columns, step: 1, values });
                }
            }
            return;
        }
        for (column, values) in self.matrix.column_iter_mut().enumerate() {
            match into_slice_mut(values) {
                Ok(values) => visit(Run { first: column, step: columns as isize, values }),
                Err(values) => {
                    for (row, value) in values.into_iter().enumerate() {
                        let values = core::slice::from_mut(value);
                        visit(Run { first: row * columns + column, step: 0, values });
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use nalgebra::{DMatrix, Dyn, MatrixViewMut};

    use super::{StridedMatrix, gather};
    use crate::contiguous::as_slice;
    use prune_core::Strided;

    /// The safe twins and the slices agree wherever there is a slice, for every small shape and stride.
    #[test]
    fn slices_agree_with_their_safe_twins() {
        let mut memory: Vec<f32> = (0..100).map(|i| i as f32).collect();
        let mut in_one_piece = 0;
        for (rows, columns) in (0..=4).flat_map(|rows| (0..=4).map(move |columns| (rows, columns))) {
            for (row_stride, column_stride) in (1..=12).flat_map(|r| (1..=12).map(move |c| (r, c))) {
                // A matrix whose strides repeat a place cannot be written.
                let mut places: Vec<usize> =
                    (0..rows).flat_map(|r| (0..columns).map(move |c| r * row_stride + c * column_stride)).collect();
                let logical: Vec<f32> = places.iter().map(|&place| place as f32).collect();
                places.sort_unstable();
                places.dedup();
                if places.len() < rows * columns {
                    continue;
                }
                let mut view: MatrixViewMut<'_, f32, Dyn, Dyn, Dyn, Dyn> =
                    MatrixViewMut::from_slice_with_strides_generic(
                        &mut memory,
                        Dyn(rows),
                        Dyn(columns),
                        Dyn(row_stride),
                        Dyn(column_stride),
                    );
                let what = format!("{rows} x {columns}, strides {row_stride} and {column_stride}");
                assert_eq!(gather(&view), logical, "{what}");
                if let Some(values) = as_slice(&view) {
                    assert!(values.iter().copied().eq((0..rows * columns).map(|i| i as f32)), "{what}");
                    in_one_piece += 1;
                }
                let mut seen = vec![None; rows * columns];
                StridedMatrix::new(&mut view).for_each_run(&mut |run| {
                    for (i, value) in run.values.iter().enumerate() {
                        let index = (run.first as isize + i as isize * run.step) as usize;
                        assert_eq!(seen[index].replace(*value), None, "{what}");
                    }
                });
                assert!(seen.into_iter().eq(logical.into_iter().map(Some)), "{what}");
            }
        }
        assert!(in_one_piece > 100);
        let matrix = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(as_slice(&matrix).unwrap(), [1.0, 3.0, 2.0, 4.0]);
    }
}
