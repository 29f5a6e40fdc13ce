//! Converts a mask to one number an element and back, for tools that know no packed bits.

use super::Mask;
use crate::error::{Error, ErrorKind};
use crate::layout::checked_len;
use crate::tensor::Element;
use crate::threads::Threads;

/// The number of elements that a task writes: a whole number of words.
const PART: usize = 1 << 16;

/// For each value of eight bits, the eight bytes of 0 or 1.
const SPREAD: [[u8; 8]; 256] = {
    let mut spread = [[0; 8]; 256];
    let mut bits = 0;
    while bits < 256 {
        let mut bit = 0;
        while bit < 8 {
            spread[bits][bit] = (bits >> bit & 1) as u8;
            bit += 1;
        }
        bits += 1;
    }
    spread
};

impl Mask {
    /// One byte an element in logical order: 1 if it is kept, else 0. Booleans of numpy, torch and safetensors have
    /// the same bytes.
    ///
    /// # Complexity
    ///
    /// One pass that writes the bytes, on all threads.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::Mask;
    ///
    /// let mask = Mask::from_bools(&[2, 2], &[true, false, false, true])?;
    /// assert_eq!(mask.to_bytes(), [1, 0, 0, 1]);
    /// assert_eq!(Mask::from_bytes(&[2, 2], &mask.to_bytes())?, mask);
    /// # Ok::<(), prune_core::Error>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        self.written(0, |bytes, words| {
            for (eight, bits) in bytes.chunks_mut(8).zip(words.iter().flat_map(|word| word.to_le_bytes())) {
                eight.copy_from_slice(&SPREAD[usize::from(bits)][..eight.len()]);
            }
        })
    }

    /// One value an element in logical order: one if it is kept, else `+0.0`.
    ///
    /// Apply a mask by selecting, not by multiplying with these values: a product is NaN where the mask prunes an
    /// infinity, and `-0.0` where it prunes a negative number.
    ///
    /// # Complexity
    ///
    /// One pass that writes the values, on all threads.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::Mask;
    ///
    /// let mask = Mask::from_bools(&[3], &[true, false, true])?;
    /// assert_eq!(mask.to_values::<f32>(), [1.0, 0.0, 1.0]);
    /// # Ok::<(), prune_core::Error>(())
    /// ```
    pub fn to_values<E: Element>(&self) -> Vec<E> {
        // A part is small enough to stay in a cache between the two writes.
        self.written(E::ZERO, |values, words| {
            values.fill(E::ONE);
            E::zero_outside(values, words);
        })
    }

    /// A mask from one byte an element, in logical order; an element is kept if its byte is not 0.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongLen`] if there are more or fewer bytes than elements, [`ErrorKind::ShapeOverflow`].
    ///
    /// # Complexity
    ///
    /// One pass that reads the bytes, on all threads.
    pub fn from_bytes(shape: &[usize], bytes: &[u8]) -> Result<Self, Error> {
        let len = checked_len(shape)?;
        if bytes.len() != len {
            return Err(ErrorKind::WrongLen { shape: shape.to_vec(), expected: len, got: bytes.len() }.into());
        }
        let parts = bytes.chunks(PART).collect();
        let words = Threads::Pool
            .for_elements(len)
            .map(parts, |part: &[u8]| part.chunks(64).map(word_of_bytes).collect::<Vec<u64>>())
            .concat();
        Ok(Mask { shape: shape.to_vec(), len, words })
    }

    /// A copy of `filler` for each element; `write` then changes them part by part with the bits of each part.
    fn written<T: Copy + Send>(&self, filler: T, write: impl Fn(&mut [T], &[u64]) + Sync + Send) -> Vec<T> {
        let mut all = vec![filler; self.len];
        let parts = all.chunks_mut(PART).zip(self.words.chunks(PART / 64)).collect();
        Threads::Pool.for_elements(self.len).map(parts, |(part, words): (&mut [T], &[u64])| write(part, words));
        all
    }
}

/// One bit for each of at most 64 bytes, set if the byte is not 0.
fn word_of_bytes(bytes: &[u8]) -> u64 {
    let (eights, rest) = bytes.as_chunks::<8>();
    let word = eights.iter().rev().fold(0, |word, &eight| word << 8 | bits_of_eight(u64::from_le_bytes(eight)));
    let rest = rest.iter().rev().fold(0, |bits, &byte| bits << 1 | u64::from(byte != 0));
    if rest == 0 { word } else { word | rest << (8 * eights.len()) }
}

/// One bit for each of eight bytes, set if the byte is not 0.
fn bits_of_eight(eight: u64) -> u64 {
    const LOW_BITS: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    // The highest bit of each byte that is not 0: a carry out of the other seven, or the bit itself.
    let highest = (((eight & LOW_BITS) + LOW_BITS) | eight) & !LOW_BITS;
    // Byte i has its bit at 8 i; the product has it at 56 + i, since no two of its terms meet.
    (highest >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}
