//! The innermost loops, as fast as memory.
//!
//! Each file has one loop: a plain version that says what is meant, and a vector version of the same signature that is
//! generic over the instruction set and tested against the plain one on each set the machine offers. Which set runs is
//! decided once per process by `fearless_simd`, whose tokens make it safe; no answer depends on it.

pub(crate) mod compare;
pub(crate) mod groups;
pub(crate) mod instructions;
pub(crate) mod lanes;
pub(crate) mod non_zero;
pub(crate) mod prefetch;
pub(crate) mod zero;
