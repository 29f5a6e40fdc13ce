//! Tests the conformance suite itself, with backends that have a planted fault, which it must find.
//!
//! A real backend could have each of these faults. Beside the laws that must fail stand laws that must hold, so that
//! a suite that fails everything is found too. The same backend without a fault passes all of them.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use prune_core::testing::conformance::{self as laws, Methods, Subject, Suite, adapt};
use prune_core::testing::generators::{Shapes, dense_layout, to_memory_order};
use prune_core::{Density, Error, Layout, Mask, NmPattern, PlainTensor, PruneExt};

type Values = PlainTensor<f32>;
type Law = (&'static str, fn(&Suite));

/// The laws that are tried here, under the names that failures carry.
macro_rules! laws {
    ($($law:ident)*) => { [$((stringify!($law), laws::$law as fn(&Suite)),)*] };
}

/// A backend without a fault.
fn sound() -> Methods<Values> {
    laws::plain_methods()
}

fn row_major(shape: &[usize], logical: Vec<f32>) -> Values {
    PlainTensor::from_logical(shape, logical).unwrap()
}

/// A suite on tensors made by `make` that are used through `methods`.
fn suite(make: fn(&[usize], Vec<f32>) -> Values, methods: fn() -> Methods<Values>) -> Suite {
    // Few and small shapes, so that shrinking the failures takes little time.
    Suite::new(Shapes::only(&[[3, 5], [9, 7], [6, 2]]), move |shape: &[usize], logical: Vec<f32>| -> Box<dyn Subject> {
        adapt(make(shape, logical), methods())
    })
}

/// The `laws` that the suite finds broken. Only a failure under the law's own name counts.
fn broken(suite: &Suite, laws: &[Law]) -> Vec<&'static str> {
    let broken = laws.iter().filter(|(name, law)| match catch_unwind(AssertUnwindSafe(|| law(suite))) {
        Ok(()) => false,
        Err(panic) => {
            let message = panic.downcast::<String>().unwrap();
            assert!(message.starts_with(&format!("{name} does not hold")), "{message}");
            true
        }
    });
    broken.map(|(name, _)| *name).collect()
}

/// The right mask, except for ties at the threshold: the last of them are kept, not the first.
fn keeps_the_last_of_a_tie(tensor: &Values, density: Density) -> Result<Mask, Error> {
    let right = tensor.mask_unstructured(density)?;
    let values = tensor.to_logical();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()).then(b.cmp(&a)));
    let mut kept = vec![false; values.len()];
    order.into_iter().take(right.kept_len()).for_each(|i| kept[i] = true);
    Mask::from_bools(right.shape(), &kept)
}

#[test]
fn a_tie_broken_wrongly_is_found() {
    let laws = laws![every_kept_ranks_above_every_pruned equals_the_full_sort_oracle layouts_agree_with_row_major];
    let counts = laws![kept_count_follows_density n_m_holds_in_each_group];
    let faulty = suite(row_major, || Methods { mask_unstructured: keeps_the_last_of_a_tie, ..sound() });
    assert_eq!(broken(&faulty, &laws), laws.map(|(name, _)| name));
    assert!(broken(&faulty, &counts).is_empty());
    assert!(broken(&suite(row_major, sound), &laws).is_empty());
}

/// The right mask, except for an incomplete last group of each lane, which stays dense.
fn leaves_the_remainder_dense(tensor: &Values, pattern: NmPattern, axis: isize) -> Result<Mask, Error> {
    let right = tensor.mask_n_m(pattern, axis)?;
    let shape = right.shape();
    let along = if axis < 0 { axis + shape.len() as isize } else { axis } as usize;
    let whole = shape[along] / pattern.m() * pattern.m();
    let after: usize = shape[along + 1..].iter().product();
    let kept: Vec<bool> = right.iter().enumerate().map(|(i, kept)| kept || i / after % shape[along] >= whole).collect();
    Mask::from_bools(shape, &kept)
}

#[test]
fn a_remainder_group_treated_wrongly_is_found() {
    let laws = laws![n_m_holds_in_each_group equals_the_full_sort_oracle layouts_agree_with_row_major];
    let others = laws![kept_count_follows_density every_kept_ranks_above_every_pruned sign_flips_change_nothing];
    let faulty = suite(row_major, || Methods { mask_n_m: leaves_the_remainder_dense, ..sound() });
    assert_eq!(broken(&faulty, &laws), laws.map(|(name, _)| name));
    assert!(broken(&faulty, &others).is_empty());
    assert!(broken(&suite(row_major, sound), &laws).is_empty());
}

/// Memory in column-major order, under a layout that claims row-major.
fn transposed(shape: &[usize], logical: Vec<f32>) -> Values {
    let rows = Layout::row_major(shape).unwrap();
    let order: Vec<usize> = (0..shape.len()).rev().collect();
    let columns = dense_layout(shape, &order, &vec![false; shape.len()]);
    PlainTensor::from_memory(rows, to_memory_order(&columns, &logical)).unwrap()
}

#[test]
fn a_transposed_layout_lent_as_row_major_is_found() {
    let laws = laws![
        lends_its_logical_content layouts_agree_with_row_major equals_the_full_sort_oracle
        mask_bytes_equal_across_layouts units_slices_and_bounds_agree_everywhere applying_writes_plus_zero_and_leaves_kept_bits
        nan_is_an_error_naming_the_first
    ];
    // Laws that do not depend on the place of an element.
    let others = laws![kept_count_follows_density n_m_holds_in_each_group later_mask_is_subset_of_earlier];
    let faulty = suite(transposed, sound);
    assert_eq!(broken(&faulty, &laws), laws.map(|(name, _)| name));
    assert!(broken(&faulty, &others).is_empty());
    assert!(broken(&suite(row_major, sound), &laws).is_empty());
}
