//! Values of any element type in one piece of memory.

use crate::element_type::ElementType;
use crate::key::{Keyed, RankBy};
use crate::tensor::{Element, for_any_type};

/// Values of one element type in one piece of memory.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Values<'a> {
    /// Values of `f32`.
    F32(&'a [f32]),
    /// Values of `f64`.
    F64(&'a [f64]),
    /// Values of `f16`.
    F16(&'a [half::f16]),
    /// Values of `bf16`.
    Bf16(&'a [half::bf16]),
}

impl<'a> Values<'a> {
    /// The number of values.
    pub fn len(self) -> usize {
        for_any_type!(Values, self, values => values.len())
    }

    /// True if there are no values.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Their element type.
    pub fn element_type(self) -> ElementType {
        fn of<E: Element>(_: &[E]) -> ElementType {
            E::TYPE
        }
        for_any_type!(Values, self, values => of(values))
    }

    pub(crate) fn wide_key(self, position: usize, by: RankBy) -> u64 {
        for_any_type!(Values, self, values => values[position].wide_key(by))
    }

    /// Appends the keys of the values whose bits are set, of at most 64.
    pub(crate) fn keys_of(self, bits: u64, by: RankBy, keys: &mut Vec<u64>) {
        for_any_type!(Values, self, values => {
            let set = |&(i, _): &(usize, _)| bits >> i & 1 == 1;
            if bits == u64::MAX {
                keys.extend(values.iter().map(|value| value.wide_key(by)));
            } else {
                keys.extend(values.iter().enumerate().filter(set).map(|(_, value)| value.wide_key(by)));
            }
        });
    }

    /// The number of lowest bits that are zero in every wide key of a positive number of this type.
    pub(crate) fn key_grain(self) -> u32 {
        let digits = match self {
            Values::F32(_) => f32::MANTISSA_DIGITS,
            Values::F64(_) => f64::MANTISSA_DIGITS,
            Values::F16(_) => half::f16::MANTISSA_DIGITS,
            Values::Bf16(_) => half::bf16::MANTISSA_DIGITS,
        };
        f64::MANTISSA_DIGITS - digits
    }

    /// Starts to fetch all values from memory.
    pub(crate) fn fetch(self) {
        for_any_type!(Values, self, values => crate::kernel::prefetch::fetch(values));
    }

    pub(crate) fn is_nan(self, position: usize) -> bool {
        for_any_type!(Values, self, values => Keyed::is_nan(values[position]))
    }

    pub(crate) fn slice(self, start: usize, end: usize) -> Values<'a> {
        match self {
            Values::F32(values) => Values::F32(&values[start..end]),
            Values::F64(values) => Values::F64(&values[start..end]),
            Values::F16(values) => Values::F16(&values[start..end]),
            Values::Bf16(values) => Values::Bf16(&values[start..end]),
        }
    }
}
