//! Laws of applying and holding: zeros where the mask is false, and nothing else.

use proptest::prelude::*;

use super::{bits_of, failed, logical_bits, mask_of, masked, with_nan};
use crate::error::{Error, ErrorKind};
use crate::mask::Mask;
use crate::masks::Masks;
use crate::tensor::{LayerMut, PlainTensor};
use crate::testing::conformance::{Suite, for_all};
use crate::testing::generators::Random;
use crate::testing::oracle;

fn cases(suite: &Suite) -> BoxedStrategy<super::Masked> {
    masked(with_nan(suite))
}

/// Rule 7: `+0.0` where the mask is false, also over NaN and `-0.0`; kept elements stay as they are to the bit, NaN
/// too.
pub fn applying_writes_plus_zero_and_leaves_kept_bits(suite: &Suite) {
    let law = "applying_writes_plus_zero_and_leaves_kept_bits";
    for_all(law, cases(suite), |(shape, data, kept)| {
        let wanted: Vec<u64> =
            data.iter().zip(&kept).map(|(value, &kept)| if kept { value.low_bits() } else { 0 }).collect();
        let numbers = oracle::apply(&super::scores(&data), &kept);
        let mut tensor = suite.tensor(&shape, &data);
        tensor.apply_mask(&mask_of(&shape, &kept)?).map_err(failed)?;
        prop_assert_eq!(logical_bits(&tensor.layer())?, wanted);
        let seen = tensor.layer().to_logical_f64().map_err(failed)?;
        let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&seen), bits(&numbers));
        Ok(())
    });
}

/// Rule 7: idempotent.
pub fn applying_twice_equals_once(suite: &Suite) {
    for_all("applying_twice_equals_once", cases(suite), |(shape, data, kept)| {
        let mask = mask_of(&shape, &kept)?;
        let mut tensor = suite.tensor(&shape, &data);
        tensor.apply_mask(&mask).map_err(failed)?;
        let once = logical_bits(&tensor.layer())?;
        tensor.apply_mask(&mask).map_err(failed)?;
        prop_assert_eq!(logical_bits(&tensor.layer())?, once);
        Ok(())
    });
}

/// Rule 7: a mask of another shape is refused before anything is touched.
pub fn wrong_shape_is_refused_before_writing(suite: &Suite) {
    for_all("wrong_shape_is_refused_before_writing", cases(suite), |(shape, data, _)| {
        let mut others = vec![[&shape[..], &[1]].concat(), [&[1], &shape[..]].concat()];
        let mut longer = shape.clone();
        if let Some(last) = longer.last_mut() {
            *last += 1;
            others.push(longer);
        }
        let turned: Vec<usize> = shape.iter().rev().copied().collect();
        if turned != shape {
            others.push(turned);
        }
        let mut tensor = suite.tensor(&shape, &data);
        for other in others {
            let mask = Mask::none(&other).map_err(failed)?;
            let refused = Error::from(ErrorKind::ShapeMismatch { what: "mask", expected: shape.clone(), got: other });
            prop_assert_eq!(tensor.apply_mask(&mask), Err(refused.clone()));
            prop_assert_eq!(tensor.revivals(&mask), Err(refused));
            prop_assert_eq!(logical_bits(&tensor.layer())?, bits_of(&data));
        }
        Ok(())
    });
}

/// Rule 8: elements outside the mask that are not zero are counted, NaN too; a zero of either sign is not.
pub fn revivals_are_counted(suite: &Suite) {
    for_all("revivals_are_counted", cases(suite), |(shape, data, kept)| {
        let wanted = oracle::revivals(&super::scores(&data), &kept);
        let mask = mask_of(&shape, &kept)?;
        let mut tensor = suite.tensor(&shape, &data);
        prop_assert_eq!(tensor.revivals(&mask).map_err(failed)?, wanted);
        prop_assert_eq!(tensor.layer_mut().as_ref().revivals(&mask).map_err(failed)?, wanted);
        tensor.apply_mask(&mask).map_err(failed)?;
        prop_assert_eq!(tensor.revivals(&mask).map_err(failed)?, 0);
        Ok(())
    });
}

/// Rule 8: one call holds every layer with a mask, in the backend or beside it, and touches no other.
pub fn holding_covers_every_layer_with_a_mask(suite: &Suite) {
    for_all("holding_covers_every_layer_with_a_mask", (cases(suite), any::<u64>()), |((shape, data, kept), seed)| {
        let mut random = Random::new(seed);
        let bias: Vec<f64> = (0..5).map(|_| random.next_u64() as f64 - 9.0e18).collect();
        let mask = mask_of(&shape, &kept)?;
        let masks: Masks =
            [("weight".to_owned(), mask.clone()), ("momentum".to_owned(), mask.clone())].into_iter().collect();
        let (mut weight, mut momentum) = (suite.tensor(&shape, &data), suite.tensor(&shape, &data));
        let mut bias = PlainTensor::from_logical(&[5], bias).map_err(failed)?;
        let bias_before = bias.values().to_vec();
        let mut model =
            vec![("weight", weight.layer_mut()), ("bias", LayerMut::of(&mut bias)), ("momentum", momentum.layer_mut())];
        let offenders = oracle::revivals(&super::scores(&data), &kept);
        prop_assert_eq!(masks.revivals(&model).map_err(failed)?, 2 * offenders);
        masks.hold(&mut model).map_err(failed)?;
        prop_assert_eq!(masks.revivals(&model).map_err(failed)?, 0);
        drop(model);
        let wanted: Vec<u64> =
            data.iter().zip(&kept).map(|(value, &kept)| if kept { value.low_bits() } else { 0 }).collect();
        prop_assert_eq!(logical_bits(&weight.layer())?, wanted.clone());
        prop_assert_eq!(logical_bits(&momentum.layer())?, wanted);
        prop_assert_eq!(bias.values(), &bias_before[..]);

        // A layer of another shape, or an unknown name, is refused before the first layer is touched.
        let mut whole = suite.tensor(&shape, &data);
        let mut model = vec![("weight", whole.layer_mut()), ("momentum", LayerMut::of(&mut bias))];
        let refused = matches!(masks.hold(&mut model), Err(Error { kind: ErrorKind::ShapeMismatch { .. }, .. }));
        prop_assert!(refused || shape == [5]);
        drop(model);
        let mut model = vec![("weight", whole.layer_mut()), ("momentun", LayerMut::of(&mut bias))];
        let refused = masks.hold(&mut model);
        let named = matches!(
            &refused,
            Err(Error { kind: ErrorKind::UnknownLayer { name, nearest: Some(nearest) }, .. })
                if name == "momentum" && nearest == "momentun"
        );
        prop_assert!(named, "{:?}", refused);
        drop(model);
        if shape != [5] {
            prop_assert_eq!(logical_bits(&whole.layer())?, bits_of(&data));
        }
        Ok(())
    });
}
