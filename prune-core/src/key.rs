//! The one order in which scores compare.
//!
//! Scores compare as exact real numbers, as if widened to `f64` (rule 2). Every comparison is done on unsigned integer
//! *keys*: a native key as wide as the element for the heavy loops, and its widening to the key of the same number as
//! an `f64`, in which all element types share one order.

use core::fmt;

use half::{bf16, f16};

/// The meaning of a number that ranks an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RankBy {
    /// By absolute value, as weights rank when they are their own score. Both infinities come first.
    #[default]
    Magnitude,
    /// By value, as a tensor of scores ranks. `+inf` comes first, `-inf` last, and `-0.0 = +0.0`.
    Value,
}

/// A number with keys; its default is `+0.0`. It is public only so that the sealed trait of elements can stand on it.
pub trait Keyed: Copy + Send + Sync + PartialEq + fmt::Debug + Default + 'static {
    /// An unsigned integer as wide as the number.
    type Key: Copy + Ord + Send + Sync + fmt::Debug + 'static;

    /// The largest key of a number that is not NaN, under `by`.
    fn top_key(by: RankBy) -> Self::Key;
    /// The key just above [`Keyed::top_key`].
    fn past_top(by: RankBy) -> Self::Key;
    /// The smallest key of a number that is not NaN, under `by`.
    fn bottom_key(by: RankBy) -> Self::Key;
    /// Greater keys rank first. NaN lies above [`Keyed::top_key`] or below [`Keyed::bottom_key`].
    fn key(self, by: RankBy) -> Self::Key;
    /// The key of the same number as an `f64`: keys of all element types in one order.
    fn wide_key(self, by: RankBy) -> u64;
    /// A number of this key.
    fn from_key(key: Self::Key, by: RankBy) -> Self;
    /// The key just above `key`, which is below [`Keyed::top_key`].
    fn key_above(key: Self::Key) -> Self::Key;
    /// A number nearest to `value`, or the one on the other side of it.
    fn near(value: f64) -> Self;
    /// True if this is NaN.
    fn is_nan(self) -> bool;
}

macro_rules! keyed {
    ($float:ty, $bits:ty, $infinity:expr, $widen:expr, $narrow:expr) => {
        impl Keyed for $float {
            type Key = $bits;

            fn top_key(by: RankBy) -> $bits {
                Keyed::key($infinity, by)
            }

            fn past_top(by: RankBy) -> $bits {
                Self::top_key(by) + 1
            }

            fn bottom_key(by: RankBy) -> $bits {
                match by {
                    RankBy::Magnitude => 0,
                    RankBy::Value => Keyed::key(-$infinity, by),
                }
            }

            #[inline(always)]
            fn key(self, by: RankBy) -> $bits {
                const SIGN: $bits = 1 << (<$bits>::BITS - 1);
                let bits = self.to_bits();
                match by {
                    RankBy::Magnitude => bits & !SIGN,
                    // Negative numbers count down from the middle and positive ones up; -0.0 joins +0.0 there.
                    RankBy::Value if bits > SIGN => !bits,
                    RankBy::Value => bits | SIGN,
                }
            }

            #[inline(always)]
            fn wide_key(self, by: RankBy) -> u64 {
                {
                    let widen: fn($float) -> f64 = $widen;
                    Keyed::key(widen(self), by)
                }
            }

            fn from_key(key: $bits, by: RankBy) -> Self {
                const SIGN: $bits = 1 << (<$bits>::BITS - 1);
                <$float>::from_bits(match by {
                    RankBy::Magnitude => key,
                    RankBy::Value if key < SIGN => !key,
                    RankBy::Value => key & !SIGN,
                })
            }

            fn key_above(key: $bits) -> $bits {
                key + 1
            }

            fn near(value: f64) -> Self {
                let narrow: fn(f64) -> $float = $narrow;
                narrow(value)
            }

            #[inline(always)]
            fn is_nan(self) -> bool {
                <$float>::is_nan(self)
            }
        }
    };
}

keyed!(f32, u32, f32::INFINITY, f64::from, |x| x as f32);
keyed!(f64, u64, f64::INFINITY, |x| x, |x| x);
keyed!(f16, u16, f16::INFINITY, of_f16, f16::from_f64);
// A bf16 is the upper half of an f32. The library's conversion gives the same and branches.
keyed!(bf16, u16, bf16::INFINITY, |x| f64::from(f32::from_bits(u32::from(x.to_bits()) << 16)), bf16::from_f64);

/// The same value as the library's conversion, without a branch. The fields of an f16, read as the fields of an f32,
/// give a number too small by 2^112, subnormal or not.
#[inline(always)]
fn of_f16(x: f16) -> f64 {
    const SCALE: f32 = f32::from_bits((127 + 112) << 23);
    let (bits, sign) = (u32::from(x.to_bits() & 0x7FFF) << 13, u32::from(x.to_bits() & 0x8000) << 16);
    let finite = (f32::from_bits(bits) * SCALE).to_bits();
    let magnitude = if x.to_bits() & 0x7C00 == 0x7C00 { bits | f32::INFINITY.to_bits() } else { finite };
    f64::from(f32::from_bits(sign | magnitude))
}

