//! The innermost loops, as fast as memory.
//!
//! Each file has one loop: a plain version that defines the result, and a vector version of the same signature that
//! is generic over the instruction set and tested against the plain one on each set the machine offers.
//! `fearless_simd` chooses the set once per process, and its tokens make that safe; no answer depends on it.

pub(crate) mod compare;
pub(crate) mod group;
pub(crate) mod groups;
pub(crate) mod instructions;
pub(crate) mod lanes;
pub(crate) mod non_zero;
pub(crate) mod prefetch;
pub(crate) mod zero;

use half::{bf16, f16};

use crate::kernel::groups::{GROUPS, NmRule, contiguous};
use crate::kernel::instructions::level;
use crate::key::{Keyed, RankBy};

/// Loops for code that is generic over the element type and compiled in the crate that uses it. Through this trait
/// the loops are compiled here, once for each element type.
pub trait Kernels: Keyed {
    /// Sets bit `i` of `words` if `values[i]` is not zero. Returns true if there is a NaN.
    fn non_zeros(values: &[Self], words: &mut [u64]) -> bool;
    /// Sets the bits of the `n` largest magnitudes of every `m` neighbours and clears the others, for whole blocks
    /// from the front, if there is a vector version. Returns the number of elements done.
    fn n_m_blocks(values: &[Self], n: usize, m: usize, words: &mut [u64]) -> usize;
    /// Writes `+0.0` into `values[i]` if bit `i` of `words` is not set.
    fn zero_outside(values: &mut [Self], words: &[u64]);
}

macro_rules! kernels {
    ($($float:ty),*) => {$(
        impl Kernels for $float {
            fn non_zeros(values: &[Self], words: &mut [u64]) -> bool {
                non_zero::non_zeros(level(), values, words)
            }

            fn n_m_blocks(values: &[Self], n: usize, m: usize, words: &mut [u64]) -> usize {
                let rule = NmRule { n, m, by: RankBy::Magnitude, last_of_ties: false };
                if n > m || !rule.has_vectors(false) {
                    return 0;
                }
                let blocks = values.len() / (GROUPS * m) * (GROUPS * m);
                contiguous(level(), &values[..blocks], None, rule, &mut words[..blocks / 64]);
                blocks
            }

            fn zero_outside(values: &mut [Self], words: &[u64]) {
                zero::zero_outside(level(), values, words);
            }
        }
    )*};
}

kernels!(f32, f64, f16, bf16);
