//! Conversion of masks between tensors of 0 and 1 in files, which have one of several types, and bits in memory.

use half::{bf16, f16};
use prune_core::Mask;
use safetensors::Dtype;

use crate::error::Error;
use crate::parts::bits;
use crate::parts::buffer::Buffer;
use crate::parts::runs::{Runs, place};
use crate::read::model::Model;
use crate::text::clipped::clipped;

/// The types that masks may have, for errors.
pub(crate) const TYPES: &str = "BOOL, U8, F16, BF16, F32 and F64";

/// True if a tensor of this type can be a mask.
pub(crate) fn holds_masks(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::BOOL | Dtype::U8 | Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64)
}

/// Reads bits of a mask and returns the number of set bits. Zeros of either sign are 0.
pub(crate) fn read_bits(
    masks: &Model,
    mask: usize,
    runs: Runs,
    bytes: &mut Buffer,
    bits: &mut Vec<u64>,
) -> Result<usize, Error> {
    let about = masks.tensor(mask);
    let len = masks.read_runs(mask, runs, bytes)?;
    let elements = runs.elements();
    bits.clear();
    bits.resize(elements.div_ceil(64), 0);
    let bytes = bytes.bytes(len);
    let odd = read_into(about.dtype, bytes, bits);
    let Some((at, value)) = odd else { return Ok(bits::count(bits, elements)) };
    let mut rest = at;
    let linear = runs.iter().find_map(|(first, len)| {
        let found = (rest < len).then(|| first + rest);
        rest = rest.saturating_sub(len);
        found
    });
    let (name, index) = (clipped(&about.name), place(linear.unwrap_or_default(), &about.shape));
    let why = format!("the mask `{name}` has {value} at {index:?}; masks are of 0 and 1");
    Err(Error::Companion { path: masks.path_of(mask).to_owned(), why })
}

/// Sets the bits of all 1s among values of a type that [`holds_masks`]. Returns the first value other than 0 and 1,
/// with its place.
pub(super) fn read_into(dtype: Dtype, bytes: &[u8], bits: &mut [u64]) -> Option<(usize, f64)> {
    match dtype {
        Dtype::F16 => pack(bytemuck::cast_slice::<u8, f16>(bytes), bits),
        Dtype::BF16 => pack(bytemuck::cast_slice::<u8, bf16>(bytes), bits),
        Dtype::F32 => pack(bytemuck::cast_slice::<u8, f32>(bytes), bits),
        Dtype::F64 => pack(bytemuck::cast_slice::<u8, f64>(bytes), bits),
        // Nearly always all bytes are 0 or 1. Only if not, the other byte is looked for.
        _ if bits::pack(bytes, bits, 0) => None,
        _ => pack(bytes, bits),
    }
}

/// Sets the bits of all 1s. Returns the first value other than 0 and 1, with its place.
fn pack<T: Copy + Into<f64>>(values: &[T], bits: &mut [u64]) -> Option<(usize, f64)> {
    for (at, &value) in values.iter().enumerate() {
        let value = value.into();
        if value == 1.0 {
            bits[at / 64] |= 1 << (at % 64);
        } else if value != 0.0 {
            return Some((at, value));
        }
    }
    None
}

/// Writes a mask as 0 and 1 of a type that [`holds_masks`], and returns the number of bytes.
pub(crate) fn write(mask: &Mask, dtype: Dtype, into: &mut Buffer) -> usize {
    let one: &[u8] = match dtype {
        Dtype::F16 => &f16::ONE.to_le_bytes(),
        Dtype::BF16 => &bf16::ONE.to_le_bytes(),
        Dtype::F32 => &1f32.to_le_bytes(),
        Dtype::F64 => &1f64.to_le_bytes(),
        _ => &[1],
    };
    let len = mask.len() * one.len();
    let bytes = into.bytes_mut(len);
    if let [1] = one {
        bits::unpack(mask.words(), 0, bytes);
        return len;
    }
    bytes.fill(0);
    bytes
        .chunks_exact_mut(one.len())
        .zip(mask.iter())
        .filter(|(_, kept)| *kept)
        .for_each(|(b, _)| b.copy_from_slice(one));
    len
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_and_bits_agree(kept in prop::collection::vec(any::<bool>(), 0..300), odd in 0usize..600) {
            let mask = Mask::from_bools(&[kept.len()], &kept).unwrap();
            for dtype in [Dtype::BOOL, Dtype::U8, Dtype::F16, Dtype::BF16, Dtype::F32, Dtype::F64] {
                let mut buffer = Buffer::default();
                let len = write(&mask, dtype, &mut buffer);
                prop_assert_eq!(len, kept.len() * dtype.bitsize() / 8);
                let mut bits = vec![0; kept.len().div_ceil(64)];
                let bytes = buffer.bytes_mut(len);
                if dtype == Dtype::F32 && odd < kept.len() {
                    bytes[odd * 4..][..4].copy_from_slice(&0.5f32.to_le_bytes());
                    let found = pack(bytemuck::cast_slice::<u8, f32>(bytes), &mut bits);
                    prop_assert_eq!(found, Some((odd, 0.5)));
                    continue;
                }
                let found = read_into(dtype, bytes, &mut bits);
                prop_assert_eq!((found, &bits[..]), (None, mask.words()));
            }
        }
    }
}
