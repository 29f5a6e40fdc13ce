//! Masks as files: BOOL tensors under the names of the model's constants.

use std::path::Path;

use prune_core::Mask;
use safetensors::Dtype;

use crate::error::Error;
use crate::read::model::Model;
use crate::text::clipped::clipped;

/// Bytes of masks that are in memory at once.
const PART: usize = 1 << 20;

/// Reads all masks of a file.
pub(super) fn read(path: &Path) -> Result<Vec<(String, Mask)>, Error> {
    let file = Model::open(path)?;
    let refuse = |why: String| Err(Error::Companion { path: path.to_owned(), why });
    let mut masks = Vec::new();
    for (place, tensor) in file.tensors().enumerate() {
        let name = clipped(&tensor.name);
        if tensor.dtype != Dtype::BOOL {
            return refuse(format!("the mask of `{name}` is of type {}; masks are BOOL", tensor.dtype));
        }
        let mut words = vec![0u64; tensor.elements.div_ceil(64)];
        let mut bytes = vec![0; tensor.elements.min(PART)];
        let mut at = 0;
        while at < tensor.elements {
            let part = &mut bytes[..(tensor.elements - at).min(PART)];
            file.read(place, at as u64, part)?;
            for (i, &byte) in part.iter().enumerate() {
                match byte {
                    0 => {}
                    1 => words[(at + i) / 64] |= 1 << ((at + i) % 64),
                    _ => {
                        return refuse(format!("the mask of `{name}` has bytes other than 0 and 1, which are no BOOL"));
                    }
                }
            }
            at += part.len();
        }
        masks.push((tensor.name.clone(), Mask::from_words(&tensor.shape, words)?));
    }
    Ok(masks)
}
