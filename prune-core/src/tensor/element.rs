//! The element types that can be pruned.

use core::fmt;

use half::{bf16, f16};

use crate::element_type::ElementType;
use crate::tensor::{LayerMut, LayerRef, LentMut, LentTensor};

/// A number that can be pruned: `f32`, `f64`, `f16` or `bf16`.
///
/// The trait is sealed, because its order is ours. Scores compare as exact real numbers; `-0.0` equals `+0.0`. **NaN
/// has no place in the order**: a NaN among the scores that an operation ranks is an error naming the first one (rule
/// 3), and elements that are not ranked are not examined.
pub trait Element:
    Copy + Send + Sync + PartialEq + fmt::Debug + fmt::Display + Default + 'static + sealed::Sealed
{
    /// The name of this element type.
    const TYPE: ElementType;

    /// `+0.0`, the value of pruned elements. Its bits are all zero.
    const ZERO: Self;

    /// One, the value of kept elements in a mask as values.
    const ONE: Self;

    /// The same number as an `f64`; exact.
    fn to_f64(self) -> f64;
}

pub(super) mod sealed {
    use super::{Element, LayerMut, LayerRef, LentMut, LentTensor};
    use crate::kernel::Kernels;

    /// The operations that the algorithms need of an element, kept out of the public contract.
    pub trait Sealed: Kernels {
        fn lent(lent: LentTensor<'_, Self>) -> LayerRef<'_>
        where
            Self: Element;
        fn lent_mut(lent: LentMut<'_, Self>) -> LayerMut<'_>
        where
            Self: Element;
    }
}

macro_rules! element {
    ($float:ty, $variant:ident, $zero:expr, $one:expr, $widen:expr) => {
        impl Element for $float {
            const TYPE: ElementType = ElementType::$variant;
            const ZERO: Self = $zero;
            const ONE: Self = $one;

            #[inline(always)]
            fn to_f64(self) -> f64 {
                let widen: fn($float) -> f64 = $widen;
                widen(self)
            }
        }

        impl sealed::Sealed for $float {
            fn lent(lent: LentTensor<'_, Self>) -> LayerRef<'_> {
                LayerRef::$variant(lent)
            }

            fn lent_mut(lent: LentMut<'_, Self>) -> LayerMut<'_> {
                LayerMut::$variant(lent)
            }
        }
    };
}

element!(f32, F32, 0.0, 1.0, f64::from);
element!(f64, F64, 0.0, 1.0, |x| x);
element!(f16, F16, f16::ZERO, f16::ONE, widened_f16);
element!(bf16, Bf16, bf16::ZERO, bf16::ONE, |x| f64::from(f32::from_bits(u32::from(x.to_bits()) << 16)));

/// Has no branch and asks the processor nothing, so that loops over it become vectors.
#[inline(always)]
fn widened_f16(x: f16) -> f64 {
    let bits = u32::from(x.to_bits());
    // Read as the bits of an `f32`, the exponent is too low by 112, and subnormal numbers stay subnormal.
    let finite = f64::from(f32::from_bits((bits & 0x7FFF) << 13)) * f64::from_bits((1023 + 112) << 52);
    let endless = f64::from(f32::from_bits(0x7F80_0000 | (bits & 0x3FF) << 13));
    let magnitude = if bits & 0x7C00 == 0x7C00 { endless } else { finite };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_widen_exactly() {
        for bits in 0..=u16::MAX {
            let (half, brain) = (f16::from_bits(bits), bf16::from_bits(bits));
            for (got, wanted) in [(half.to_f64(), f64::from(half)), (brain.to_f64(), f64::from(brain))] {
                assert!(got.to_bits() == wanted.to_bits() || got.is_nan() && wanted.is_nan(), "{bits}");
            }
        }
    }
}
