//! The two element types for which the arithmetic is compiled.
//!
//! Training runs in f32. The same code in f64 makes finite differences exact enough to check every gradient closely,
//! and costs nothing, because each layer is generic over [`Real`] alone.

use num_traits::{Float, NumAssign};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating-point type to train in: `f32` or `f64`.
///
/// Sealed, because the matrix product supports these types alone.
pub trait Real: sealed::Sealed + Float + NumAssign + Default + std::fmt::Debug + Send + Sync + 'static {
    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;
    /// This value, exactly.
    fn to_f64(self) -> f64;
    /// This value of a byte, exactly.
    fn from_u8(value: u8) -> Self;
}

impl Real for f32 {
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as Self
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn from_u8(value: u8) -> Self {
        Self::from(value)
    }
}

impl Real for f64 {
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn from_u8(value: u8) -> Self {
        Self::from(value)
    }
}
