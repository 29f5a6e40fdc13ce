//! Sets, iteration and reading, against lists of bools.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn pairs() -> impl Strategy<Value = (Vec<bool>, Vec<bool>)> {
    proptest::collection::vec(any::<(bool, bool)>(), 0..200).prop_map(|pairs| pairs.into_iter().unzip())
}

fn mask(kept: &[bool]) -> Mask {
    Mask::from_bools(&[kept.len()], kept).unwrap()
}

proptest! {
    #[test]
    fn sets_are_what_their_names_say((a, b) in pairs()) {
        let (x, y) = (mask(&a), mask(&b));
        let by = |rule: fn(bool, bool) -> bool| mask(&a.iter().zip(&b).map(|(&a, &b)| rule(a, b)).collect::<Vec<_>>());
        for (rule, built, counted) in [
            ((|a, b| a || b) as fn(bool, bool) -> bool, x.union(&y), x.union_len(&y)),
            (|a, b| a && b, x.intersection(&y), x.intersection_len(&y)),
            (|a, b| a && !b, x.difference(&y), x.difference_len(&y)),
            (|a, b| a != b, x.symmetric_difference(&y), x.symmetric_difference_len(&y)),
        ] {
            prop_assert_eq!(built.as_ref(), Ok(&by(rule)));
            prop_assert_eq!(counted, Ok(by(rule).kept_len()));
        }
        prop_assert_eq!(x.complement(), by(|a, _| !a));
        prop_assert_eq!(x.is_subset(&y), Ok(by(|a, b| a && !b).kept_len() == 0));
        prop_assert_eq!(x.is_disjoint(&y), Ok(by(|a, b| a && b).kept_len() == 0));
    }

    #[test]
    fn bytes_and_values_are_one_where_an_element_is_kept((a, _) in pairs()) {
        let x = mask(&a);
        let bytes: Vec<u8> = a.iter().map(|&kept| u8::from(kept)).collect();
        prop_assert_eq!(x.to_bytes(), &bytes[..]);
        prop_assert_eq!(Mask::from_bytes(&[a.len()], &bytes), Ok(x.clone()));
        let other = |i: usize| (crate::hash::hash(i as u64) as u8).max(1);
        let other_bytes: Vec<u8> = bytes.iter().enumerate().map(|(i, &byte)| byte * other(i)).collect();
        prop_assert_eq!(Mask::from_bytes(&[a.len()], &other_bytes), Ok(x.clone()));
        prop_assert!(Mask::from_bytes(&[a.len() + 1], &bytes).is_err());
        let bits: Vec<u32> = a.iter().map(|&kept| if kept { 1.0f32.to_bits() } else { 0 }).collect();
        prop_assert_eq!(x.to_values::<f32>().into_iter().map(f32::to_bits).collect::<Vec<_>>(), bits);
        let values: Vec<half::f16> = a.iter().map(|&kept| if kept { half::f16::ONE } else { half::f16::ZERO }).collect();
        prop_assert_eq!(x.to_values::<half::f16>(), values);
    }

    /// Masks of so many elements that threads share the work.
    #[test]
    fn bytes_of_large_masks_come_back(extra in 0usize..200, seed: u64) {
        let bytes: Vec<u8> = (0..140_000 + extra as u64).map(|i| (crate::hash::hash(seed ^ i) % 3) as u8).collect();
        let x = mask(&bytes.iter().map(|&byte| byte != 0).collect::<Vec<_>>());
        prop_assert_eq!(Mask::from_bytes(&[bytes.len()], &bytes), Ok(x.clone()));
        prop_assert_eq!(Mask::from_bytes(&[bytes.len()], &x.to_bytes()), Ok(x.clone()));
        prop_assert!(x.to_values::<f32>().into_iter().zip(&bytes).all(|(value, &byte)| (value == 1.0) == (byte != 0)));
    }

    #[test]
    fn iteration_is_in_logical_order((a, _) in pairs()) {
        let x = mask(&a);
        prop_assert_eq!(x.iter().collect::<Vec<_>>(), &a[..]);
        prop_assert_eq!(x.iter().len(), a.len());
        prop_assert_eq!(x.kept_indices().collect::<Vec<_>>(), (0..a.len()).filter(|&i| a[i]).collect::<Vec<_>>());
        prop_assert_eq!(x.kept_len(), a.iter().filter(|&&kept| kept).count());
        prop_assert_eq!(Mask::from_words(&[a.len()], x.words().to_vec()), Ok(x));
    }

    #[cfg(feature = "serde")]
    #[test]
    fn what_is_written_reads_back((a, _) in pairs()) {
        let json = serde_json::to_string(&mask(&a)).unwrap();
        prop_assert_eq!(serde_json::from_str::<Mask>(&json).unwrap(), mask(&a));
    }
}

