//! The numbers that can be pruned.

use core::fmt;

use half::{bf16, f16};

use crate::element_type::ElementType;
use crate::tensor::{LayerMut, LayerRef, Lent, LentMut};

/// A number that can be pruned: `f32`, `f64`, `f16` or `bf16`.
///
/// The trait is sealed, because its order is ours. Scores compare as exact real numbers; `-0.0` equals `+0.0`. **NaN
/// has no place in the order**: a NaN among the scores that an operation ranks is an error naming the first one (rule
/// 3), and elements that are not ranked are not examined.
pub trait Element:
    Copy + Send + Sync + PartialEq + fmt::Debug + fmt::Display + Default + 'static + sealed::Sealed
{
    /// Which of the element types this is.
    const TYPE: ElementType;

    /// `+0.0`, what pruned elements become. Its bits are all zero.
    const ZERO: Self;

    /// One: what a mask as values has where it keeps.
    const ONE: Self;

    /// The same number as an `f64`; exact.
    fn to_f64(self) -> f64;
}

pub(super) mod sealed {
    use super::{Element, LayerMut, LayerRef, Lent, LentMut};
    use crate::kernel::Kernels;

    /// What the algorithms need of an element, kept out of the public contract.
    pub trait Sealed: Kernels {
        fn lent(lent: Lent<'_, Self>) -> LayerRef<'_>
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

            fn to_f64(self) -> f64 {
                let widen: fn($float) -> f64 = $widen;
                widen(self)
            }
        }

        impl sealed::Sealed for $float {
            fn lent(lent: Lent<'_, Self>) -> LayerRef<'_> {
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
element!(f16, F16, f16::ZERO, f16::ONE, f64::from);
element!(bf16, Bf16, bf16::ZERO, bf16::ONE, f64::from);
