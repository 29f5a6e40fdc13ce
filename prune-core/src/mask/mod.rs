//! The mask: one bit for each element in logical order, set if the element is kept.

mod groups;
mod iter;
mod permute;
#[cfg(feature = "serde")]
mod serial;
mod set;
mod squares;
mod values;

pub use groups::PatternCounts;
pub use iter::{Iter, KeptIndices};
pub(crate) use permute::{to_logical, to_memory};

use core::fmt;

use crate::bits::tail_bits;
use crate::error::{Error, ErrorKind};
use crate::layout::checked_len;

/// The kept elements of a tensor: one bit an element, in logical order, whatever the tensor's memory layout.
///
/// # Invariants
///
/// There are exactly as many bits as the shape has elements. Equal logical content means equal masks, equal hashes
/// and equal serialised bytes, on every backend.
///
/// # Order and ties (rule 2)
///
/// Masks made by this crate keep the elements of the highest score. Scores compare as exact real numbers, as if
/// widened to `f64`, so that element types mix in one ranking; `-0.0` equals `+0.0`; under
/// [`RankBy::Magnitude`](crate::RankBy) both infinities come first, under [`RankBy::Value`](crate::RankBy) `+inf` comes
/// first and `-inf` last. Among equal scores the smaller layer name (bytewise) comes first, then the lower logical
/// index. The same rule holds for unstructured, N:M and global masks. NaN is an error (see
/// [`Element`](crate::Element)).
///
/// # Nesting (rule 6)
///
/// No two elements rank the same, so masks of equal scores nest: a higher density keeps all that a lower one keeps,
/// and so does a higher N of the same M along the same axis.
///
/// # Examples
///
/// ```
/// use prune_core::Mask;
///
/// let mask = Mask::from_bools(&[2, 3], &[true, false, true, false, false, true])?;
/// assert_eq!(mask.kept_len(), 3);
/// assert!(mask.is_kept(2));
/// assert_eq!(mask.to_string(), "mask of shape [2, 3] keeping 3 of 6");
/// # Ok::<(), prune_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Mask {
    shape: Vec<usize>,
    len: usize,
    /// Bit `i % 64` of word `i / 64` is element `i`; bits past the last element are zero.
    words: Vec<u64>,
}

impl Mask {
    /// A mask that keeps everything.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeOverflow`].
    pub fn all(shape: &[usize]) -> Result<Self, Error> {
        let mut mask = Self::none(shape)?;
        mask.words.fill(u64::MAX);
        mask.clear_tail();
        Ok(mask)
    }

    /// A mask that keeps nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeOverflow`].
    pub fn none(shape: &[usize]) -> Result<Self, Error> {
        let len = checked_len(shape)?;
        let mut words = Vec::new();
        words.try_reserve_exact(len.div_ceil(64)).map_err(|_| ErrorKind::ShapeOverflow { shape: shape.to_vec() })?;
        words.resize(len.div_ceil(64), 0);
        Ok(Mask { shape: shape.to_vec(), len, words })
    }

    /// A mask from one bool an element, in logical order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongLen`] if there are more or fewer bools than elements, [`ErrorKind::ShapeOverflow`].
    pub fn from_bools(shape: &[usize], kept: &[bool]) -> Result<Self, Error> {
        let len = checked_len(shape)?;
        if kept.len() != len {
            return Err(ErrorKind::WrongLen { shape: shape.to_vec(), expected: len, got: kept.len() }.into());
        }
        let words = kept
            .chunks(64)
            .map(|block| block.iter().rev().fold(0, |word, &kept| word << 1 | u64::from(kept)))
            .collect();
        Ok(Mask { shape: shape.to_vec(), len, words })
    }

    /// A mask from its packed bits: bit `i % 64` of word `i / 64` is the element of logical index `i`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongLen`] if there are not `len.div_ceil(64)` words (counted in bits), [`ErrorKind::TailBits`]
    /// if bits past the last element are set, [`ErrorKind::ShapeOverflow`].
    pub fn from_words(shape: &[usize], words: Vec<u64>) -> Result<Self, Error> {
        let len = checked_len(shape)?;
        if words.len() != len.div_ceil(64) {
            let got = words.len().saturating_mul(64);
            return Err(ErrorKind::WrongLen { shape: shape.to_vec(), expected: len, got }.into());
        }
        let mut mask = Mask { shape: shape.to_vec(), len, words };
        let last = mask.words.last().copied();
        mask.clear_tail();
        if last != mask.words.last().copied() {
            return Err(ErrorKind::TailBits { len }.into());
        }
        Ok(mask)
    }

    /// A mask from words that this crate made.
    pub(crate) fn from_own_words(shape: &[usize], len: usize, words: Vec<u64>) -> Self {
        debug_assert_eq!(words.len(), len.div_ceil(64));
        let mut mask = Mask { shape: shape.to_vec(), len, words };
        mask.clear_tail();
        mask
    }

    /// The shape of the tensor it belongs to.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of elements, kept or not.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The packed bits; see [`Mask::from_words`].
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// True if the element of the linear logical index `index` is kept.
    ///
    /// # Panics
    ///
    /// If `index` is not less than [`Mask::len`], as slices do.
    pub fn is_kept(&self, index: usize) -> bool {
        assert!(index < self.len, "index {index} is outside a mask of {} elements", self.len);
        self.words[index / 64] >> (index % 64) & 1 == 1
    }

    /// The number of kept elements. One pass over the bits.
    pub fn kept_len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The same bits for a tensor of another shape with as many elements.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongLen`], [`ErrorKind::ShapeOverflow`].
    pub fn with_shape(self, shape: &[usize]) -> Result<Self, Error> {
        let expected = checked_len(shape)?;
        if expected != self.len {
            return Err(ErrorKind::WrongLen { shape: shape.to_vec(), expected, got: self.len }.into());
        }
        Ok(Mask { shape: shape.to_vec(), ..self })
    }

    /// The words, to be reused.
    pub(crate) fn into_words(self) -> Vec<u64> {
        self.words
    }

    /// Refuses a tensor of another shape.
    pub(crate) fn fits(&self, what: &'static str, shape: &[usize]) -> Result<(), Error> {
        if self.shape == shape {
            return Ok(());
        }
        Err(ErrorKind::ShapeMismatch { what, expected: shape.to_vec(), got: self.shape.clone() }.into())
    }

    fn clear_tail(&mut self) {
        if let Some(last) = self.words.last_mut() {
            *last &= tail_bits(self.len);
        }
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mask of shape {:?} keeping {} of {}", self.shape, self.kept_len(), self.len)
    }
}

impl fmt::Debug for Mask {
    /// Shows the bits too, if they are few.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        if self.len <= 256 {
            f.write_str(": ")?;
            self.iter().try_for_each(|kept| f.write_str(if kept { "1" } else { "0" }))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