#[test]
fn masks_of_other_shapes_are_refused_and_nothing_changes() {
    let (mut x, y) = (Mask::all(&[2, 3]).unwrap(), Mask::none(&[3, 2]).unwrap());
    let before = x.clone();
    assert!(matches!(x.intersect_in_place(&y), Err(Error { kind: ErrorKind::ShapeMismatch { .. }, .. })));
    assert!(matches!(x.subtract_in_place(&y), Err(Error { kind: ErrorKind::ShapeMismatch { .. }, .. })));
    assert!(matches!(x.union_len(&y), Err(Error { kind: ErrorKind::ShapeMismatch { .. }, .. })));
    assert!(matches!(x.is_disjoint(&y), Err(Error { kind: ErrorKind::ShapeMismatch { .. }, .. })));
    assert_eq!(x, before);
}

#[test]
fn words_that_are_no_mask_are_refused() {
    assert_eq!(Mask::from_words(&[3], vec![0b1000]), Err(ErrorKind::TailBits { len: 3 }.into()));
    assert!(matches!(
        Mask::from_words(&[65], vec![0]),
        Err(Error { kind: ErrorKind::WrongLen { expected: 65, got: 64, .. }, .. })
    ));
    assert!(matches!(Mask::from_words(&[0], vec![0]), Err(Error { kind: ErrorKind::WrongLen { .. }, .. })));
    assert!(matches!(
        Mask::from_words(&[usize::MAX, 2], vec![]),
        Err(Error { kind: ErrorKind::ShapeOverflow { .. }, .. })
    ));
}

#[cfg(feature = "serde")]
#[test]
fn text_that_is_no_mask_is_refused() {
    for (text, why) in [
        (r#"{"shape": [3], "bits": "CA=="}"#, "bits are set past the last of the 3 elements"),
        (r#"{"shape": [9], "bits": "CA=="}"#, "has 2 bytes of bits, but 1 were found"),
        (r#"{"shape": [3], "bits": "?"}"#, "Invalid"),
        (r#"{"shape": [4294967296, 4294967296, 2], "bits": ""}"#, "more elements than memory can address"),
        (r#"{"shape": [1152921504606846976], "bits": "AA=="}"#, "bytes of bits, but 1 were found"),
        (r#"{"shape": [-1], "bits": ""}"#, "invalid value"),
        (r#"{"shape": [3]}"#, "missing field `bits`"),
        (r#"{"shape": [3], "bits": "Aw==", "extra": 1}"#, "unknown field"),
    ] {
        let error = serde_json::from_str::<Mask>(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[cfg(feature = "serde")]
#[test]
fn a_layer_with_two_masks_is_refused() {
    let one = r#"{"a": {"shape": [3], "bits": "BQ=="}}"#;
    assert_eq!(serde_json::from_str::<crate::Masks>(one).unwrap().len(), 1);
    let two = r#"{"a": {"shape": [3], "bits": "BQ=="}, "a": {"shape": [3], "bits": "Ag=="}}"#;
    let error = serde_json::from_str::<crate::Masks>(two).unwrap_err().to_string();
    assert!(error.starts_with("layer `a` has two masks"), "{error}");
}

/// Longer than a task, and no whole number of words.
#[test]
fn values_are_written_by_several_threads() {
    let kept: Vec<bool> = (0..300_001u64).map(|i| crate::hash::hash(i).is_multiple_of(3)).collect();
    let x = mask(&kept);
    assert!(x.to_bytes().iter().zip(&kept).all(|(&byte, &kept)| byte == u8::from(kept)));
    assert!(x.to_values::<f64>().iter().zip(&kept).all(|(&value, &kept)| value == if kept { 1.0 } else { 0.0 }));
}
