//! A mask as one number an element, there and back, for whatever knows no packed bits.

use super::Mask;
use crate::error::{Error, ErrorKind};
use crate::layout::checked_len;
use crate::tensor::Element;
use crate::threads::Threads;

/// Elements that a task writes: a whole number of words.
const PART: usize = 1 << 16;

/// The eight bytes of 0 or 1 that eight bits become, for every eight bits.
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
    /// One byte an element in logical order: 1 where it is kept, 0 where not. The bytes of numpy's, torch's and safetensors'
    /// booleans are the same.
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

    /// One value an element in logical order: one where it is kept, `+0.0` where not.
    ///
    /// To apply a mask is to select by it: a product with these values is NaN where it prunes an infinity, and `-0.0` where
    /// it prunes a negative number.
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
        self.written(E::ONE, |values, words| E::zero_outside(values, words))
    }

    /// A mask from one byte an element, in logical order: kept where the byte is not 0.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongLen`] where there are more or fewer bytes than elements, [`ErrorKind::ShapeOverflow`].
    pub fn from_bytes(shape: &[usize], bytes: &[u8]) -> Result<Self, Error> {
        let len = checked_len(shape)?;
        if bytes.len() != len {
            return Err(ErrorKind::WrongLen { shape: shape.to_vec(), expected: len, got: bytes.len() }.into());
        }
        let word = |block: &[u8]| block.iter().rev().fold(0, |word, &byte| word << 1 | u64::from(byte != 0));
        let words = bytes.chunks(64).map(word).collect();
        Ok(Mask { shape: shape.to_vec(), len, words })
    }

    /// As many of `filler` as there are elements, which `write` then changes part by part with the bits of each.
    fn written<T: Copy + Send>(&self, filler: T, write: impl Fn(&mut [T], &[u64]) + Sync + Send) -> Vec<T> {
        let mut all = vec![filler; self.len];
        let parts = all.chunks_mut(PART).zip(self.words.chunks(PART / 64)).collect();
        Threads::Pool.for_elements(self.len).map(parts, |(part, words): (&mut [T], &[u64])| write(part, words));
        all
    }
}
