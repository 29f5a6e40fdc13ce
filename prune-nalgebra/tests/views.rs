//! Each kind of matrix and view, one by one: the memory it lends, the elements it writes, and those it leaves alone.

#![allow(clippy::unwrap_used, reason = "tests")]

use nalgebra::{DMatrix, DVector, Dyn, Matrix1, Matrix2x3, Matrix3, MatrixView, RowVector4, Vector3};
use prune_core::{Memory, PlainTensor};
use prune_nalgebra::{Density, ErrorKind, LayerRef, Mask, NmPattern, PruneExt, Ranked, Selector};

fn numbers() -> DMatrix<f32> {
    DMatrix::from_fn(3, 4, |i, j| (i * 4 + j) as f32 + 1.0)
}

fn half() -> Density {
    Density::new(0.5).unwrap()
}

/// True if the memory is lent without a copy.
fn lent_as_it_lies(layer: &LayerRef<'_>, address: *const f32) -> bool {
    let LayerRef::F32(lent) = layer else { return false };
    matches!(lent.memory(), Memory::Dense(values) if values.as_ptr() == address)
}

#[test]
fn memory_in_one_piece_is_lent_as_it_lies() {
    let matrix = numbers();
    let start = matrix.as_slice().as_ptr();
    let layer = matrix.layer();
    assert!(lent_as_it_lies(&layer, start));
    assert_eq!((layer.shape(), layer.layout().strides()), (&[3, 4][..], &[1, 3][..]));
    assert!(lent_as_it_lies(&matrix.view((0, 0), (3, 4)).layer(), start));
    // Neighbouring columns, and a part of one.
    assert!(lent_as_it_lies(&matrix.columns(1, 2).layer(), &matrix[(0, 1)]));
    assert!(lent_as_it_lies(&matrix.column(2).layer(), &matrix[(0, 2)]));
    assert!(lent_as_it_lies(&matrix.view((1, 3), (2, 1)).layer(), &matrix[(1, 3)]));
    // Row by row.
    let memory = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
    let rows: MatrixView<'_, f32, Dyn, Dyn, Dyn, Dyn> =
        MatrixView::from_slice_with_strides_generic(&memory, Dyn(2), Dyn(3), Dyn(3), Dyn(1));
    let layer = rows.layer();
    assert!(lent_as_it_lies(&layer, memory.as_ptr()));
    assert_eq!(layer.to_logical_f64().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    // Static sizes.
    let fixed = Matrix2x3::new(1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0);
    assert!(lent_as_it_lies(&fixed.layer(), fixed.as_slice().as_ptr()));
    assert_eq!(fixed.layer().to_logical_f64().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}

#[test]
fn gaps_are_gathered_to_read_and_left_alone_when_written() {
    let mut matrix = numbers();
    let mut view = matrix.view_with_steps_mut((0, 1), (2, 2), (1, 0));
    let layer = view.layer();
    assert_eq!(layer.to_logical_f64().unwrap(), [2.0, 3.0, 10.0, 11.0]);
    let LayerRef::F32(lent) = &layer else { panic!() };
    assert!(matches!(lent.memory(), Memory::Gathered(_)));
    drop(layer);
    view.apply_mask(&Mask::none(&[2, 2]).unwrap()).unwrap();
    assert_eq!(matrix, DMatrix::from_row_slice(3, 4, &[1.0, 0.0, 0.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 0.0, 0.0, 12.0]));
}

#[test]
fn every_view_of_a_small_matrix_is_read_and_written_right() {
    let mut views = 0;
    for (row, column) in (0..3usize).flat_map(|row| (0..4usize).map(move |column| (row, column))) {
        for (rows, columns) in (0..=3usize).flat_map(|rows| (0..=4usize).map(move |columns| (rows, columns))) {
            for (row_step, column_step) in (0..2usize).flat_map(|r| (0..3usize).map(move |c| (r, c))) {
                if row + rows.saturating_sub(1) * (row_step + 1) >= 3
                    || column + columns.saturating_sub(1) * (column_step + 1) >= 4
                    || row + rows > 3
                    || column + columns > 4
                {
                    continue;
                }
                views += 1;
                let mut matrix = numbers();
                let untouched = matrix.clone();
                let mut view = matrix.view_with_steps_mut((row, column), (rows, columns), (row_step, column_step));
                let what = format!("{rows} x {columns} from ({row}, {column}), steps {row_step} and {column_step}");
                let logical: Vec<f64> = view.transpose().iter().map(|&x| f64::from(x)).collect();
                assert_eq!(view.layer().to_logical_f64().unwrap(), logical, "{what}");
                assert_eq!(view.layer_mut().as_ref().to_logical_f64().unwrap(), logical, "{what}");

                let kept: Vec<bool> = (0..logical.len()).map(|i| i % 3 == 1).collect();
                let mask = Mask::from_bools(&[rows, columns], &kept).unwrap();
                view.apply_mask(&mask).unwrap();
                let wanted: Vec<f64> =
                    logical.iter().zip(&kept).map(|(&x, &kept)| if kept { x } else { 0.0 }).collect();
                assert_eq!(view.transpose().iter().map(|&x| f64::from(x)).collect::<Vec<_>>(), wanted, "{what}");
                assert_eq!(view.revivals(&mask).unwrap(), 0, "{what}");
                // Everything outside the view is unchanged: each value appears only once in the matrix.
                for (&before, &after) in untouched.iter().zip(&matrix) {
                    assert!(before == after || (after == 0.0 && logical.contains(&f64::from(before))), "{what}");
                }
            }
        }
    }
    assert!(views > 200, "{views}");
}

#[test]
fn one_column_or_one_row_by_type_is_rank_1() {
    assert_eq!(DVector::<f32>::zeros(5).layer().shape(), [5]);
    assert_eq!(Vector3::<f64>::zeros().layer().shape(), [3]);
    assert_eq!(RowVector4::<f32>::zeros().layer().shape(), [4]);
    assert_eq!(Matrix1::<f32>::zeros().layer().shape(), [1]);
    // A matrix with one column or row by its size alone stays a matrix.
    assert_eq!(DMatrix::<f32>::zeros(5, 1).layer().shape(), [5, 1]);
    assert_eq!(DMatrix::<f32>::zeros(1, 5).layer().shape(), [1, 5]);

    let mut matrix = numbers();
    let mut row = matrix.row_mut(1);
    assert_eq!(row.layer().shape(), [4]);
    assert_eq!(row.layer().to_logical_f64().unwrap(), [5.0, 6.0, 7.0, 8.0]);
    let mask = row.mask_n_m(NmPattern::new(1, 2).unwrap(), 0).unwrap();
    row.apply_mask(&mask).unwrap();
    assert_eq!(matrix, DMatrix::from_row_slice(3, 4, &[1.0, 2.0, 3.0, 4.0, 0.0, 6.0, 0.0, 8.0, 9.0, 10.0, 11.0, 12.0]));
}

#[test]
fn empty_matrices_have_empty_masks() {
    for (rows, columns) in [(0, 3), (3, 0), (0, 0)] {
        let mut matrix = DMatrix::<f64>::zeros(rows, columns);
        let mask = matrix.mask_unstructured(half()).unwrap();
        assert_eq!((mask.shape(), mask.len()), (&[rows, columns][..], 0));
        for axis in -2..2 {
            assert_eq!(matrix.mask_n_m(NmPattern::new(2, 4).unwrap(), axis).unwrap(), mask);
        }
        matrix.apply_mask(&mask).unwrap();
    }
    let mut matrix = numbers();
    let mut nothing = matrix.view_mut((1, 1), (0, 2));
    let mask = nothing.mask_unstructured(half()).unwrap();
    nothing.apply_mask(&mask).unwrap();
    assert_eq!(DVector::<f32>::zeros(0).mask_unstructured(half()).unwrap().shape(), [0]);
}

#[test]
fn a_kernel_has_the_masks_of_its_logical_shape() {
    let kernel = DMatrix::from_fn(18, 8, |i, j| ((i * 8 + j) as f32 * 0.7).sin());
    let logical: Vec<f32> = kernel.transpose().iter().copied().collect();
    let shape = [3, 3, 2, 8];
    let plain = PlainTensor::from_logical(&shape, logical).unwrap();
    let layer = kernel.layer_with_shape(&shape).unwrap();
    let plain = LayerRef::of(&plain);
    for axis in -4..4 {
        let pattern = NmPattern::new(1, 2).unwrap();
        let selected = Selector::magnitude().n_m(Ranked::new("kernel", &layer), pattern, axis).unwrap();
        assert_eq!(selected, Selector::magnitude().n_m(Ranked::new("kernel", &plain), pattern, axis).unwrap());
    }
    let density = Density::new(0.3).unwrap();
    let selected = Selector::magnitude().unstructured(Ranked::new("kernel", &layer), density).unwrap();
    assert_eq!(selected.mask.clone().with_shape(&[18, 8]).unwrap(), kernel.mask_unstructured(density).unwrap());

    let mut pruned = kernel.clone();
    pruned.layer_mut_with_shape(&shape).unwrap().apply_mask(&selected.mask).unwrap();
    assert_eq!(pruned.iter().filter(|&&x| x != 0.0).count(), 43);
    assert_eq!(pruned.layer_with_shape(&shape).unwrap().revivals(&selected.mask).unwrap(), 0);

    // In column order, 18 x 8 is no 8 x 18 without a copy.
    let refused = kernel.layer_with_shape(&[8, 18]).map(|_| ());
    assert!(refused.as_ref().is_err_and(|error| matches!(error.kind, ErrorKind::Reshape { .. })), "{refused:?}");
}

#[test]
fn static_matrices_are_pruned_in_place() {
    let mut weights: Matrix3<f64> = Matrix3::new(1.0, -2.0, 3.0, 4.0, -5.0, 6.0, 7.0, -8.0, 9.0);
    let mask = weights.mask_n_m(NmPattern::new(1, 3).unwrap(), 1).unwrap();
    weights.apply_mask(&mask).unwrap();
    assert_eq!(weights, Matrix3::new(0.0, 0.0, 3.0, 0.0, 0.0, 6.0, 0.0, 0.0, 9.0));
}

#[test]
fn activations_are_pruned_into_a_copy() {
    let x = DMatrix::from_row_slice(2, 4, &[0.1f32, 0.9, 0.5, 0.2, 4.0, 3.0, 2.0, 1.0]);
    let (pruned, mask) = x.prune_act_unstruct(half()).unwrap();
    assert_eq!(pruned, DMatrix::from_row_slice(2, 4, &[0.0, 0.9, 0.5, 0.0, 4.0, 3.0, 0.0, 0.0]));
    assert_eq!(mask.kept_len(), 4);
    let (pruned, _) = x.prune_act_struct(NmPattern::new(1, 2).unwrap()).unwrap();
    assert_eq!(pruned, DMatrix::from_row_slice(2, 4, &[0.0, 0.9, 0.5, 0.0, 4.0, 0.0, 2.0, 0.0]));
    assert_eq!(x[(0, 0)], 0.1, "the original is as it was");
}
