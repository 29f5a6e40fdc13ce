//! Laws of layout: every method treats the same logical tensor alike, in any memory layout.

use std::hash::{BuildHasher, RandomState};

use proptest::prelude::*;

use super::{Number, bits_of, failed, logical_bits, nameless, same_mask, scores, small, with_nan};
use crate::error::{Error, ErrorKind};
use crate::key::RankBy;
use crate::layout::Layout;
use crate::select::Selector;
use crate::tensor::LayerRef;
use crate::testing::conformance::{Suite, for_all};
use crate::testing::generators::{axes, densities, layouts, patterns};
use crate::testing::oracle;

/// A backend lends the values that were put in, to the bit, for reading and for writing.
pub fn lends_its_logical_content(suite: &Suite) {
    let cases = with_nan(suite);
    for_all("lends_its_logical_content", cases, |(shape, data)| {
        let mut tensor = suite.tensor(&shape, &data);
        let lent = tensor.layer();
        prop_assert_eq!(lent.shape(), &shape[..]);
        prop_assert_eq!((lent.rank(), lent.len()), (shape.len(), data.len()));
        prop_assert_eq!(lent.element_type(), suite.element_type());
        prop_assert_eq!(logical_bits(&lent)?, bits_of(&data));
        let seen: Vec<u64> = lent.to_logical_f64().map_err(failed)?.iter().map(|x| x.to_bits()).collect();
        prop_assert_eq!(seen, scores(&data).iter().map(|x| x.to_bits()).collect::<Vec<_>>());
        drop(lent);
        if tensor.is_writable() {
            let lent = tensor.layer_mut();
            prop_assert_eq!(lent.shape(), &shape[..]);
            prop_assert_eq!(logical_bits(&lent.as_ref())?, bits_of(&data));
        }
        Ok(())
    });
}

/// Rule 5: masks of the backend are those of a row-major tensor with the same logical content.
pub fn layouts_agree_with_row_major(suite: &Suite) {
    let cases = (with_nan(suite), densities(), patterns());
    for_all("layouts_agree_with_row_major", cases, |((shape, data), density, pattern)| {
        let layout = Layout::row_major(&shape).map_err(failed)?;
        let rows = Number::plain(suite.element_type(), layout, &data);
        let tensor = suite.tensor(&shape, &data);
        prop_assert_eq!(tensor.mask_unstructured(density), rows.mask_unstructured(density));
        prop_assert_eq!(tensor.mask_unstructured_by_score(density), rows.mask_unstructured_by_score(density));
        for axis in 0..shape.len() as isize {
            prop_assert_eq!(tensor.mask_n_m(pattern, axis), rows.mask_n_m(pattern, axis));
        }
        Ok(())
    });
}

/// Equal masks have equal words, hashes and, with the feature `serde`, serialised bytes, even if one was found in
/// memory of another layout.
pub fn mask_bytes_equal_across_layouts(suite: &Suite) {
    let cases = small(suite).prop_flat_map(|(shape, data)| {
        let layouts = layouts(shape.clone());
        (Just(shape), Just(data), layouts, densities(), patterns())
    });
    let hasher = RandomState::new();
    for_all("mask_bytes_equal_across_layouts", cases, |(shape, data, layout, density, pattern)| {
        let other = Number::plain(suite.element_type(), layout, &data);
        let tensor = suite.tensor(&shape, &data);
        let mut pairs = vec![(tensor.mask_unstructured(density), other.mask_unstructured(density))];
        for axis in 0..shape.len() as isize {
            pairs.push((tensor.mask_n_m(pattern, axis), other.mask_n_m(pattern, axis)));
        }
        for (mask, other) in pairs {
            let (mask, other) = (mask.map_err(failed)?, other.map_err(failed)?);
            prop_assert_eq!(mask.shape(), other.shape());
            prop_assert_eq!(mask.words(), other.words());
            prop_assert_eq!(&mask, &other);
            prop_assert_eq!(hasher.hash_one(&mask), hasher.hash_one(&other));
            #[cfg(feature = "serde")]
            prop_assert_eq!(serialised(&mask)?, serialised(&other)?);
        }
        Ok(())
    });
}

#[cfg(feature = "serde")]
fn serialised(mask: &crate::Mask) -> Result<Vec<u8>, TestCaseError> {
    serde_json::to_vec(mask).map_err(|error| TestCaseError::fail(format!("a mask cannot be serialised: {error}")))
}

/// Another logical shape gives other axes to the same elements, or an error if no strides can express it.
pub fn with_shape_changes_axes_not_values(suite: &Suite) {
    let cases = small(suite).prop_flat_map(|(shape, data)| {
        let rank = shape.len();
        let places = proptest::collection::vec(0..=rank, 0..3);
        (Just(shape), Just(data), places, any::<prop::sample::Index>(), patterns(), axes(rank + 1))
    });
    for_all("with_shape_changes_axes_not_values", cases, |(shape, data, ones, cut, pattern, axis)| {
        let scores = scores(&data);
        let mut tensor = suite.tensor(&shape, &data);

        // Dimensions of 1 put in, and one dimension cut in two: strides can always express these.
        let mut with_ones = shape.clone();
        ones.iter().for_each(|&place| with_ones.insert(place, 1));
        let mut finer = vec![with_ones];
        if !shape.is_empty() {
            let place = cut.index(shape.len());
            let divisors: Vec<usize> = (1..=shape[place]).filter(|d| shape[place] % d == 0).collect();
            if let Some(&divisor) = divisors.get(cut.index(divisors.len().max(1))) {
                let mut cut = shape.clone();
                cut.splice(place..=place, [divisor, shape[place] / divisor]);
                finer.push(cut);
            }
        }
        for to in finer {
            let lent = tensor.layer_with_shape(&to).map_err(failed)?;
            prop_assert_eq!(lent.shape(), &to[..]);
            prop_assert_eq!(logical_bits(&lent)?, bits_of(&data));
            if axis >= -(to.len() as isize) && axis < to.len() as isize {
                let got = Selector::magnitude().n_m(&lent, pattern, axis);
                let layer = nameless(&to, &scores, None);
                let wanted = oracle::n_m(layer, pattern.n(), pattern.m(), axis, RankBy::Magnitude);
                same_mask(got.map(|selected| selected.mask), wanted)?;
            }
            drop(lent);
            if tensor.is_writable() {
                let lent = tensor.layer_mut_with_shape(&to).map_err(failed)?;
                prop_assert_eq!(logical_bits(&lent.as_ref())?, bits_of(&data));
            }
        }

        // All dimensions merged into one; the memory decides whether this is possible.
        match tensor.layer_with_shape(&[data.len()]) {
            Ok(lent) => prop_assert_eq!(logical_bits(&lent)?, bits_of(&data)),
            Err(Error { kind: ErrorKind::Reshape { from, to, .. }, .. }) => {
                prop_assert_eq!((&from[..], &to[..]), (&shape[..], &[data.len()][..]))
            }
            Err(error) => return Err(failed(error)),
        }

        // Another number of elements never fits.
        let refused = tensor.layer_with_shape(&[data.len() + 1]).map(|_: LayerRef<'_>| ());
        prop_assert!(matches!(refused, Err(Error { kind: ErrorKind::Reshape { .. }, .. })), "{:?}", refused);
        if tensor.is_writable() {
            let refused = tensor.layer_mut_with_shape(&[2, data.len() + 1]).map(|_| ());
            prop_assert!(matches!(refused, Err(Error { kind: ErrorKind::Reshape { .. }, .. })), "{:?}", refused);
        }
        Ok(())
    });
}
