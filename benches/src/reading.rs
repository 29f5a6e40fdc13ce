//! Reads memory once: the base of every ratio.
//!
//! This code is frozen. A faster or slower reading would change every ratio of every record, so change it only
//! together with all of them.

use std::time::Duration;

use half::{bf16, f16};
use num_traits::{WrappingAdd, Zero};
use prune_core::Element;
use rayon::prelude::*;

use crate::measure::{Measured, in_turns};
use crate::size::Rotation;

/// Elements whose bits are added up as words of their own width: no reading is faster.
pub(crate) trait Words: Element {
    /// The word.
    type Word: Send + WrappingAdd + Zero;

    fn word(self) -> Self::Word;
}

macro_rules! words {
    ($($float:ty: $word:ty),*) => {$(
        impl Words for $float {
            type Word = $word;

            #[inline(always)]
            fn word(self) -> $word {
                self.to_bits()
            }
        }
    )*};
}
words!(f32: u32, f64: u64, f16: u16, bf16: u16);

/// Reads `values` once: a wrapping sum of their words, on the pool.
pub(crate) fn read<E: Words>(values: &[E]) -> E::Word {
    values.par_chunks(1 << 16).map(|chunk| sum(chunk)).reduce(Zero::zero, plus)
}

fn plus<W: WrappingAdd>(a: W, b: W) -> W {
    a.wrapping_add(&b)
}

fn sum<E: Words>(chunk: &[E]) -> E::Word {
    chunk.iter().fold(E::Word::zero(), |sum, value| plus(sum, value.word()))
}

/// Times one reading of `elements` elements, out of the caches. `value` is what they are. It must not be zero, since memory
/// that is only ever zero may have no pages of its own, and is then read from a cache.
pub(crate) fn time<E: Words>(elements: usize, value: E, rounds: usize) -> Duration {
    let values = Rotation::new(elements * size_of::<E>(), || vec![value; elements]);
    let Measured { time, .. } = in_turns(rounds, || read(values.next()), || ());
    time
}
