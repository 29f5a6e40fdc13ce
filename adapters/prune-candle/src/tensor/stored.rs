//! The element types that both candle and prune know.

use candle_core::CpuStorage;
use prune_core::Element;
use prune_core::half::{bf16, f16};

/// An element type of both.
pub(crate) trait Stored: Element {
    /// The memory of a storage, if it has this type.
    fn of(storage: &CpuStorage) -> Option<&[Self]>;

    /// The same, for writing.
    fn of_mut(storage: &mut CpuStorage) -> Option<&mut [Self]>;

    /// Appends the bits of elements.
    fn append_bits(values: &[Self], bytes: &mut Vec<u8>);
}

macro_rules! stored {
    ($($float:ty => $variant:ident),*) => {$(
        impl Stored for $float {
            fn of(storage: &CpuStorage) -> Option<&[Self]> {
                if let CpuStorage::$variant(values) = storage { Some(values) } else { None }
            }

            fn of_mut(storage: &mut CpuStorage) -> Option<&mut [Self]> {
                if let CpuStorage::$variant(values) = storage { Some(values) } else { None }
            }

            fn append_bits(values: &[Self], bytes: &mut Vec<u8>) {
                bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
    )*};
}

stored!(f32 => F32, f64 => F64, f16 => F16, bf16 => BF16);
