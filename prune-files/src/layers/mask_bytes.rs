//! The masks of a model as the bytes of a safetensors file, for programs that keep them in memory or in their own
//! store.

use prune_core::{Mask, Masks};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};

use super::mask_values::{TYPES, holds_masks, read_into};
use crate::error::Error;
use crate::parts::buffer::Buffer;
use crate::parts::runs::place;
use crate::text::clipped::clipped;

/// Masks as a safetensors file: each is a tensor of type BOOL under its layer's name. `prune apply --masks` takes such
/// a file.
///
/// # Errors
///
/// [`Error::Masks`] if the header would be longer than the format allows.
///
/// # Complexity
///
/// Linear; a byte an element.
///
/// # Examples
///
/// ```
/// use prune_core::{Mask, Masks};
/// use prune_files::{masks_from_safetensors, masks_to_safetensors};
///
/// let mut masks = Masks::default();
/// masks.insert("fc.weight", Mask::from_bools(&[2, 2], &[true, false, false, true])?);
/// let bytes = masks_to_safetensors(&masks)?;
/// assert_eq!(masks_from_safetensors(&bytes)?, masks);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn masks_to_safetensors(masks: &Masks) -> Result<Vec<u8>, Error> {
    let bytes: Vec<(&str, &[usize], Vec<u8>)> =
        masks.iter().map(|(name, mask)| (name, mask.shape(), mask.to_bytes())).collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::BOOL, shape.to_vec(), bytes).map_err(|error| wrong(name, &error))?;
        Ok((*name, view))
    });
    let views: Vec<(&str, TensorView<'_>)> = views.collect::<Result<_, Error>>()?;
    serialize(views, None).map_err(|error| Error::Masks { why: error.to_string() })
}

/// The masks in a safetensors file. Every tensor is a mask of 0 and 1, of type BOOL, U8, F16, BF16, F32 or F64.
///
/// # Errors
///
/// [`Error::Masks`], which names the tensor, for bytes that are not a safetensors file, another type, or a value other
/// than 0 and 1.
///
/// # Complexity
///
/// Linear.
pub fn masks_from_safetensors(bytes: &[u8]) -> Result<Masks, Error> {
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|error| Error::Masks { why: format!("the bytes are no safetensors file: {error}") })?;
    let mut aligned = Buffer::default();
    let mut masks = Masks::default();
    for (name, view) in tensors.iter() {
        let (dtype, shape) = (view.dtype(), view.shape());
        if !holds_masks(dtype) {
            return Err(wrong(name, &format_args!("its type is {dtype:?}; masks are of {TYPES}")));
        }
        let len: usize = shape.iter().product();
        let data = aligned.bytes_mut(view.data().len());
        data.copy_from_slice(view.data());
        let mut words = vec![0; len.div_ceil(64)];
        if let Some((at, value)) = read_into(dtype, aligned.bytes(view.data().len()), &mut words) {
            return Err(wrong(name, &format_args!("{value} at {:?}; masks are of 0 and 1", place(at, shape))));
        }
        masks.insert(name, Mask::from_words(shape, words)?);
    }
    Ok(masks)
}

fn wrong(name: &str, why: &dyn core::fmt::Display) -> Error {
    Error::Masks { why: format!("mask `{}`: {why}", clipped(name)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    fn file(dtype: Dtype, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
        serialize([("a", TensorView::new(dtype, shape.to_vec(), bytes).unwrap())], None).unwrap()
    }

    proptest! {
        #[test]
        fn masks_come_back(kept in prop::collection::btree_map("[a-z]{0,3}", prop::collection::vec(any::<bool>(), 0..200), 0..4)) {
            let masks: Masks =
                kept.into_iter().map(|(name, kept)| (name, Mask::from_bools(&[kept.len(), 1], &kept).unwrap())).collect();
            prop_assert_eq!(masks_from_safetensors(&masks_to_safetensors(&masks).unwrap()).unwrap(), masks);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..200, to: u8) {
            let _ = masks_from_safetensors(&bytes);
            let mut good = file(Dtype::F32, &[1, 2], &[1.0f32, 0.0].map(f32::to_le_bytes).concat());
            let at = at % good.len();
            good[at] = to;
            let _ = masks_from_safetensors(&good);
        }
    }

    #[test]
    fn other_types_and_values_are_refused_by_name_and_place() {
        let ones = [1.0f32, -0.0].map(f32::to_le_bytes).concat();
        let masks = masks_from_safetensors(&file(Dtype::F32, &[1, 2], &ones)).unwrap();
        assert_eq!(masks.get("a").unwrap(), &Mask::from_bools(&[1, 2], &[true, false]).unwrap());
        for (bytes, expected) in [
            (
                file(Dtype::F32, &[1, 2], &[1.0f32, 0.5].map(f32::to_le_bytes).concat()),
                "mask `a`: 0.5 at [0, 1]; masks are of 0 and 1",
            ),
            (file(Dtype::U8, &[2], &[0, 3]), "mask `a`: 3 at [1]; masks are of 0 and 1"),
            (file(Dtype::I8, &[2], &[0, 1]), "mask `a`: its type is I8; masks are of BOOL, U8, F16, BF16, F32 and F64"),
        ] {
            assert_eq!(masks_from_safetensors(&bytes).unwrap_err().to_string(), expected);
        }
        let none = masks_from_safetensors(b"no").unwrap_err().to_string();
        assert!(none.starts_with("the bytes are no safetensors file: "), "{none}");
    }
}
