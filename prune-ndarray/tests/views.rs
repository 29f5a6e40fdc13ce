//! Each kind of array and view, one by one: the memory it lends, the elements it writes, and those it leaves alone.

#![allow(clippy::unwrap_used, reason = "tests")]

use ndarray::{
    ArcArray2, Array, Array0, Array1, Array2, Array3, ArrayRef2, ArrayView2, Axis, CowArray, arr0, array, s,
};
use prune_core::Memory;
use prune_ndarray::{Density, Error, ErrorKind, LayerRef, Mask, NmPattern, PruneExt};

fn numbers() -> Array2<f32> {
    Array::from_shape_fn((3, 4), |(i, j)| (i * 4 + j) as f32 + 1.0)
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
fn owned_and_transposed_memory_is_lent_as_it_lies() {
    let array = numbers();
    let start = array.as_ptr();
    assert!(lent_as_it_lies(&array.layer(), start));
    assert!(lent_as_it_lies(&array.view().layer(), start));
    assert!(lent_as_it_lies(&array.t().layer(), start));
    assert_eq!(array.t().layer().layout().strides(), [1, 4]);
    // Whole rows are in one piece too.
    assert!(lent_as_it_lies(&array.slice(s![1.., ..]).layer(), array.row(1).as_ptr()));
}

#[test]
fn negative_strides_are_lent_from_the_lowest_address() {
    let mut array = numbers();
    let start = array.as_ptr();
    array.invert_axis(Axis(0));
    array.invert_axis(Axis(1));
    let layer = array.layer();
    assert!(lent_as_it_lies(&layer, start));
    assert_eq!((layer.layout().strides(), layer.layout().offset()), (&[-4, -1][..], 11));
    let wanted: Vec<f64> = (1..=12).rev().map(f64::from).collect();
    assert_eq!(layer.to_logical_f64().unwrap(), wanted);
    assert_eq!(array.mask_unstructured(half()).unwrap().kept_indices().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn gaps_are_gathered_to_read_and_left_alone_when_written() {
    let mut array = numbers();
    let mut view = array.slice_mut(s![..;2, 1..3]);
    let layer = view.layer();
    assert_eq!(layer.to_logical_f64().unwrap(), [2.0, 3.0, 10.0, 11.0]);
    let LayerRef::F32(lent) = &layer else { panic!() };
    assert!(matches!(lent.memory(), Memory::Gathered(_)));
    drop(layer);
    view.apply_mask(&Mask::none(&[2, 2]).unwrap()).unwrap();
    assert_eq!(array, array![[1.0, 0.0, 0.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 0.0, 0.0, 12.0]]);
}

#[test]
fn every_slice_of_a_small_array_is_read_and_written_right() {
    for (start_0, start_1, step_0, step_1, transposed) in (0..3usize)
        .flat_map(|a| (0..4usize).map(move |b| (a, b)))
        .flat_map(|(a, b)| [1isize, 2, -1, -2].into_iter().map(move |c| (a, b, c)))
        .flat_map(|(a, b, c)| [1isize, 2, 3, -1, -2, -3].into_iter().map(move |d| (a, b, c, d)))
        .flat_map(|(a, b, c, d)| [false, true].into_iter().map(move |e| (a, b, c, d, e)))
    {
        let mut array = numbers();
        let untouched = array.clone();
        let mut view = array.slice_mut(s![start_0..;step_0, start_1..;step_1]);
        if transposed {
            view = view.reversed_axes();
        }
        let what = format!("{:?} {:?}", view.shape(), view.strides());
        let logical: Vec<f64> = view.iter().map(|&x| f64::from(x)).collect();
        assert_eq!(view.layer().to_logical_f64().unwrap(), logical, "{what}");
        assert_eq!(view.layer_mut().as_ref().to_logical_f64().unwrap(), logical, "{what}");

        let kept: Vec<bool> = (0..logical.len()).map(|i| i % 3 == 1).collect();
        let mask = Mask::from_bools(view.shape(), &kept).unwrap();
        view.apply_mask(&mask).unwrap();
        let wanted: Vec<f64> = logical.iter().zip(&kept).map(|(&x, &kept)| if kept { x } else { 0.0 }).collect();
        assert_eq!(view.iter().map(|&x| f64::from(x)).collect::<Vec<_>>(), wanted, "{what}");
        assert_eq!(view.revivals(&mask).unwrap(), 0, "{what}");
        // Everything outside the view is unchanged: each value appears only once in the array.
        for (&before, &after) in untouched.iter().zip(&array) {
            assert!(before == after || (after == 0.0 && logical.contains(&f64::from(before))), "{what}");
        }
    }
}

#[test]
fn broadcast_views_repeat_their_elements() {
    let row = array![3.0f32, -1.0, 2.0];
    let repeated: ArrayView2<'_, f32> = row.broadcast((2, 3)).unwrap();
    assert_eq!(repeated.strides(), [0, 1]);
    assert_eq!(repeated.layer().to_logical_f64().unwrap(), [3.0, -1.0, 2.0, 3.0, -1.0, 2.0]);
    let mask = repeated.mask_unstructured(half()).unwrap();
    // Three of six: both threes, and the first of the twos.
    assert_eq!(mask.kept_indices().collect::<Vec<_>>(), [0, 2, 3]);
    assert_eq!(mask, repeated.to_owned().mask_unstructured(half()).unwrap());
    let one = arr0(5.0f64);
    assert_eq!(one.broadcast((2, 2)).unwrap().mask_unstructured(half()).unwrap().kept_indices().count(), 2);
}

#[test]
fn a_single_number_is_a_tensor_of_rank_0() {
    let mut one: Array0<f32> = arr0(-4.0);
    assert_eq!(one.layer().shape(), [] as [usize; 0]);
    let mask = one.mask_unstructured(Density::new(0.01).unwrap()).unwrap();
    assert_eq!(mask.kept_len(), 1);
    let refused = one.mask_n_m(NmPattern::new(2, 4).unwrap(), -1);
    assert_eq!(refused, Err(ErrorKind::AxisOutOfRange { axis: -1, rank: 0 }.into()));
    one.apply_mask(&Mask::none(&[]).unwrap()).unwrap();
    assert_eq!(one.into_scalar(), 0.0);
}

#[test]
fn empty_arrays_have_empty_masks() {
    for shape in [[0usize, 3, 2], [3, 0, 2], [3, 2, 0], [0, 0, 0]] {
        let mut array = Array3::<f64>::zeros(shape);
        let mask = array.mask_unstructured(half()).unwrap();
        assert_eq!((mask.shape(), mask.len(), mask.kept_len()), (&shape[..], 0, 0));
        for axis in -3..3 {
            assert_eq!(array.mask_n_m(NmPattern::new(2, 4).unwrap(), axis).unwrap(), mask);
        }
        array.apply_mask(&mask).unwrap();
        let mut turned = array.view_mut().reversed_axes();
        let mask = turned.mask_unstructured(half()).unwrap();
        turned.apply_mask(&mask).unwrap();
    }
    let array = numbers();
    let nothing = array.slice(s![2..2, ..;-1]);
    assert_eq!(nothing.mask_unstructured(half()).unwrap().shape(), [0, 4]);
}

#[test]
fn axes_of_length_1_may_have_any_stride() {
    let mut array = numbers();
    let mut column = array.slice_mut(s![.., 2..3]);
    assert_eq!(column.layer().to_logical_f64().unwrap(), [3.0, 7.0, 11.0]);
    column.invert_axis(Axis(1));
    assert_eq!(column.layer().to_logical_f64().unwrap(), [3.0, 7.0, 11.0]);
    column.apply_mask(&Mask::from_bools(&[3, 1], &[true, false, true]).unwrap()).unwrap();
    assert_eq!(array.column(2).to_vec(), [3.0, 0.0, 11.0]);
    let mut row = array.slice_mut(s![1..2, ..]);
    row.invert_axis(Axis(0));
    assert_eq!(row.layer().to_logical_f64().unwrap(), [5.0, 6.0, 0.0, 8.0]);
}

#[test]
fn shared_arrays_part_when_they_are_written() {
    let one: ArcArray2<f32> = numbers().into_shared();
    let mut other = one.clone();
    other.apply_mask(&Mask::none(&[3, 4]).unwrap()).unwrap();
    assert_eq!(other.sum(), 0.0);
    assert_eq!(one, numbers());

    let numbers = numbers();
    let cow = CowArray::from(&numbers);
    assert_eq!(cow.mask_unstructured(half()).unwrap(), numbers.mask_unstructured(half()).unwrap());
}

#[test]
fn functions_over_array_references_can_prune() {
    fn prune(weights: &mut ArrayRef2<f32>) -> Result<(), Error> {
        let mask = weights.mask_n_m(NmPattern::new(1, 2).unwrap(), 1)?;
        weights.apply_mask(&mask)
    }
    let mut array = numbers();
    prune(&mut array).unwrap();
    assert_eq!(array, array![[0.0, 2.0, 0.0, 4.0], [0.0, 6.0, 0.0, 8.0], [0.0, 10.0, 0.0, 12.0]]);
    prune(&mut array.slice_mut(s![.., 2..])).unwrap();
    assert_eq!(array.row(0).to_vec(), [0.0, 2.0, 0.0, 4.0]);
}

#[test]
fn activations_are_pruned_into_a_copy() {
    let x = array![[0.1f32, 0.9, 0.5, 0.2], [4.0, 3.0, 2.0, 1.0]];
    let (pruned, mask) = x.prune_act_unstruct(half()).unwrap();
    assert_eq!(pruned, array![[0.0, 0.9, 0.5, 0.0], [4.0, 3.0, 0.0, 0.0]]);
    assert_eq!(mask.kept_len(), 4);
    let (pruned, _) = x.prune_act_struct(NmPattern::new(1, 2).unwrap()).unwrap();
    assert_eq!(pruned, array![[0.0, 0.9, 0.5, 0.0], [4.0, 0.0, 2.0, 0.0]]);
    assert_eq!(x[[0, 0]], 0.1, "the original is as it was");
}

#[test]
fn a_vector_has_the_mask_of_its_values() {
    let vector = Array1::from_vec(vec![half::bf16::from_f32(1.0), half::bf16::from_f32(-2.0)]);
    assert_eq!(vector.mask_unstructured(half()).unwrap().kept_indices().collect::<Vec<_>>(), [1]);
}
