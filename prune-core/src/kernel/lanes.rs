//! Elements as vectors: loads, compares and stores each element type.
//!
//! `f32` and `f64` compare as floats; `f16` and `bf16` compare as integers, made of their bits, in the order of the
//! numbers. Either way `a >= b` on vectors of keys gives the same as on [`Keyed::key`].

use fearless_simd::prelude::*;
use half::slice::HalfFloatSliceExt as _;
use half::{bf16, f16};

use crate::key::{Keyed, RankBy};

/// An element type with vectors.
pub(crate) trait Lanes: Keyed {
    /// The type of one element for the vector unit.
    type Scalar: Copy;
    /// A vector of elements as memory holds them.
    type Raw<S: Simd>: SimdBase<S, Element = Self::Scalar>;
    /// A vector of keys.
    type Keys<S: Simd>: SimdBase<S>;

    fn scalars(values: &[Self]) -> &[Self::Scalar];
    fn scalars_mut(values: &mut [Self]) -> &mut [Self::Scalar];

    /// A vector of `+0.0`.
    fn zero<S: Simd>(simd: S) -> Self::Raw<S>;
    /// The keys of a vector.
    fn keys<S: Simd>(simd: S, raw: Self::Raw<S>, by: RankBy) -> Self::Keys<S>;
    /// A vector in which every key is `key`.
    fn splat_key<S: Simd>(simd: S, key: Self::Key, by: RankBy) -> Self::Keys<S>;
    /// Under magnitude, a vector in which every key is below the key of any element.
    fn below_all<S: Simd>(simd: S) -> Self::Keys<S>;
    /// The elements that are numbers, not NaN, as a mask of the keys.
    fn numbers<S: Simd>(simd: S, raw: Self::Raw<S>) -> <Self::Keys<S> as SimdBase<S>>::Mask;
}

macro_rules! float_lanes {
    ($float:ty, $vector:ident) => {
        impl Lanes for $float {
            type Scalar = $float;
            type Raw<S: Simd> = S::$vector;
            type Keys<S: Simd> = S::$vector;

            #[inline(always)]
            fn scalars(values: &[Self]) -> &[$float] {
                values
            }

            #[inline(always)]
            fn scalars_mut(values: &mut [Self]) -> &mut [$float] {
                values
            }

            #[inline(always)]
            fn zero<S: Simd>(simd: S) -> S::$vector {
                S::$vector::splat(simd, 0.0)
            }

            #[inline(always)]
            fn keys<S: Simd>(_: S, raw: S::$vector, by: RankBy) -> S::$vector {
                match by {
                    RankBy::Magnitude => raw.abs(),
                    RankBy::Value => raw,
                }
            }

            #[inline(always)]
            fn splat_key<S: Simd>(simd: S, key: Self::Key, by: RankBy) -> S::$vector {
                // A key past the top becomes NaN. No element is at or above NaN, as intended.
                S::$vector::splat(simd, <$float>::from_key(key, by))
            }

            #[inline(always)]
            fn below_all<S: Simd>(simd: S) -> S::$vector {
                S::$vector::splat(simd, -1.0)
            }

            #[inline(always)]
            fn numbers<S: Simd>(_: S, raw: S::$vector) -> <S::$vector as SimdBase<S>>::Mask {
                raw.simd_eq(raw)
            }
        }
    };
}

float_lanes!(f32, f32s);
float_lanes!(f64, f64s);

macro_rules! half_lanes {
    ($half:ty) => {
        impl Lanes for $half {
            type Scalar = u16;
            type Raw<S: Simd> = S::u16s;
            type Keys<S: Simd> = S::i16s;

            #[inline(always)]
            fn scalars(values: &[Self]) -> &[u16] {
                values.reinterpret_cast()
            }

            #[inline(always)]
            fn scalars_mut(values: &mut [Self]) -> &mut [u16] {
                values.reinterpret_cast_mut()
            }

            #[inline(always)]
            fn zero<S: Simd>(simd: S) -> S::u16s {
                S::u16s::splat(simd, 0)
            }

            #[inline(always)]
            fn keys<S: Simd>(simd: S, raw: S::u16s, by: RankBy) -> S::i16s {
                let magnitude: S::i16s = (raw & 0x7FFF).bitcast();
                match by {
                    RankBy::Magnitude => magnitude,
                    RankBy::Value => {
                        // Sign and magnitude as one signed number: -0.0 becomes 0 like +0.0.
                        let zero = S::i16s::splat(simd, 0);
                        let signed: S::i16s = raw.bitcast();
                        signed.simd_lt(zero).select(zero - magnitude, magnitude)
                    }
                }
            }

            #[inline(always)]
            fn splat_key<S: Simd>(simd: S, key: u16, by: RankBy) -> S::i16s {
                let number = match by {
                    RankBy::Magnitude => key as i16,
                    RankBy::Value if key >= 1 << 15 => (key & 0x7FFF) as i16,
                    RankBy::Value => -((!key & 0x7FFF) as i16),
                };
                S::i16s::splat(simd, number)
            }

            #[inline(always)]
            fn below_all<S: Simd>(simd: S) -> S::i16s {
                S::i16s::splat(simd, -1)
            }

            #[inline(always)]
            fn numbers<S: Simd>(simd: S, raw: S::u16s) -> <S::i16s as SimdBase<S>>::Mask {
                let magnitude: S::i16s = (raw & 0x7FFF).bitcast();
                magnitude.simd_le(S::i16s::splat(simd, <$half>::INFINITY.to_bits() as i16))
            }
        }
    };
}

half_lanes!(f16);
half_lanes!(bf16);