/// A native key as the key of the same number as an `f64`.
fn widen<E: Keyed>(key: E::Key, by: RankBy) -> u64 {
    E::from_key(key, by).wide_key(by)
}

/// The smallest key of `E` whose widening is at least `wide`, or one past the top if there is none.
///
/// It turns a threshold of the common order into one for the native keys of an element type: for every number,
/// Turns a threshold of the common order into one for the native keys of an element type: for every number,
pub(crate) fn ceil_key<E: Keyed>(wide: u64, by: RankBy) -> E::Key {
    if wide <= widen::<E>(E::bottom_key(by), by) {
        return E::bottom_key(by);
    }
    if wide > widen::<E>(E::top_key(by), by) {
        return E::past_top(by);
    }
    // The threshold is this key, or lies between it and one of its neighbours.
    let near = E::near(f64::from_key(wide, by)).key(by);
    if widen::<E>(near, by) < wide { E::key_above(near) } else { near }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Element;
    use proptest::prelude::*;

    /// Every threshold above one number and up to the next separates them.
    fn separates<E: Keyed>(below: E, above: E, by: RankBy) {
        let (low, high) = (below.wide_key(by), above.wide_key(by));
        let middle = low + (high - low) / 2;
        for wide in [low + 1, middle.saturating_sub(1), middle, middle + 1, high.saturating_sub(1), high] {
            if low < wide && wide <= high {
                let cut = ceil_key::<E>(wide, by);
                assert!(below.key(by) < cut && cut <= above.key(by), "{below:?} {above:?} {by:?} {wide:x}");
            }
        }
    }

    /// Every f16 and bf16, against the order of the real numbers.
    fn keys_follow_real_order<E: Element>(from_bits: fn(u16) -> E) {
        for by in [RankBy::Magnitude, RankBy::Value] {
            let mut all: Vec<E> = (0..=u16::MAX).map(from_bits).filter(|x| !x.is_nan()).collect();
            let real = |x: &E| if by == RankBy::Magnitude { x.to_f64().abs() } else { x.to_f64() };
            all.sort_by(|a, b| real(a).total_cmp(&real(b)));
            for pair in all.windows(2) {
                let order = real(&pair[0]).partial_cmp(&real(&pair[1]));
                assert_eq!(Some(pair[0].key(by).cmp(&pair[1].key(by))), order, "{pair:?} {by:?}");
                assert_eq!(Some(pair[0].wide_key(by).cmp(&pair[1].wide_key(by))), order, "{pair:?} {by:?}");
                separates(pair[0], pair[1], by);
            }
            for x in all {
                assert_eq!(x.wide_key(by), x.to_f64().wide_key(by), "{x:?} {by:?}");
                assert_eq!(widen::<E>(x.key(by), by), x.wide_key(by), "{x:?} {by:?}");
                assert!(x.key(by) <= E::top_key(by) && x.key(by) >= E::bottom_key(by));
                // The key just below +0.0 would be -0.0, which joins it: no number has that key, and either serves.
                if x != E::ZERO {
                    assert_eq!(ceil_key::<E>(x.wide_key(by), by), x.key(by));
                }
            }
            for nan in (0..=u16::MAX).map(from_bits).filter(|x| x.is_nan()) {
                assert!(nan.key(by) > E::top_key(by) || nan.key(by) < E::bottom_key(by), "{nan:?} {by:?}");
            }
        }
    }

    #[test]
    fn every_f16_and_bf16_is_in_order() {
        keys_follow_real_order(f16::from_bits);
        keys_follow_real_order(bf16::from_bits);
    }

    proptest! {
        #[test]
        fn f32_keys_follow_real_order(a: u32, b: u32) {
            let (a, b) = (f32::from_bits(a), f32::from_bits(b));
            prop_assume!(!a.is_nan() && !b.is_nan());
            prop_assert_eq!(a.key(RankBy::Value).partial_cmp(&b.key(RankBy::Value)), a.partial_cmp(&b));
            prop_assert_eq!(a.key(RankBy::Magnitude).partial_cmp(&b.key(RankBy::Magnitude)), a.abs().partial_cmp(&b.abs()));
            prop_assert_eq!(a.wide_key(RankBy::Value).partial_cmp(&b.wide_key(RankBy::Value)), a.partial_cmp(&b));
        }

        #[test]
        fn ceil_key_separates_as_the_real_numbers_do(threshold: u64, bits: u32, half_bits: u16) {
            let threshold = f64::from_bits(threshold);
            let (x, h) = (f32::from_bits(bits), f16::from_bits(half_bits));
            prop_assume!(!threshold.is_nan() && !x.is_nan() && !h.is_nan());
            for by in [RankBy::Magnitude, RankBy::Value] {
                let wide = threshold.wide_key(by);
                prop_assert_eq!(x.key(by) >= ceil_key::<f32>(wide, by), x.wide_key(by) >= wide);
                prop_assert_eq!(h.key(by) >= ceil_key::<f16>(wide, by), h.wide_key(by) >= wide);
                for x in [x, threshold as f32].into_iter().filter(|x| x.key(by) < f32::top_key(by)) {
                    separates(x, f32::from_key(x.key(by) + 1, by), by);
                }
            }
        }
    }
}
